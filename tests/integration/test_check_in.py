"""A student says "here": the window, repeats, refusals, and what is not written."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from attendance.errors import (
    AttendanceError,
    InvalidInput,
    LessonClosed,
    LessonFull,
    LessonNotFound,
    LessonNotOpen,
    LessonUnreadable,
)
from attendance.live import client, keys, payloads, store
from attendance.live.store import check_ins
from attendance.rules import instants
from attendance.services.check_in import check_in
from attendance.services.lessons import LessonPlan, start_lesson
from tests.support.clock import Clock
from tests.support.lessons import TEACHER, live_lesson, put_record, redis_state, student
from users.errors import InvalidFullName, InvalidSchoolNumber
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = 60_000


BAD_TEXT = ["", "x" * 201, "A\0B", "A\x07B", "A\ud800B", "A\u2028B", "   "]


@pytest.mark.parametrize("name", BAD_TEXT)
def test_a_name_that_cannot_be_kept_is_refused_at_the_door(name: str) -> None:
    lesson = live_lesson(0)
    before = redis_state()

    with pytest.raises(InvalidFullName):
        check_in(lesson.id, student=Person("S-1", name))
    with pytest.raises(InvalidInput):
        start_lesson(LessonPlan(name), teacher=Person("T-2", "Teacher 2", Role.TEACHER))

    assert redis_state() == before


@pytest.mark.parametrize("number", ["", "x" * 33, "A B", "A\0B", "-A", "A\ud800", "ı1", "ß1", "Ä1"])
def test_a_number_that_cannot_be_kept_is_refused_at_the_door(number: str) -> None:
    lesson = live_lesson(0)
    before = redis_state()

    with pytest.raises(InvalidSchoolNumber) as caught:
        check_in(lesson.id, student=Person(number, "Ada"))

    assert caught.value.code == "invalid_school_number"
    assert redis_state() == before


def test_the_window_is_closed_at_its_start_and_open_at_its_end(clock: Clock) -> None:
    start = store.now() + timedelta(minutes=5)
    plan = LessonPlan("P", starts_at=start, minutes=10, late_after_minutes=2)
    lesson = start_lesson(plan, teacher=TEACHER)

    with pytest.raises(LessonNotOpen):
        check_in(lesson.id, student=student(1))
    clock.offset_ms = 5 * MINUTE
    assert check_in(lesson.id, student=student(1)).record.status == "present"
    clock.offset_ms = 7 * MINUTE
    assert check_in(lesson.id, student=student(2)).record.status == "late"
    clock.offset_ms = 15 * MINUTE
    with pytest.raises(LessonClosed):
        check_in(lesson.id, student=student(3))
    # Repeated after the end, the first answer is given again.
    assert check_in(lesson.id, student=student(2)).is_repeated


def test_the_window_is_exact_to_the_millisecond(clock: Clock) -> None:
    start = store.now() + timedelta(minutes=5)
    plan = LessonPlan("P", starts_at=start, minutes=10, late_after_minutes=2)
    lesson = start_lesson(plan, teacher=TEACHER)
    starts_at = instants.milliseconds(lesson.starts_at)
    ends_at = instants.milliseconds(lesson.ends_at)

    def said(number: int, at_ms: int) -> str:
        clock.stopped_at_ms = at_ms
        try:
            return check_in(lesson.id, student=student(number)).record.status
        except AttendanceError as error:
            return error.code

    assert said(1, starts_at - 1) == "lesson_not_open"
    assert said(1, starts_at) == "present"
    assert said(2, starts_at + 2 * MINUTE - 1) == "present"
    assert said(3, starts_at + 2 * MINUTE) == "late"
    assert said(4, ends_at - 1) == "late"
    assert said(5, ends_at) == "lesson_closed"


def test_a_second_check_in_leaves_one_record_unchanged() -> None:
    lesson = live_lesson(0)
    first = check_in(lesson.id, student=student(1))
    before = redis_state()

    again = check_in(lesson.id, student=Person(" s-0001 ", "Another Name"))

    assert (again.record, again.is_repeated) == (first.record, True)
    assert redis_state() == before


def test_many_check_ins_at_once_make_one_record_each() -> None:
    lesson = live_lesson(0)
    arrivals = [student(number) for number in range(1, 21)] * 10

    with ThreadPoolExecutor(25) as pool:
        done = list(pool.map(lambda who: store_check_in(lesson.id, who), arrivals))

    assert sum(not each.is_repeated for each in done) == 20
    seen = store.read_lesson(lesson.id)
    assert (seen.record_count, seen.revision) == (20, 21)
    assert client.connection().hlen(keys.records(lesson.id)) == 20


def store_check_in(lesson_id: Any, who: Person) -> check_ins.CheckIn:
    data = payloads.RecordData(who.school_number, who.full_name, "student")
    return store.check_in(lesson_id, data)


def test_a_full_lesson_refuses_the_next_student(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_ins, "MOST_RECORDS", 2)
    lesson = live_lesson(2)

    with pytest.raises(LessonFull):
        check_in(lesson.id, student=student(3))
    assert check_in(lesson.id, student=student(1)).is_repeated


def test_a_check_in_moves_aside_what_it_cannot_read() -> None:
    lesson = live_lesson(1)
    put_record(lesson.id, "S-0002", b"gar|bage\x00")

    done = check_in(lesson.id, student=student(2))

    assert not done.is_repeated
    assert client.connection().lrange(keys.corrupt(lesson.id), 0, -1) == [b"S-0002|gar|bage\x00"]
    assert store.read_lesson(lesson.id).record_count == 3


@pytest.mark.parametrize("part", [":lesson", ":records", ":corrupt"])
def test_a_key_of_the_wrong_type_refuses_and_writes_nothing(part: str) -> None:
    lesson = live_lesson(1)
    put_record(lesson.id, "S-0002", b"garbage")
    key = next(key for key in keys.of_lesson(lesson.id) if key.endswith(part))
    client.connection().delete(key)
    client.connection().set(key, "a string")
    before = redis_state()

    with pytest.raises(LessonUnreadable):
        check_in(lesson.id, student=student(2))

    assert redis_state() == before


def test_a_lesson_that_does_not_exist_is_not_found_and_leaves_nothing() -> None:
    with pytest.raises(LessonNotFound):
        check_in(uuid4(), student=student(1))
    assert redis_state() == {}
