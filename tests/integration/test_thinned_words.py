"""Words that the ledger knows as well are removed, and an older copy is told as before."""

import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from attendance import scheduler
from attendance.live.newest import NEWEST
from attendance.live.payloads import LiveLesson
from attendance.models import LessonLedger, LessonWord, OlderLiveStore
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import unified_persistence_task
from attendance.services.persistence.report import LessonReport
from attendance.services.stores import words
from attendance.services.stores.reconciling import accept_what_is_there, find_differences
from attendance.services.stores.returns import Watch
from attendance.vocabulary import LessonState, Verdict
from tests.support.lessons import (
    TEACHER,
    end,
    ended_lessons,
    forget_everything,
    live_lesson,
    put_back,
    redis_state,
    student,
)
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)

OTHER = Person("T-2", "Teacher 2", Role.TEACHER)


@pytest.fixture(autouse=True)
def new_process() -> Iterator[None]:
    """A process that has heard nothing yet."""
    NEWEST.clear()
    yield
    NEWEST.clear()


def correct(lesson_id: UUID, number: int = 1) -> None:
    correct_record(
        Correction(
            lesson_id=lesson_id,
            school_number=student(number).school_number,
            verdict=Verdict.LATE,
            actor=TEACHER,
            reason="tram",
        )
    )


def come_back(copy: dict[Any, Any]) -> None:
    forget_everything()
    put_back(copy)
    NEWEST.clear()


def stored(*, copied: int, marks: int) -> tuple[UUID, dict[Any, Any]]:
    """A lesson that is stored and has left Redis, and a copy with fewer marks."""
    lesson = live_lesson(copied)
    copy = redis_state()
    for number in range(copied + 1, marks + 1):
        check_in(lesson.id, student=student(number))
    Watch().look()
    end(lesson.id)
    unified_persistence_task()
    assert LessonLedger.objects.get(pk=lesson.id).state == LessonState.DISCARDED
    assert LessonWord.objects.filter(pk=lesson.id).exists()
    return lesson.id, copy


def test_what_the_ledger_knows_of_a_discarded_lesson_is_removed() -> None:
    lesson_id, _ = stored(copied=1, marks=3)
    assert words.remove_known() == 1
    assert not LessonWord.objects.filter(pk=lesson_id).exists()
    assert words.remove_known() == 0
    # What a process writes down once more is known too.
    words.enter_heard({lesson_id: (2, 1)})
    assert words.remove_known() == 1


def test_the_scheduled_run_removes_them() -> None:
    stored(copied=1, marks=3)
    thread = threading.Thread(target=scheduler._tick)
    thread.start()
    thread.join()
    assert not LessonWord.objects.exists()


def test_no_more_are_removed_at_once_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    lessons = ended_lessons(5)
    Watch().look()
    unified_persistence_task()
    monkeypatch.setattr(words, "MOST_THINNED", 2)
    assert LessonWord.objects.count() == len(lessons)
    assert [words.remove_known() for _ in range(4)] == [2, 2, 1, 0]


def test_a_lesson_that_redis_holds_keeps_its_word() -> None:
    live_lesson(2)
    Watch().look()
    unified_persistence_task()
    assert words.remove_known() == 0
    assert LessonWord.objects.count() == 1


def test_a_word_with_a_request_is_kept() -> None:
    """The copy lacks the request, and has gone on past every count: the word alone tells it."""
    lesson = live_lesson(2)
    copy = redis_state()
    correct(lesson.id)
    end(lesson.id)
    unified_persistence_task()
    assert words.remove_known() == 0

    come_back(copy)
    for number in range(10, 16):
        check_in(lesson.id, student=student(number))
    end(lesson.id)
    outcomes = unified_persistence_task().totals.outcomes
    assert outcomes == {"incomplete": 1}
    assert words.remove_known() == 0


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"state": LessonState.PERSISTED}, id="not discarded"),
        pytest.param({"state": LessonState.LOST}, id="lost"),
        pytest.param({"last_error": "rewound: a copy"}, id="rewound"),
        pytest.param({"accepted_revision": 1}, id="accepted"),
        pytest.param({"stored_revision": 1}, id="not all is stored"),
        pytest.param({"stored_revision": None}, id="nothing is stored"),
        pytest.param({"seen_revision": 1}, id="not all was seen"),
        pytest.param({"record_count": 1}, id="not all was counted"),
    ],
)
def test_a_word_that_says_more_than_the_ledger_is_kept(changes: dict[str, Any]) -> None:
    lesson_id, _ = stored(copied=1, marks=3)
    LessonLedger.objects.filter(pk=lesson_id).update(**changes)
    assert words.remove_known() == 0


def test_the_word_of_an_incomplete_or_lost_one_is_kept() -> None:
    lesson_id, _ = stored(copied=1, marks=3)
    LessonWord.objects.update(lost=1)
    assert words.remove_known() == 0
    LessonWord.objects.update(lost=0)
    LessonLedger.objects.update(incomplete_since="2026-01-01T00:00Z")
    assert words.remove_known() == 0
    # What somebody has accepted is below what was seen, and is no return.
    accept_what_is_there(lesson_id)
    assert words.revisions_known([lesson_id]) == {lesson_id: 0}


@pytest.mark.parametrize("marks", [2, 3, 6])
@pytest.mark.parametrize("after", [0, 1, 2, 4, 8])
def test_an_older_copy_is_told_with_and_without_the_word(after: int, marks: int) -> None:
    """Whatever it lacks, and however far it has gone on since."""
    lessons = [live_lesson(1, teacher=each) for each in (TEACHER, OTHER)]
    copy = redis_state()
    for lesson in lessons:
        for number in range(2, marks + 1):
            check_in(lesson.id, student=student(number))
    Watch().look()
    _end_and_store(*lessons)
    without, with_it = (lesson.id for lesson in lessons)
    kept = LessonWord.objects.get(pk=with_it)
    assert words.remove_known() == 2
    kept.save(force_insert=True)

    come_back(copy)
    known = words.revisions_known([without, with_it])
    assert known[without] == known[with_it]
    for lesson in lessons:
        for number in range(20, 20 + after):
            check_in(lesson.id, student=student(number))
    reports = _end_and_store(*lessons)
    assert reports[without].outcome == reports[with_it].outcome
    assert len({each.code for each in find_differences()}) <= 1
    rows = LessonLedger.objects.filter(pk__in=[without, with_it])
    said = rows.values_list("state", "missing_count", "seen_revision", "last_error")
    assert len(set(said)) == 1
    assert OlderLiveStore.objects.exists()


def _end_and_store(*lessons: LiveLesson) -> dict[UUID, LessonReport]:
    for lesson, teacher in zip(lessons, (TEACHER, OTHER), strict=True):
        end(lesson.id, teacher=teacher)
    return {each.lesson_id: each for each in unified_persistence_task().lessons}


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_process_that_hears_of_an_older_copy_tells_by_the_ledger(after: int) -> None:
    """It began after the lesson had left Redis, and no run has begun since the copy."""
    lesson_id, copy = stored(copied=1, marks=6)
    assert words.remove_known() == 1
    come_back(copy)
    for number in range(20, 20 + after):
        check_in(lesson_id, student=student(number))
    Watch().look()
    # One that has heard nothing leaves it to the next run.
    assert OlderLiveStore.objects.count() == min(after, 1)
    unified_persistence_task()
    assert OlderLiveStore.objects.exists()
