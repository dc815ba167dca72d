"""Lessons and records in one shape, wherever they live."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec.structs import asdict

from attendance.live.payloads import LessonData, LiveLesson, LiveRecord
from attendance.models import Attendance, AttendanceRecord
from attendance.rules.verdicts import UNDONE_REASON, Mark, Standing
from attendance.vocabulary import LessonState
from users.identity import Person, Role


class LessonBrief(msgspec.Struct, frozen=True, kw_only=True):
    """What identifies a lesson to a reader: shown wherever a lesson is named."""

    id: UUID
    lesson_name: str
    teacher: Person
    starts_at: datetime
    ends_at: datetime


class LessonView(LessonBrief, frozen=True, kw_only=True):
    """One lesson, live or stored."""

    late_after_minutes: int | None = None
    checks: Sequence[str] = ()
    networks: Sequence[str] = ()
    state: str
    revision: int = 0
    counts: Mapping[str, int] = {}
    """Records by status; those flagged as deleted are left out."""
    is_deleted: bool = False


class RegisterRecord(msgspec.Struct, frozen=True, kw_only=True):
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

    @property
    def standing(self) -> Standing:
        """The part of the record on which a verdict depends."""
        return Standing(self.status, self.previous, self.mark)


def state_of(lesson: LiveLesson) -> LessonState:
    """The state of a lesson in the live store, by the live store's clock."""
    if lesson.is_over:
        return LessonState.ENDED
    return LessonState.LIVE if lesson.is_open else LessonState.SCHEDULED


def brief_of_live(lesson: LiveLesson) -> LessonBrief:
    """What is told of a lesson that is in Redis."""
    return brief_of_data(lesson.id, lesson.data, starts_at=lesson.starts_at, ends_at=lesson.ends_at)


def brief_of_data(
    lesson_id: UUID, data: LessonData, *, starts_at: datetime, ends_at: datetime
) -> LessonBrief:
    """What is told of a lesson whose JSON and window are at hand."""
    return LessonBrief(
        id=lesson_id,
        lesson_name=data.lesson_name,
        teacher=data.teacher,
        starts_at=starts_at,
        ends_at=ends_at,
    )


def brief_of_stored(row: Attendance) -> LessonBrief:
    """The row's teacher must have been selected with it."""
    return LessonBrief(
        id=row.pk,
        lesson_name=row.lesson_name,
        teacher=Person(row.teacher.school_number, row.teacher_name, Role.TEACHER),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
    )


def lesson_of_live(lesson: LiveLesson, *, state: str, counts: Mapping[str, int]) -> LessonView:
    """A live lesson, with the state that the ledger gives it."""
    data = lesson.data
    return LessonView(
        **asdict(brief_of_live(lesson)),
        late_after_minutes=data.late_after_minutes,
        checks=data.checks,
        networks=[network.cidr for network in data.networks],
        state=state,
        revision=lesson.revision,
        counts=counts,
    )


def lesson_of_stored(row: Attendance, *, state: str, counts: Mapping[str, int]) -> LessonView:
    """A stored lesson. The row's teacher must have been selected with it."""
    return LessonView(
        **asdict(brief_of_stored(row)),
        late_after_minutes=row.late_after_minutes,
        checks=row.checks,
        networks=row.networks,
        state=state,
        revision=row.revision,
        counts=counts,
        is_deleted=row.is_deleted,
    )


def record_of_live(record: LiveRecord) -> RegisterRecord:
    """A record that is in Redis."""
    return RegisterRecord(
        school_number=record.school_number,
        full_name=record.full_name,
        status=record.status,
        checked_in_at=record.checked_in_at,
        source=record.source,
        reason=record.reason,
        previous=record.previous,
        mark=record.mark,
        revision=record.revision,
        changed_at=record.changed_at,
    )


def record_of_stored(row: AttendanceRecord) -> RegisterRecord:
    """The row's student must have been selected with it."""
    return RegisterRecord(
        school_number=row.student.school_number,
        full_name=row.full_name,
        status=row.status,
        checked_in_at=row.checked_in_at,
        source=row.source,
        reason=row.reason,
        previous=row.previous,
        mark=_mark_of(row),
        revision=row.revision,
        changed_at=row.changed_at,
    )


def _mark_of(row: AttendanceRecord) -> str:
    if not row.is_deleted:
        return Mark.KEPT
    return Mark.UNDONE if row.deleted_reason == UNDONE_REASON else Mark.DELETED
