"""What cannot be read or stored harms nobody else, and is kept byte for byte."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from attendance.live import client, keys, store
from attendance.models import (
    Attendance,
    AttendanceEvent,
    AttendanceRecord,
    LessonLedger,
    QuarantinedPayload,
)
from attendance.services import receipts
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import failpoints, rows, unified_persistence_task
from attendance.services.persistence.candidates import RunOptions
from attendance.services.persistence.report import Outcome
from attendance.vocabulary import LessonState, Verdict
from tests.support.damage import DAMAGED_RECORDS, json_of
from tests.support.death import Died
from tests.support.lessons import (
    TEACHER,
    end,
    ended_lesson,
    keys_in_redis,
    live_lesson,
    put_record,
    sealed_record,
    student,
)
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)

OTHER = Person("T-2", "Teacher 2", Role.TEACHER)


@pytest.mark.parametrize("damage", DAMAGED_RECORDS)
def test_a_damaged_record_is_quarantined_and_the_others_persist(damage: str) -> None:
    lesson = live_lesson(3)
    raw = DAMAGED_RECORDS[damage](lesson.id, "S-0002")
    put_record(lesson.id, "S-0002", raw)
    end(lesson.id)
    ended_lesson(2, teacher=OTHER, lesson_name="Other")

    report = unified_persistence_task()

    assert report.exit_status == 3
    assert report.sums_agree
    assert (report.totals.counts.inserted, report.totals.counts.quarantined) == (4, 1)
    kept = QuarantinedPayload.objects.get()
    assert (bytes(kept.payload), kept.field, kept.kind) == (raw, "S-0002", "record")
    assert kept.sha256 == sha256(raw).hexdigest()
    assert kept.reason
    assert keys_in_redis(lesson.id) == []


@pytest.mark.parametrize("field", [b"s-0002", b"\xff\xfe", b"S 1", b"x" * 5000, b"", b"S-1\x00"])
def test_a_record_under_a_damaged_number_is_quarantined(field: bytes) -> None:
    lesson = live_lesson(1)
    put_record(lesson.id, field, b"anything")
    end(lesson.id)

    report = unified_persistence_task()

    assert (report.totals.counts.inserted, report.totals.counts.quarantined) == (1, 1)
    assert len(QuarantinedPayload.objects.get().field) <= 200
    assert keys_in_redis(lesson.id) == []


def test_the_same_payload_is_quarantined_once() -> None:
    lesson = live_lesson(2)
    put_record(lesson.id, "S-0002", b"garbage")
    end(lesson.id)
    unified_persistence_task(dry_run=True)
    assert not QuarantinedPayload.objects.exists()

    def correct(lesson_ids: object) -> None:
        correct_record(
            Correction(
                lesson_id=lesson.id,
                school_number="S-0001",
                verdict=Verdict.LATE,
                actor=TEACHER,
                reason="tram",
            )
        )

    from attendance.services.persistence import failpoints

    with failpoints.installed("committed", correct):
        first = unified_persistence_task()
    second = unified_persistence_task()

    assert (first.exit_status, second.exit_status) == (3, 0)
    assert QuarantinedPayload.objects.count() == 1
    assert second.totals.counts.quarantined == 1
    assert second.sums_agree


def test_a_damaged_event_is_quarantined_and_summed_apart() -> None:
    lesson = live_lesson(2)
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number="S-0001",
            verdict=Verdict.LATE,
            actor=TEACHER,
            reason="tram",
        )
    )
    client.connection().lset(keys.events(lesson.id), 0, "garbage")
    end(lesson.id)

    report = unified_persistence_task()

    assert QuarantinedPayload.objects.get().kind == "event"
    assert report.totals.counts.quarantined == 0
    assert report.totals.counts.inserted == 2
    assert report.sums_agree


def test_bytes_that_a_script_moved_aside_are_quarantined() -> None:
    lesson = live_lesson(2)
    put_record(lesson.id, "S-0002", b"garbage|with|bars")
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number="S-0002",
            verdict=Verdict.ACCEPT,
            actor=TEACHER,
            reason="",
            full_name="Student 0002",
        )
    )
    end(lesson.id)

    report = unified_persistence_task()

    counts = report.totals.counts
    assert (counts.recorded, counts.inserted, counts.quarantined) == (3, 2, 1)
    kept = QuarantinedPayload.objects.get()
    assert (bytes(kept.payload), kept.field) == (b"garbage|with|bars", "S-0002")


def set_field(lesson_id: UUID, field: str, value: str) -> None:
    client.connection().hset(keys.lesson(lesson_id), field, value)


def wrong_type(part: str, lesson_id: UUID) -> None:
    key = next(key for key in keys.of_lesson(lesson_id) if key.endswith(part))
    client.connection().delete(key)
    client.connection().set(key, "a string")


DAMAGED_LESSONS = {
    "its data are garbage": lambda i: client.connection().hset(keys.lesson(i), "data", b"x\x00"),
    "a flipped end": lambda i: client.connection().hset(keys.lesson(i), "ends_at", "1"),
    "a revision that is none": lambda i: client.connection().hset(keys.lesson(i), "revision", "x"),
    "a revision that no script wrote": lambda i: set_field(i, "revision", "3"),
    "one record counted less": lambda i: set_field(i, "record_count", "2"),
    "one event counted less": lambda i: set_field(i, "event_count", "0"),
    "a flipped start": lambda i: set_field(i, "starts_at", "1"),
    "another phase": lambda i: set_field(i, "phase", "lively"),
    "no checksum": lambda i: client.connection().hdel(keys.lesson(i), "checksum"),
    "a huge count": lambda i: client.connection().hset(keys.lesson(i), "record_count", "9" * 15),
    "no lesson": lambda i: client.connection().delete(keys.lesson(i)),
    "a lesson of the wrong type": lambda i: wrong_type(":lesson", i),
    "records of the wrong type": lambda i: wrong_type(":records", i),
    "events of the wrong type": lambda i: wrong_type(":events", i),
    "corrupt of the wrong type": lambda i: wrong_type(":corrupt", i),
}


def flip_a_name(lesson_id: UUID) -> None:
    """One bit in the name of a record makes it another's: one value is left of two."""
    redis, name = client.connection(), keys.records(lesson_id)
    value: Any = redis.hget(name, "S-0001")
    redis.hdel(name, "S-0001")
    redis.hset(name, "S-0003", value)


