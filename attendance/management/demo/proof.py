"""What is stored is counted in PostgreSQL itself, not taken from a report."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count

from attendance.live import client, keys
from attendance.management.demo.teaching import Taught
from attendance.models import AttendanceRecord, LessonLedger, QuarantinedPayload
from attendance.vocabulary import LessonState, PayloadKind


class Proof(NamedTuple):
    lesson_id: UUID
    lesson_name: str
    teacher_name: str
    captured: int
    """What the scripts counted."""
    persisted: int
    quarantined: int
    wrong: list[str]

    @property
    def agrees(self) -> bool:
        return self.captured == self.persisted + self.quarantined and not self.wrong


def prove(lessons: Sequence[Taught], captured: dict[UUID, int]) -> list[Proof]:
    """Compare what was acknowledged with what is stored, lesson by lesson."""
    return [_prove(taught, captured[taught.lesson_id]) for taught in lessons]


def captured_counts(lessons: Sequence[Taught]) -> dict[UUID, int]:
    """The scripts' own count of each lesson, while it is in Redis."""
    redis = client.connection()
    return {
        taught.lesson_id: int(redis.hget(keys.lesson(taught.lesson_id), "record_count") or 0)
        for taught in lessons
    }


def _prove(taught: Taught, captured: int) -> Proof:
    rows = {
        row.student.school_number: row
        for row in AttendanceRecord.objects.filter(attendance_id=taught.lesson_id).select_related(
            "student"
        )
    }
    quarantined = set(
        QuarantinedPayload.objects.filter(
            lesson_id=taught.lesson_id, kind=PayloadKind.RECORD
        ).values_list("field", flat=True)
    )
    return Proof(
        taught.lesson_id,
        taught.lesson_name,
        taught.teacher.full_name,
        captured,
        len(rows),
        len(quarantined),
        [
            *_unkept(taught, rows, quarantined),
            *_overwritten(taught, rows),
            *_phantoms(taught, rows),
            *_left_behind(taught),
        ],
    )


def _unkept(taught: Taught, rows: dict[str, AttendanceRecord], quarantined: set[str]) -> list[str]:
    """Marks that were acknowledged and are neither stored nor in quarantine."""
    wrong = []
    for said in taught.acknowledged:
        row = rows.get(said.school_number)
        if row is None and said.school_number not in quarantined:
            wrong.append(f"{said.school_number} was acknowledged and is lost")
        elif row is not None and row.checked_in_at != said.checked_in_at:
            wrong.append(f"{said.school_number} was told another instant")
    if set(taught.damaged) != quarantined:
        wrong.append("what was damaged is not what is in quarantine")
    return wrong


def _overwritten(taught: Taught, rows: dict[str, AttendanceRecord]) -> list[str]:
    return [
        f"{number} should be {status}"
        for number, status in taught.expected.items()
        if number not in rows or rows[number].status != status
    ]


def _phantoms(taught: Taught, rows: dict[str, AttendanceRecord]) -> list[str]:
    known = {said.school_number for said in taught.acknowledged} | set(taught.expected)
    doubled = (
        AttendanceRecord.objects.filter(attendance_id=taught.lesson_id)
        .values("student")
        .annotate(times=Count("pk"))
        .filter(times__gt=1)
    )
    wrong = [f"{number} was never acknowledged" for number in rows.keys() - known]
    return wrong + (["a student is stored twice"] if doubled.exists() else [])


def _left_behind(taught: Taught) -> list[str]:
    wrong = []
    book = LessonLedger.objects.filter(pk=taught.lesson_id).first()
    if book is None or book.state != LessonState.DISCARDED:
        wrong.append("the ledger does not say that Redis may forget it")
    if any(client.connection().exists(key) for key in keys.of_lesson(taught.lesson_id)):
        wrong.append("Redis still holds it")
    return wrong
