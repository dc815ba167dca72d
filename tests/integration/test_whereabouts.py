"""Where a lesson lives: every reader and every writer gives one answer, also for an older copy."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from attendance.errors import LessonClosed
from attendance.live import keys, store
from attendance.models import AttendanceRecord, QuarantinedPayload
from attendance.selectors import own, whereabouts
from attendance.selectors.boards import find_board
from attendance.selectors.lessons import LessonFilter, find_lesson, list_lessons
from attendance.selectors.paging import Slice
from attendance.selectors.registers import (
    find_events,
    find_history,
    find_record,
    find_refusals,
    find_register,
)
from attendance.selectors.screens import find_code
from attendance.services import receipts
from attendance.services.check_in import CheckedIn, check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import extend_lesson, finish_lesson, rename_lesson
from attendance.vocabulary import Verdict
from tests.support.callers import Api
from tests.support.lessons import TEACHER, end, live_lesson, put_back, redis_state, student

pytestmark = pytest.mark.django_db(transaction=True)

ME = student(1)


@pytest.fixture(params=["over", "open"])
def stored(request: pytest.FixtureRequest) -> UUID:
    """A lesson that is stored, and of which Redis holds an older copy: S-0001 is present there.

    The copy was made after the end of the lesson, or before it, where it still seems open.
    """
    lesson = live_lesson(2)
    if request.param == "over":
        end(lesson.id)
    copy = redis_state()
    correct(lesson.id, Verdict.LATE)
    finish_lesson(lesson.id, actor=TEACHER)
    assert AttendanceRecord.objects.get(student__school_number="S-0001").status == "late"
    put_back(copy)
    assert store.read_lesson(lesson.id).is_open == (request.param == "open")
    return lesson.id


def correct(lesson_id: UUID, verdict: Verdict) -> None:
    correct_record(
        Correction(
            lesson_id=lesson_id,
            school_number="S-0001",
            verdict=verdict,
            actor=TEACHER,
            reason="tram",
        )
    )


def of_list(lesson_id: UUID) -> dict[str, int]:
    (only,) = list_lessons(LessonFilter(), Slice()).items
    return dict(only.counts)


READERS: dict[str, Callable[[UUID], Any]] = {
    "the lesson": lambda i: dict(find_lesson(i).counts),
    "the list of lessons": of_list,
    "the board": lambda i: dict(find_board(i).lesson.counts),
    "the register": lambda i: {r.status: 1 for r in find_register(i).records},
    "the record": lambda i: {find_record(i, "S-0001").status: 1, "present": 1},  # type: ignore[union-attr]
    "its history": lambda i: {find_history(i, "S-0001").record.status: 1, "present": 1},  # type: ignore[union-attr]
    "the student's own list": lambda i: {
        own.list_own_records(("S-0001",), Slice()).items[0].record.status: 1,
        "present": 1,
    },
}


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_sees_the_newest_word(stored: UUID, reader: str) -> None:
    assert READERS[reader](stored) == {"late": 1, "present": 1}


def test_events_and_refusals_are_those_of_postgresql(stored: UUID) -> None:
    assert "late" in {event.new for event in find_events(stored).events}
    assert find_refusals(stored).refusals == []
    with pytest.raises(LessonClosed):
        find_code(stored)


def test_every_writer_writes_where_the_readers_look(stored: UUID) -> None:
    before = _lessons_in_redis()
    correct(stored, Verdict.EXCUSE)
    rename_lesson(stored, "Chemistry", actor=TEACHER)
    with pytest.raises(LessonClosed):
        extend_lesson(stored, find_lesson(stored).ends_at + timedelta(minutes=5), actor=TEACHER)

    assert _lessons_in_redis() == before
    assert find_lesson(stored).lesson_name == "Chemistry"
    assert find_record(stored, "S-0001").status == "excused"  # type: ignore[union-attr]


def _lessons_in_redis() -> dict[bytes, bytes]:
    """All but the number of the newest commit, which Redis hears of with each word."""
    return {name: value for name, value in redis_state().items() if name != keys.SITE.encode()}


def test_an_end_closes_an_older_copy_too_and_keeps_what_it_took(stored: UUID) -> None:
    is_open = store.read_lesson(stored).is_open
    if is_open:
        check_in(stored, student=student(3))

    finish_lesson(stored, actor=TEACHER)

    assert store.read_lesson(stored).is_over
    # What the copy alone has is stored; what it says otherwise of a known student is set aside.
    assert find_lesson(stored).counts == {"late": 1, "present": 2 if is_open else 1}
    kept = QuarantinedPayload.objects.filter(lesson_id=stored, kind="record")
    assert set(kept.values_list("field", flat=True)) == {"S-0001"}


def test_a_students_page_and_receipt_say_what_the_register_says() -> None:
    lesson = live_lesson(1)
    end(lesson.id)
    copy = redis_state()
    correct(lesson.id, Verdict.LATE)
    finish_lesson(lesson.id, actor=TEACHER)
    put_back(copy)

    found = own.find_own(lesson.id, ("S-0001",))

    assert found is not None
    assert found.record.status == find_register(lesson.id).records[0].status == "late"
    done = CheckedIn(found.record, is_repeated=True, lesson=found.lesson)
    assert receipts.open_receipt(receipts.issue(done)).status == "late"
    assert Api(ME).get(f"lessons/{lesson.id}/my-record/").json()["status"] == "late"


def test_a_students_page_asks_no_database_while_the_lesson_is_open() -> None:
    """The exception that `whereabouts` names: it belongs to the path of a check-in."""
    lesson = live_lesson(1)
    with CaptureQueriesContext(connection) as queries:
        found = own.find_own(lesson.id, ("S-0001",))
    assert found is not None
    assert len(queries) == 0


def test_without_the_ledger_a_reader_sees_redis_and_nobody_writes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lesson = live_lesson(1)
    monkeypatch.setattr(whereabouts, "ledger_state", lambda lesson_id: whereabouts.UNKNOWN)
    assert [r.status for r in find_register(lesson.id).records] == ["present"]
