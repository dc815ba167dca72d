"""Counts of a lesson in Redis that were damaged, counted anew."""

from typing import Any
from uuid import uuid4

import pytest

from attendance.errors import LessonNotFound, LessonUnreadable
from attendance.live import client, keys, store
from attendance.models import AttendanceEvent, AttendanceRecord, LessonLedger
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import unified_persistence_task
from attendance.services.stores.reconciling import count_anew
from attendance.vocabulary import Verdict
from tests.support.lessons import TEACHER, end, live_lesson, student

pytestmark = pytest.mark.django_db(transaction=True)


def corrected_lesson() -> Any:
    lesson = live_lesson(3)
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number="S-0002",
            verdict=Verdict.LATE,
            actor=TEACHER,
            reason="tram",
        )
    )
    return lesson


@pytest.mark.parametrize(
    "field", ["revision", "record_count", "event_count", "checksum", "clock", "starts_at"]
)
def test_a_damaged_count_is_made_anew_and_nothing_else_changes(field: str) -> None:
    lesson = corrected_lesson()
    before = store.read_lesson(lesson.id)
    client.connection().hset(keys.lesson(lesson.id), field, "77")
    with pytest.raises(LessonUnreadable):
        store.read_lesson(lesson.id)

    assert count_anew(lesson.id)

    after = store.read_lesson(lesson.id)
    assert (after.record_count, after.event_count) == (3, before.event_count)
    assert (after.data, after.starts_at, after.ends_at) == (
        before.data,
        before.starts_at,
        before.ends_at,
    )
    # Above every word that it holds: none of them can look newer than it.
    assert after.revision == before.revision + 1
    check_in(lesson.id, student=student(4))
    end(lesson.id)
    unified_persistence_task()
    assert AttendanceRecord.objects.count() == 4
    assert AttendanceEvent.objects.filter(kind="record_corrected").count() == 1
    assert LessonLedger.objects.get().state == "discarded"


def test_a_newest_record_that_is_damaged_too_is_counted_and_outdone() -> None:
    lesson = corrected_lesson()
    seen = store.read_lesson(lesson.id).revision
    name = keys.records(lesson.id)
    client.connection().hset(name, "S-0002", "garbage")
    client.connection().lset(keys.events(lesson.id), 0, "garbage")
    client.connection().hset(keys.lesson(lesson.id), "revision", "1")

    count_anew(lesson.id)

    # Its revision cannot be read any more; what was acknowledged is written down.
    assert store.read_lesson(lesson.id).revision == seen + 1
    assert store.read_lesson(lesson.id).record_count == 3


def test_a_right_lesson_is_left_alone() -> None:
    lesson = live_lesson(2)
    before = client.connection().hgetall(keys.lesson(lesson.id))

    assert not count_anew(lesson.id)

    assert client.connection().hgetall(keys.lesson(lesson.id)) == before


def test_a_lesson_whose_data_is_damaged_is_left_alone() -> None:
    lesson = live_lesson(2)
    client.connection().hset(keys.lesson(lesson.id), "data", "garbage")
    before = client.connection().hgetall(keys.lesson(lesson.id))

    with pytest.raises(LessonUnreadable):
        count_anew(lesson.id)

    assert client.connection().hgetall(keys.lesson(lesson.id)) == before
    with pytest.raises(LessonNotFound):
        count_anew(uuid4())
