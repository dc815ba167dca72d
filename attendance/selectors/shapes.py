"""Lessons and records in one shape, wherever they live."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from attendance.live.payloads import LiveLesson, LiveRecord, Mark
from attendance.models import AttendanceRecord
from attendance.vocabulary import UNDONE_REASON, LessonState
from users.identity import Person


class RegisterRecord(msgspec.Struct, frozen=True):
    """One student in one lesson, live or stored."""

    school_number: str
    full_name: str
    status: str
    checked_in_at: datetime | None
    source: str
    reason: str
    previous: str
    mark: str
    revision: int
    changed_at: datetime

    @property
    def is_deleted(self) -> bool:
        return self.mark != Mark.KEPT


class LessonView(msgspec.Struct, frozen=True):
    """One lesson, live or stored."""

    id: UUID
    lesson_name: str
    teacher: Person
    starts_at: datetime
    ends_at: datetime
    late_after_minutes: int | None
    checks: Sequence[str]
    networks: Sequence[str]
    state: str
    revision: int
    counts: Mapping[str, int]
    """Records by status; those flagged as deleted are left out."""
    is_deleted: bool = False


def state_of(lesson: LiveLesson) -> LessonState:
    """Where a lesson in the live store is, by the live store's clock."""
    if lesson.is_over:
        return LessonState.ENDED
    return LessonState.LIVE if lesson.is_open else LessonState.SCHEDULED


def lesson_of_live(lesson: LiveLesson, state: str, counts: Mapping[str, int]) -> LessonView:
    """A live lesson, with the state that the ledger gives it."""
    data = lesson.data
    return LessonView(
        lesson.id,
        data.lesson_name,
        data.teacher,
        lesson.starts_at,
        lesson.ends_at,
        data.late_after_minutes,
        data.checks,
        [network.cidr for network in data.networks],
        state,
        lesson.revision,
        counts,
    )


def of_live(record: LiveRecord) -> RegisterRecord:
    return RegisterRecord(
        record.school_number,
        record.full_name,
        record.status,
        record.checked_in_at,
        record.source,
        record.reason,
        record.previous,
        record.mark,
        record.revision,
        record.changed_at,
    )


def of_stored(row: AttendanceRecord) -> RegisterRecord:
    """The row's student must have been selected with it."""
    return RegisterRecord(
        row.student.school_number,
        row.full_name,
        row.status,
        row.checked_in_at,
        row.source,
        row.reason,
        row.previous,
        _mark_of(row),
        row.revision,
        row.changed_at,
    )


def _mark_of(row: AttendanceRecord) -> str:
    if not row.is_deleted:
        return Mark.KEPT
    return Mark.UNDONE if row.deleted_reason == UNDONE_REASON else Mark.DELETED
