"""Lessons and records in one shape, wherever they live."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from msgspec.structs import asdict

from attendance.live.payloads import LessonData, LiveLesson, LiveRecord, SectionData
from attendance.models import Attendance, AttendanceRecord
from attendance.rules.status import NO_RULE, ArrivalRule
from attendance.rules.verdicts import UNDONE_REASON, Mark, Standing
from attendance.vocabulary import LessonState
from courses.models import Section
from users.identity import Person, Role


class SectionBrief(msgspec.Struct, frozen=True, kw_only=True):
    """The course of a lesson, as readers name it."""

    id: int
    code: str
    title: str
    held_on: date
    """The day of the lesson where the section is taught."""
    time_zone: str
    """Where it is taught: the times of its lessons are shown by this clock."""


class LessonBrief(msgspec.Struct, frozen=True, kw_only=True):
    """What identifies a lesson to a reader: shown wherever a lesson is named."""

    id: UUID
    lesson_name: str
    teacher: Person
    starts_at: datetime
    ends_at: datetime
    section: SectionBrief | None = None
    rule: ArrivalRule = NO_RULE
    not_held_reason: str = ""
    """Why the lesson is not held; '' where it is."""

    @property
    def late_after_minutes(self) -> int | None:
        return self.rule.late_after_minutes

    @property
    def time_zone(self) -> str | None:
        """Of the course; None where the campus's clock is meant."""
        return self.section.time_zone if self.section else None


class LessonView(LessonBrief, frozen=True, kw_only=True):
    """One lesson, live or stored."""

    checks: Sequence[str] = ()
    networks: Sequence[str] = ()
    state: str
    revision: int = 0
    counts: Mapping[str, int] = {}
    """Records by status; those flagged as deleted are left out."""
    expected: int | None = None
    """How many were expected; None without a section, and where that is not known yet."""
    missing: int | None = None
    """How many of them have no mark, or are absent or excused."""
    is_deleted: bool = False

    @property
    def came(self) -> int | None:
        """How many of those expected came; None where that is not known."""
        if self.expected is None or self.missing is None:
            return None
        return self.expected - self.missing


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
    is_expected: bool | None = None
    """Whether the student was on the roster; None where that is not known."""
    device_group: int | None = None
    """The same for marks of a lesson that came from one browser; None for any other."""

    @property
    def is_deleted(self) -> bool:
        return self.mark != Mark.KEPT

    @property
    def standing(self) -> Standing:
        """The part of the record on which a verdict depends."""
        return Standing(self.status, self.previous, self.mark)


class RosterCounts(NamedTuple):
    """How many were expected at a lesson, and how many of them did not come; None: not known."""

    expected: int | None = None
    missing: int | None = None


NO_ROSTER = RosterCounts()


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
        section=section_of_data(data.section, starts_at),
        rule=data.rule,
        not_held_reason=data.not_held.reason if data.not_held else "",
    )


def section_of_data(section: SectionData | None, starts_at: datetime) -> SectionBrief | None:
    """The course of a lesson whose data is at hand."""
    if section is None:
        return None
    return SectionBrief(
        id=section.id,
        code=section.code,
        title=section.title,
        held_on=section.day_of(starts_at),
        time_zone=section.time_zone,
    )


def section_of_row(section: Section | None, held_on: date | None) -> SectionBrief | None:
    """The course of a stored lesson, of that day."""
    if section is None or held_on is None:
        return None
    return SectionBrief(
        id=section.pk,
        code=section.code,
        title=section.title,
        held_on=held_on,
        time_zone=section.time_zone,
    )


def rule_of_row(row: Attendance) -> ArrivalRule:
    """The rule that a stored lesson began with."""
    return ArrivalRule(
        opens_before_s=row.opens_before_s,
        late_after_s=row.late_after_s,
        absent_after_s=row.absent_after_s,
    )


def brief_of_stored(row: Attendance) -> LessonBrief:
    """The row's teacher and section must have been selected with it."""
    return LessonBrief(
        id=row.pk,
        lesson_name=row.lesson_name,
        teacher=Person(row.teacher.school_number, row.teacher_name, Role.TEACHER),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        section=section_of_row(row.section, row.held_on),
        rule=rule_of_row(row),
        not_held_reason=row.not_held_reason,
    )


def lesson_of_live(
    lesson: LiveLesson, *, state: str, counts: Mapping[str, int], roster: RosterCounts = NO_ROSTER
) -> LessonView:
    """A live lesson, with the state that the ledger gives it."""
    data = lesson.data
    return LessonView(
        **asdict(brief_of_live(lesson)),
        checks=data.checks,
        networks=[network.cidr for network in data.networks],
        state=state,
        revision=lesson.revision,
        counts=counts,
        expected=roster.expected,
        missing=roster.missing,
    )


def lesson_of_stored(
    row: Attendance, *, state: str, counts: Mapping[str, int], roster: RosterCounts = NO_ROSTER
) -> LessonView:
    """A stored lesson. The row's teacher and section must have been selected with it."""
    return LessonView(
        **asdict(brief_of_stored(row)),
        checks=row.checks,
        networks=row.networks,
        state=state,
        revision=row.revision,
        counts=counts,
        expected=roster.expected,
        missing=roster.missing,
        is_deleted=row.is_deleted,
    )


def record_of_live(
    record: LiveRecord, *, is_expected: bool | None = None, device_group: int | None = None
) -> RegisterRecord:
    """A record that is in Redis; its roster says who is expected."""
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
        is_expected=is_expected,
        device_group=device_group,
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
        is_expected=row.is_expected,
        device_group=row.device_group,
    )


def _mark_of(row: AttendanceRecord) -> str:
    if not row.is_deleted:
        return Mark.KEPT
    return Mark.UNDONE if row.deleted_reason == UNDONE_REASON else Mark.DELETED