INCOMPLETE_LESSONS = {
    "no records": (lambda i: client.connection().delete(keys.records(i)), 0, 3),
    "one record less": (lambda i: client.connection().hdel(keys.records(i), "S-0001"), 2, 1),
    "a flipped name": (flip_a_name, 1, 1),
    "no events": (lambda i: client.connection().delete(keys.events(i)), 3, 0),
}
"""What is done, how many marks are stored then, and how many are missing."""


@pytest.mark.parametrize("damage", INCOMPLETE_LESSONS)
def test_what_is_left_of_an_incomplete_lesson_is_stored_and_stays(damage: str) -> None:
    lesson = ended_lesson(3)
    act, stored, missing = INCOMPLETE_LESSONS[damage]
    act(lesson.id)
    ended_lesson(2, teacher=OTHER, lesson_name="Other")

    report = unified_persistence_task()

    assert report.exit_status == 4
    assert report.sums_agree
    assert report.totals.counts.missing == missing
    told = next(each for each in report.lessons if each.lesson_id == lesson.id)
    assert told.outcome is Outcome.INCOMPLETE
    assert AttendanceRecord.objects.filter(attendance=lesson.id).count() == stored
    row = LessonLedger.objects.get(pk=lesson.id)
    assert (row.state, row.last_error) == (LessonState.PERSISTED, told.error)
    assert (row.missing_count, row.incomplete_since is None) == (missing, False)
    assert keys_in_redis(lesson.id)
    # It waits for a person, and is not in every run.
    assert unified_persistence_task().totals.lessons == 0


