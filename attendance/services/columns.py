"""What a lesson, a record and an event look like as rows: columns, types, values."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from attendance.live.records import LiveEvent, LiveLesson, LiveRecord, Mark
from attendance.vocabulary import UNDONE_REASON, Status

NO_VERDICT_REASON = "no verdict of the verifier when the lesson was stored"

ATTENDANCE = (
    "id",
    "teacher_id",
    "teacher_name",
    "lesson_name",
    "starts_at",
    "ends_at",
    "late_after_minutes",
    "checks",
    "networks",
    "revision",
)
ATTENDANCE_TYPES = (
    *("uuid", "int8", "text", "text", "timestamptz", "timestamptz", "int4", "jsonb", "jsonb"),
    "int8",
)
RECORD = (
    "attendance_id",
    "student_id",
    "full_name",
    "status",
    "checked_in_at",
    "source",
    "reason",
    "previous",
    "revision",
    "changed_at",
    "deleted_at",
    "deleted_by_id",
    "deleted_reason",
)
RECORD_TYPES = (
    *("uuid", "int8", "text", "text", "timestamptz", "text", "text", "text", "int8"),
    *("timestamptz", "timestamptz", "int8", "text"),
)
EVENT = (
    "attendance_id",
    "revision",
    "kind",
    "happened_at",
    "student_id",
    "actor_id",
    "actor_name",
    "source",
    "old",
    "new",
    "reason",
    "request_id",
)
EVENT_TYPES = (
    *("uuid", "int8", "text", "timestamptz", "int8", "int8", "text", "text", "text", "text"),
    *("text", "text"),
)


class Readable(NamedTuple):
    """What of one lesson can be stored."""

    lesson: LiveLesson
    records: Sequence[LiveRecord]
    events: Sequence[LiveEvent]


def attendance_row(lesson: LiveLesson, users: dict[str, int]) -> tuple[Any, ...]:
    data = lesson.data
    return (
        lesson.id,
        users[data.teacher.school_number],
        data.teacher.full_name,
        data.lesson_name,
        lesson.starts_at,
        lesson.ends_at,
        data.late_after_minutes,
        json.dumps(data.checks),
        json.dumps([network.cidr for network in data.networks]),
        lesson.revision,
    )


def record_row(lesson_id: UUID, record: LiveRecord, users: dict[str, int]) -> tuple[Any, ...]:
    deletion: tuple[Any, ...] = (None, None, "")
    if record.mark != Mark.KEPT and record.actor is not None:
        actor_id = users[record.actor.school_number]
        deletion = (record.changed_at, actor_id, record.reason or UNDONE_REASON)
    return (
        lesson_id,
        users[record.school_number],
        record.full_name,
        record.status,
        record.checked_in_at,
        record.source,
        reason_of(record),
        record.previous,
        record.revision,
        record.changed_at,
        *deletion,
    )


def reason_of(record: LiveRecord) -> str:
    """Its reason; a record that still waits for a verdict says so, for the teacher to decide."""
    if record.status == Status.PENDING and not record.reason:
        return NO_VERDICT_REASON
    return record.reason


def event_row(lesson_id: UUID, event: LiveEvent, users: dict[str, int]) -> tuple[Any, ...]:
    data = event.data
    return (
        lesson_id,
        event.revision,
        data.kind,
        event.happened_at,
        users[data.student.school_number] if data.student else None,
        users[data.actor.school_number],
        data.actor.full_name,
        data.source,
        event.old,
        event.new,
        data.reason,
        event.request_id,
    )


def record_rows(lessons: Iterable[Readable], users: dict[str, int]) -> Iterable[tuple[Any, ...]]:
    return (record_row(each.lesson.id, r, users) for each in lessons for r in each.records)


def event_rows(lessons: Iterable[Readable], users: dict[str, int]) -> Iterable[tuple[Any, ...]]:
    return (event_row(each.lesson.id, e, users) for each in lessons for e in each.events)
