"""Keys beside the lessons: what stands there and should not keeps nobody's marks back."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from attendance.errors import LiveStoreUnavailable
from attendance.live import client, keys, store
from attendance.live.payloads import LiveLesson
from attendance.live.store import Missing
from attendance.models import AttendanceRecord, LessonLedger
from attendance.services import ledger
from attendance.services.lessons import LessonPlan, start_lesson
from attendance.services.persistence import lost, unified_persistence_task
from attendance.vocabulary import LessonState
from tests.support.lessons import (
    TEACHER,
    end,
    ended_lesson,
    ended_lessons,
    keys_in_redis,
    live_lesson,
)
from users.identity import Person, Role

OTHER = Person("T-2", "Teacher 2", Role.TEACHER)

pytestmark = pytest.mark.django_db(transaction=True)


def make_wrong(key: str) -> None:
    """A value of a type that no script of ATTN writes there."""
    client.connection().delete(key)
    client.connection().rpush(key, "nobody's")


@pytest.mark.parametrize("key", [keys.DUE, keys.PARKED, keys.OUTBOXES, keys.NAMES, keys.DISCARDED])
def test_a_queue_of_the_wrong_type_keeps_no_mark_back(key: str) -> None:
    lessons = ended_lessons(3)
    open_one = live_lesson(2)
    unified_persistence_task(lesson_ids=[lessons[0].id])
    make_wrong(key)

    reports = [unified_persistence_task() for _ in range(3)]
    end(open_one.id)
    reports.append(unified_persistence_task())

    assert client.connection().lrange(keys.damaged(key), 0, -1) == [b"nobody's"]
    assert [report.unavailable for report in reports] == [""] * 4
    assert AttendanceRecord.objects.count() == 3 * 3 + 2
    assert set(LessonLedger.objects.values_list("state", flat=True)) == {LessonState.DISCARDED}


def test_a_lesson_that_fell_out_of_due_is_entered_again() -> None:
    lesson, open_one = ended_lesson(3), live_lesson(1, teacher=OTHER)
    client.connection().delete(keys.DUE)

    first, second = unified_persistence_task(), unified_persistence_task()

    assert (first.totals.lessons, second.totals.counts.inserted) == (0, 3)
    assert keys_in_redis(lesson.id) == []
    assert store.due_since([open_one.id]) == {open_one.id: open_one.ends_at}


def test_a_lesson_that_is_discarded_while_due_is_looked_through_is_not_entered_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lesson = ended_lesson(3)
    ledger.observe([store.read_lesson(lesson.id)])
    look = store.outside_due

    def look_after_another(lesson_ids: Sequence[UUID]) -> Sequence[UUID]:
        unified_persistence_task(lesson_ids=lesson_ids)
        return look(lesson_ids)

    monkeypatch.setattr(store, "outside_due", look_after_another)
    found = lost.find_lost()

    assert not found
    assert LessonLedger.objects.get(pk=lesson.id).state == LessonState.DISCARDED
    assert not store.due_since([lesson.id])


def test_a_lesson_that_is_finished_while_it_is_entered_again_keeps_its_new_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lesson = live_lesson(2)
    ledger.observe([store.read_lesson(lesson.id)])
    client.connection().delete(keys.DUE)
    read = store.read_lessons

    def read_and_finish(lesson_ids: Sequence[UUID]) -> Mapping[UUID, LiveLesson | Missing]:
        lessons = read(lesson_ids)
        monkeypatch.setattr(store, "read_lessons", read)
        end(lesson.id)
        client.connection().delete(keys.DUE)
        return lessons

    monkeypatch.setattr(store, "read_lessons", read_and_finish)
    lost.find_lost()

    assert store.due_since([lesson.id])[lesson.id] <= store.now()


def test_a_damaged_lesson_that_fell_out_of_due_waits_for_a_person() -> None:
    lesson = ended_lesson(1)
    client.connection().delete(keys.DUE, keys.lesson(lesson.id))
    client.connection().set(keys.lesson(lesson.id), "a string")

    reports = [unified_persistence_task() for _ in range(2)]

    assert [report.unavailable for report in reports] == ["", ""]
    assert LessonLedger.objects.get(pk=lesson.id).state == LessonState.QUARANTINED


def test_a_pause_of_a_lesson_that_somebody_else_stored_is_forgotten() -> None:
    lesson = ended_lesson(1)
    unified_persistence_task()
    # As by one who had failed with it, and was slower.
    store.park(lesson.id, store.now() + timedelta(hours=6))

    unified_persistence_task()

    assert store.parked_until([lesson.id]) == {}


@pytest.mark.parametrize("score", ["0", "inf"])
def test_an_end_in_due_that_is_none_of_a_damaged_lesson_holds_up_nobody(score: str) -> None:
    lesson, other = ended_lesson(1), ended_lesson(2, teacher=OTHER)
    client.connection().zadd(keys.DUE, {str(lesson.id): score})
    client.connection().delete(keys.lesson(lesson.id))
    client.connection().set(keys.lesson(lesson.id), "a string")

    report = unified_persistence_task()

    assert (report.unavailable, report.totals.counts.inserted) == ("", 2)
    assert keys_in_redis(other.id) == []
    assert LessonLedger.objects.get(pk=lesson.id).state == LessonState.QUARANTINED


def test_a_teachers_key_of_the_wrong_type_is_named_and_holds_up_nothing() -> None:
    key = keys.teacher(TEACHER.school_number)
    lesson = live_lesson(2)
    make_wrong(key)

    with pytest.raises(LiveStoreUnavailable, match=key):
        start_lesson(LessonPlan("Next", minutes=5), teacher=TEACHER)
    with pytest.raises(LiveStoreUnavailable, match=key):
        store.teachers_lesson(TEACHER.school_number)
    end(lesson.id)
    report = unified_persistence_task()

    assert (report.exit_status, report.totals.counts.inserted) == (0, 2)
    assert keys_in_redis(lesson.id) == []


def test_a_short_code_of_the_wrong_type_holds_up_nothing() -> None:
    lesson = live_lesson(2)
    code = lesson.data.short_code
    make_wrong(keys.code(code))

    with pytest.raises(LiveStoreUnavailable, match=keys.code(code)):
        store.lesson_by_code(code)
    end(lesson.id)
    report = unified_persistence_task()

    assert (report.exit_status, report.totals.counts.inserted) == (0, 2)
    assert keys_in_redis(lesson.id) == []