def test_a_receipt_heals_an_incomplete_lesson() -> None:
    lesson = live_lesson(0)
    receipt = receipts.issue(check_in(lesson.id, student=student(1)))
    check_in(lesson.id, student=student(2))
    end(lesson.id)
    client.connection().hdel(keys.records(lesson.id), "S-0001")
    assert unified_persistence_task().totals.outcomes == {"incomplete": 1}

    assert receipts.redeem(receipt, caller=student(1)).outcome == "restored"
    report = unified_persistence_task()

    assert report.totals.outcomes == {"persisted": 1}
    row = LessonLedger.objects.get(pk=lesson.id)
    assert (row.state, row.missing_count, row.incomplete_since) == (
        LessonState.DISCARDED,
        0,
        None,
    )
    assert AttendanceRecord.objects.filter(attendance=lesson.id).count() == 2


@pytest.mark.parametrize("damage", DAMAGED_LESSONS)
def test_a_damaged_lesson_waits_for_a_person_and_the_others_persist(damage: str) -> None:
    lesson = ended_lesson(3)
    DAMAGED_LESSONS[damage](lesson.id)
    ended_lesson(2, teacher=OTHER, lesson_name="Other")

    report = unified_persistence_task()

    assert report.exit_status == 3
    assert report.totals.counts.inserted == 2
    told = next(each for each in report.lessons if each.lesson_id == lesson.id)
    assert told.outcome is Outcome.QUARANTINED
    assert told.error
    row = LessonLedger.objects.get(pk=lesson.id)
    assert (row.state, row.last_error) == (LessonState.QUARANTINED, told.error)
    assert keys_in_redis(lesson.id)
    assert not Attendance.objects.filter(pk=lesson.id).exists()
    again = unified_persistence_task()
    assert (again.totals.lessons, again.exit_status) == (0, 0)
    retried = unified_persistence_task(options=RunOptions(retry_parked=True))
    assert (retried.totals.lessons, retried.exit_status) == (1, 0)


def test_a_lesson_that_was_repaired_is_persisted() -> None:
    lesson = ended_lesson(2)
    end_at = client.connection().hget(keys.lesson(lesson.id), "ends_at") or b""
    client.connection().hset(keys.lesson(lesson.id), "ends_at", "1")
    unified_persistence_task()
    client.connection().hset(keys.lesson(lesson.id), "ends_at", end_at)

    report = unified_persistence_task(lesson_ids=[lesson.id])

    assert report.totals.counts.inserted == 2
    assert LessonLedger.objects.get(pk=lesson.id).state == LessonState.DISCARDED


def test_a_payload_that_no_script_counted_is_counted_apart() -> None:
    lesson = live_lesson(1)
    raw = sealed_record(lesson.id, "S-0002", json_of("S-0002"))
    client.connection().hset(keys.records(lesson.id), "S-0002", raw)
    end(lesson.id)

    report = unified_persistence_task()

    counts = report.totals.counts
    assert (counts.recorded, counts.unscripted, counts.read, counts.inserted) == (1, 1, 2, 2)
    assert report.sums_agree


@pytest.fixture
def refusing_database() -> Iterator[str]:
    """PostgreSQL refuses some names, as it would a value that only it knows to be wrong."""
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE attendance_attendancerecord ADD CONSTRAINT refuses_some"
            " CHECK (full_name NOT IN ('Student 0003', 'Student 0017'))"
        )
    yield "refuses_some"
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE attendance_attendancerecord DROP CONSTRAINT refuses_some")


