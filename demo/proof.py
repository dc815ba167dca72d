"""Counts what is stored, in PostgreSQL itself instead of from a report."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count

from attendance.live import client, keys
from attendance.models import AttendanceRecord, LessonLedger, QuarantinedPayload
from attendance.vocabulary import LessonState, PayloadKind, Source, Status
from demo.teaching import TaughtLesson


class Proof(NamedTuple):
    lesson_id: UUID
    lesson_name: str
    teacher_name: str
    captured: int
    """What the scripts counted."""
    persisted: int
    quarantined: int
    expected: int
    """Who was on the roster; 0 for a lesson of no section."""
    marked_absent: int
    """Marks of the system; nobody captured them, so they are counted for themselves."""
    wrong: list[str]

    @property
    def agrees(self) -> bool:
        return self.captured == self.persisted + self.quarantined and not self.wrong


def prove(lessons: Sequence[TaughtLesson]) -> list[Proof]:
    """Compare what was acknowledged with what is stored, lesson by lesson."""
    return [_prove(taught) for taught in lessons]


def _prove(taught: TaughtLesson) -> Proof:
    rows = {
        row.student.school_number: row
        for row in AttendanceRecord.objects.filter(attendance_id=taught.lesson_id).select_related(
            "student"
        )
    }
    quarantined = list(
        QuarantinedPayload.objects.filter(
            lesson_id=taught.lesson_id, kind=PayloadKind.RECORD
        ).values_list("field", flat=True)
    )
    by_system = [number for number, row in rows.items() if row.source == Source.SYSTEM]
    return Proof(
        lesson_id=taught.lesson_id,
        lesson_name=taught.lesson_name,
        teacher_name=taught.teacher.full_name,
        captured=taught.captured,
        persisted=len(rows) - len(by_system),
        quarantined=len(quarantined),
        expected=len(taught.roster),
        marked_absent=len(by_system),
        wrong=[
            *_unkept(taught, rows),
            *_misplaced(taught, quarantined),
            *_overwritten(taught, rows),
            *_doubled(taught),
            *_phantoms(taught, rows),
            *_unmarked(taught, rows),
            *_left_behind(taught),
        ],
    )


def _unkept(taught: TaughtLesson, rows: dict[str, AttendanceRecord]) -> list[str]:
    """Marks that were acknowledged and are not stored with the values of the answer."""
    wrong = []
    for check_in in taught.acknowledged:
        number, row = check_in.school_number, rows.get(check_in.school_number)
        if number in taught.damaged:
            continue
        if row is None:
            wrong.append(f"{number} was acknowledged and is lost")
        elif row.checked_in_at != check_in.checked_in_at:
            wrong.append(f"{number} was told another instant")
        elif row.status != check_in.status and number not in taught.expected:
            wrong.append(f"{number} was told {check_in.status}, stored is {row.status}")
    return wrong


def _misplaced(taught: TaughtLesson, quarantined: list[str]) -> list[str]:
    if sorted(taught.damaged) == sorted(quarantined):
        return []
    return ["what was damaged is not what is in quarantine"]


def _overwritten(taught: TaughtLesson, rows: dict[str, AttendanceRecord]) -> list[str]:
    return [
        f"{number} should be {status}"
        for number, status in taught.expected.items()
        if number not in rows or rows[number].status != status
    ]


def _phantoms(taught: TaughtLesson, rows: dict[str, AttendanceRecord]) -> list[str]:
    numbers = {check_in.school_number for check_in in taught.acknowledged} | set(taught.expected)
    return [f"{number} was never acknowledged" for number in rows.keys() - numbers - taught.roster]


def _unmarked(taught: TaughtLesson, rows: dict[str, AttendanceRecord]) -> list[str]:
    """Whoever was on the roster and did not come is absent, and nobody else is marked."""
    came = {check_in.school_number for check_in in taught.acknowledged} | set(taught.expected)
    wrong = []
    for number in taught.roster - came:
        row = rows.get(number)
        if row is None or row.source != Source.SYSTEM or row.status != Status.ABSENT:
            wrong.append(f"{number} did not come and is not marked absent")
    for number, row in rows.items():
        if taught.roster and row.is_expected != (number in taught.roster):
            wrong.append(f"{number} is on the roster or is not, and the record says otherwise")
        if row.source == Source.SYSTEM and number in came:
            wrong.append(f"{number} came, and a mark of the system stands in the place")
    return wrong


def _doubled(taught: TaughtLesson) -> list[str]:
    firsts = Counter(
        check_in.school_number for check_in in taught.acknowledged if not check_in.is_repeated
    )
    wrong = [
        f"{number} was recorded {times} times" for number, times in firsts.items() if times > 1
    ]
    doubled = (
        AttendanceRecord.objects.filter(attendance_id=taught.lesson_id)
        .values("student")
        .annotate(times=Count("pk"))
        .filter(times__gt=1)
    )
    return wrong + (["a student is stored twice"] if doubled.exists() else [])


def _left_behind(taught: TaughtLesson) -> list[str]:
    wrong = []
    ledger_row = LessonLedger.objects.filter(pk=taught.lesson_id).first()
    if ledger_row is None or ledger_row.state != LessonState.DISCARDED:
        wrong.append("the ledger does not say that Redis may forget it")
    if any(client.connection().exists(key) for key in keys.of_lesson(taught.lesson_id)):
        wrong.append("Redis still holds it")
    return wrong
