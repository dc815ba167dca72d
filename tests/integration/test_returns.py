"""Redis comes back older, and no run has begun since the copy: who acknowledged more tells it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError

from attendance.live import client, keys, store
from attendance.live.newest import NEWEST
from attendance.models import LessonLedger, OlderLiveStore
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import extend_lesson, rename_lesson
from attendance.services.persistence import unified_persistence_task
from attendance.services.stores import sites, words
from attendance.services.stores.reconciling import find_differences
from attendance.services.stores.returns import Watch
from attendance.vocabulary import LessonState, Verdict
from tests.support.lessons import (
    TEACHER,
    end,
    ended_lesson,
    forget_everything,
    live_lesson,
    put_back,
    redis_state,
    student,
)
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)

OTHER = Person("T-2", "Teacher 2", Role.TEACHER)
Work = Callable[[], object]


@pytest.fixture(autouse=True)
def new_process() -> Iterator[None]:
    """A process that has heard nothing yet."""
    NEWEST.clear()
    yield
    NEWEST.clear()


def without_a_run(copied: list[int], gone: list[int]) -> tuple[UUID, dict[Any, Any]]:
    """A live lesson, and the copy of Redis in which some of those who came are not."""
    lesson = live_lesson(0)
    unified_persistence_task()
    for number in copied:
        check_in(lesson.id, student=student(number))
    copy = redis_state()
    for number in gone:
        check_in(lesson.id, student=student(number))
    return lesson.id, copy


def come_back(copy: dict[Any, Any]) -> None:
    forget_everything()
    put_back(copy)


def codes() -> list[tuple[UUID, str]]:
    return [(each.lesson_id, each.code) for each in find_differences()]


def nothing() -> None:
    return None


def another_process() -> None:
    NEWEST.clear()


@pytest.mark.parametrize("gone", [1, 2, 3])
def test_marks_that_later_check_ins_hide_are_told_though_no_run_has_begun(gone: int) -> None:
    """With one, the next check-in gets the very revision of the one that is gone."""
    lesson_id, copy = without_a_run([1], list(range(2, 2 + gone)))
    come_back(copy)
    for number in range(10, 15):
        check_in(lesson_id, student=student(number))
    Watch().look()
    end(lesson_id)

    assert unified_persistence_task().totals.outcomes == {"persisted": 1}
    assert codes() == [(lesson_id, "uncounted")]
    site = sites.disagreement()
    assert site is not None
    assert site.disagreement == sites.REDIS_IS_OLDER


def test_a_lesson_that_was_stored_before_anybody_looked_is_told_as_well() -> None:
    lesson_id, copy = without_a_run([1], [2, 3])
    come_back(copy)
    end(lesson_id)
    assert unified_persistence_task().totals.outcomes == {"persisted": 1}
    assert LessonLedger.objects.get(pk=lesson_id).state == LessonState.DISCARDED
    assert codes() == []
    after_it = ended_lesson(1, teacher=OTHER)
    unified_persistence_task(lesson_ids=[after_it.id])

    Watch().look()

    # Nobody has overtaken the copy: what was heard is not stored.
    assert codes() == [(lesson_id, "uncounted")]


def _rename(lesson_id: UUID) -> None:
    rename_lesson(lesson_id, "Chemistry", actor=TEACHER)


def _extend(lesson_id: UUID) -> None:
    later = store.read_lesson(lesson_id).ends_at + timedelta(minutes=5)
    extend_lesson(lesson_id, later, actor=TEACHER)


@pytest.mark.parametrize("change", [end, _rename, _extend])
def test_a_change_that_takes_the_revision_of_a_mark_that_is_gone_is_told(
    change: Callable[[UUID], None],
) -> None:
    """Nobody has looked before it was stored, and its revision is the one that was heard."""
    lesson_id, copy = without_a_run([1], [2])
    come_back(copy)
    change(lesson_id)
    end(lesson_id)
    assert unified_persistence_task().totals.outcomes == {"persisted": 1}
    Watch().look()
    assert codes() == [(lesson_id, "uncounted")]


def test_a_copy_that_nobody_checks_in_to_is_found_by_looking() -> None:
    lesson_id, copy = without_a_run([1], [2, 3])
    watch = Watch()
    come_back(copy)
    watch.look()
    assert codes() == [(lesson_id, "uncounted")]
    # Once: what the copy says from here on is what is heard.
    check_in(lesson_id, student=student(9))
    watch.look()
    assert OlderLiveStore.objects.count() == 1


def test_another_process_tells_of_what_was_written_down_before_it_began() -> None:
    """The one that acknowledged it is gone, and check-ins to the copy will hide what it lacks."""
    lesson_id, copy = without_a_run([1], list(range(2, 7)))
    Watch().look()
    another_process()
    come_back(copy)
    watch = Watch()
    for number in range(10, 20):
        check_in(lesson_id, student=student(number))
        watch.look()
    end(lesson_id)
    assert unified_persistence_task().totals.outcomes == {"persisted": 1}
    assert codes() == [(lesson_id, "uncounted")]
    assert OlderLiveStore.objects.count() == 1


@pytest.mark.parametrize("meanwhile", [nothing, another_process])
def test_what_was_written_down_is_missed_by_its_count(meanwhile: Work) -> None:
    """Also where the process that acknowledged it is gone."""
    lesson_id, copy = without_a_run([1], [2, 3])
    Watch().look()
    meanwhile()
    come_back(copy)
    end(lesson_id)

    assert unified_persistence_task().totals.outcomes == {"incomplete": 1}
    assert LessonLedger.objects.get(pk=lesson_id).missing_count == 2


def test_a_correction_that_is_gone_is_told() -> None:
    lesson = live_lesson(2)
    unified_persistence_task()
    copy = redis_state()
    correction = Correction(
        lesson_id=lesson.id,
        school_number="S-0001",
        verdict=Verdict.LATE,
        actor=TEACHER,
        reason="tram",
    )
    correct_record(correction)
    come_back(copy)
    Watch().look()
    assert (lesson.id, "uncounted") in codes()


def test_ordinary_lessons_are_told_of_by_nobody() -> None:
    """Check-ins, repeats, corrections, runs, discards, and rounds between all of them."""
    watch = Watch()
    lesson, other = live_lesson(3), ended_lesson(2, teacher=OTHER)
    watch.look()
    check_in(lesson.id, student=student(1))
    check_in(lesson.id, student=student(4))
    unified_persistence_task()
    watch.look()
    for number in (2, 3):
        correct_record(
            Correction(
                lesson_id=lesson.id,
                school_number=student(number).school_number,
                verdict=Verdict.EXCUSE,
                actor=TEACHER,
                reason="tram",
            )
        )
        Watch().look()
    end(lesson.id)
    unified_persistence_task()
    Watch().look()
    assert not OlderLiveStore.objects.exists()
    assert sites.disagreement() is None
    assert find_differences() == []
    states = LessonLedger.objects.filter(pk__in=[lesson.id, other.id]).values_list("state")
    assert set(states) == {(LessonState.DISCARDED,)}
    # What has left Redis is forgotten.
    assert not NEWEST.heard()


def test_what_neither_store_knows_is_forgotten() -> None:
    lesson = live_lesson(1)
    client.connection().delete(keys.lesson(lesson.id), keys.records(lesson.id))
    LessonLedger.objects.all().delete()
    Watch().look()
    assert not NEWEST.heard()
    assert not OlderLiveStore.objects.exists()


def test_a_lesson_that_is_gone_is_left_to_the_run_that_declares_it_lost() -> None:
    lesson = live_lesson(1)
    forget_everything()
    Watch().look()
    assert lesson.id in NEWEST.heard()
    unified_persistence_task()
    assert LessonLedger.objects.get(pk=lesson.id).state == LessonState.LOST
    Watch().look()
    assert not NEWEST.heard()


def test_a_return_is_told_when_postgresql_answers_again(monkeypatch: pytest.MonkeyPatch) -> None:
    lesson_id, copy = without_a_run([1], [2, 3])
    come_back(copy)
    check_in(lesson_id, student=student(9))
    watch = Watch()
    with monkeypatch.context() as away:
        away.setattr(words, "enter_heard", _refuse)
        away.setattr(sites, "enter_returns", _refuse)
        watch.look()
    assert codes() == []
    watch.look()
    assert codes() == [(lesson_id, "uncounted")]


def _refuse(*_: Any) -> None:
    raise OperationalError("PostgreSQL does not answer")


def test_a_run_that_dies_before_it_has_told_leaves_that_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The copy is one run behind: a run that was counted would have hidden it."""
    lesson = live_lesson(1)
    copy = redis_state()
    unified_persistence_task()
    come_back(copy)
    with monkeypatch.context() as patch:
        patch.setattr(sites, "enter_returns", _refuse)
        assert "PostgreSQL" in unified_persistence_task().unavailable
    unified_persistence_task()
    assert codes() == [(lesson.id, "uncounted")]


def test_a_number_that_two_runs_have_tells_of_an_older_redis(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One run is between the two stores, and has not written its number down, as Redis returns."""
    lesson = live_lesson(1)
    unified_persistence_task()
    copy = redis_state()
    begin = store.begin_run

    def begin_while_it_returns(*arguments: Any, **options: Any) -> Any:
        marks = begin(*arguments, **options)
        patch.setattr(store, "begin_run", begin)
        come_back(copy)
        unified_persistence_task()
        return marks

    with monkeypatch.context() as patch:
        patch.setattr(store, "begin_run", begin_while_it_returns)
        unified_persistence_task()
    assert codes() == [(lesson.id, "uncounted")]