def test_what_postgresql_refuses_is_found_by_halving(refusing_database: str) -> None:
    lesson = ended_lesson(20)
    other = ended_lesson(2, teacher=OTHER, lesson_name="Other")

    report = unified_persistence_task()

    counts = report.totals.counts
    assert (counts.inserted, counts.quarantined) == (20, 2)
    assert report.sums_agree
    assert report.exit_status == 3
    kept = QuarantinedPayload.objects.order_by("field")
    assert [row.field for row in kept] == ["S-0003", "S-0017"]
    assert all(refusing_database in row.reason for row in kept)
    assert keys_in_redis(lesson.id) == keys_in_redis(other.id) == []
    assert AttendanceRecord.objects.filter(attendance_id=lesson.id).count() == 18


def test_what_may_work_later_is_no_refusal_while_a_lesson_is_halved(
    refusing_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson = ended_lesson(20)

    def cannot_now(lessons: object, users: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '55P03'; END $$")

    with monkeypatch.context() as patch:
        patch.setattr(rows, "move_forward", cannot_now)
        report = unified_persistence_task()

    assert (report.lessons[0].outcome, report.totals.counts.quarantined) == (Outcome.FAILED, 0)
    assert "55P03" in LessonLedger.objects.get(pk=lesson.id).last_error
    assert not QuarantinedPayload.objects.exists()
    assert keys_in_redis(lesson.id)
    report = unified_persistence_task(options=RunOptions(retry_parked=True))
    assert (report.totals.counts.inserted, report.totals.counts.quarantined) == (18, 2)


@contextmanager
def refusing(table: str, rule: str) -> Iterator[None]:
    """PostgreSQL refuses rows of a table that break a rule; those that are there may."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT refuses CHECK ({rule}) NOT VALID")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT refuses")


def correct(lesson_id: UUID, number: int, reason: str) -> None:
    correct_record(
        Correction(
            lesson_id=lesson_id,
            school_number=student(number).school_number,
            verdict=Verdict.LATE,
            actor=TEACHER,
            reason=reason,
        )
    )


def test_an_event_that_postgresql_refuses_is_counted_as_no_record() -> None:
    lesson = live_lesson(3)
    correct(lesson.id, 1, "tram")
    correct(lesson.id, 2, "bus")
    end(lesson.id)

    with refusing("attendance_attendanceevent", "reason <> 'tram'"):
        report = unified_persistence_task()

    counts = report.totals.counts
    assert (counts.inserted, counts.quarantined, report.sums_agree) == (3, 0, True)
    assert [row.kind for row in QuarantinedPayload.objects.all()] == ["event"]
    assert AttendanceEvent.objects.filter(kind="record_corrected").count() == 1
    assert keys_in_redis(lesson.id) == []


def test_what_postgresql_refuses_of_a_known_lesson_leaves_the_rest_unchanged() -> None:
    lesson = ended_lesson(5)

    def die(lesson_ids: object) -> None:
        raise Died

    with failpoints.installed("committed", die), pytest.raises(Died):
        unified_persistence_task()
    correct(lesson.id, 3, "tram")

    with refusing("attendance_attendancerecord", "reason <> 'tram'"):
        report = unified_persistence_task()

    counts = report.totals.counts
    assert (counts.unchanged, counts.updated, counts.quarantined) == (4, 0, 1)
    assert report.sums_agree
    assert QuarantinedPayload.objects.get().field == "S-0003"
    assert Attendance.objects.get().revision > lesson.revision
    assert keys_in_redis(lesson.id) == []


def test_a_lesson_that_postgresql_refuses_waits_for_a_person() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE attendance_attendance ADD CONSTRAINT refuses"
            " CHECK (lesson_name <> 'Physics')"
        )
    try:
        lesson = ended_lesson(2)
        ended_lesson(2, teacher=OTHER, lesson_name="Other")

        report = unified_persistence_task()

        assert report.totals.counts.inserted == 2
        assert LessonLedger.objects.get(pk=lesson.id).state == LessonState.QUARANTINED
        assert keys_in_redis(lesson.id)
        assert store.parked_until([lesson.id]) == {lesson.id: float("inf")}
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE attendance_attendance DROP CONSTRAINT refuses")
