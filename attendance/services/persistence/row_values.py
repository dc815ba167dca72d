"""What a lesson, a record and an event look like as rows: columns, types, values.

Values have one of two forms. As SQL has them: a UUID, an aware datetime. As binary
COPY sends them, which costs a tenth: an id is its 16 bytes, an instant the
microseconds since 2000, each written by the driver's compiled code.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from attendance.live.payloads import LiveEvent, LiveLesson, LiveRecord
from attendance.rules import instants
from attendance.rules.verdicts import UNDONE_REASON, Mark
from attendance.vocabulary import Status

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


_ON_THE_WIRE = {"uuid": "bytea", "timestamptz": "int8"}
_FIRST_MS = instants.FIRST_MS
"""PostgreSQL's own epoch, 2000-01-01, in milliseconds since 1970."""

# Compared for each record: members of an enumeration take twice as long.
_MARK_KEPT, _PENDING = Mark.KEPT.value, Status.PENDING.value


class Form(NamedTuple):
    """How ids and instants are written."""

    lesson_id: Callable[[UUID], Any]
    instant: Callable[[int], Any]
    """Of epoch milliseconds."""


def _same(lesson_id: UUID) -> UUID:
    return lesson_id


def _bytes(lesson_id: UUID) -> bytes:
    return lesson_id.bytes


def _microseconds(ms: int) -> int:
    return (ms - _FIRST_MS) * 1_000


SQL = Form(_same, instants.instant)
COPY = Form(_bytes, _microseconds)


def copy_types(types: Sequence[str]) -> list[str]:
    """The types whose binary form the values of `COPY` have."""
    return [_ON_THE_WIRE.get(name, name) for name in types]


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


def record_rows(
    lessons: Iterable[Readable], users: dict[str, int], form: Form
) -> Iterable[tuple[Any, ...]]:
    for each in lessons:
        lesson_id = form.lesson_id(each.lesson.id)
        for record in each.records:
            yield _record_row(lesson_id, record, users, form.instant)


def _record_row(
    lesson_id: Any, record: LiveRecord, users: dict[str, int], instant: Callable[[int], Any]
) -> tuple[Any, ...]:
    at = record.checked_in_at_ms
    changed_at = instant(record.changed_at_ms)
    # Most records are kept and wait for nothing: for them no function is called.
    is_kept = record.mark == _MARK_KEPT or record.actor is None
    return (
        lesson_id,
        users[record.school_number],
        record.full_name,
        record.status,
        None if at is None else instant(at),
        record.source,
        reason_of(record) if record.status == _PENDING else record.reason,
        record.previous,
        record.revision,
        changed_at,
        *(_KEPT if is_kept else _deletion(record, users, changed_at)),
    )


_KEPT = (None, None, "")


def _deletion(record: LiveRecord, users: dict[str, int], changed_at: Any) -> tuple[Any, ...]:
    assert record.actor is not None  # noqa: S101 - decoding refuses a deletion by nobody
    return changed_at, users[record.actor.school_number], record.reason or UNDONE_REASON


def reason_of(record: LiveRecord) -> str:
    """Its reason; a record that still waits for a verdict says so, for the teacher to decide."""
    if record.status == Status.PENDING and not record.reason:
        return NO_VERDICT_REASON
    return record.reason


def event_rows(
    lessons: Iterable[Readable], users: dict[str, int], form: Form
) -> Iterable[tuple[Any, ...]]:
    for each in lessons:
        lesson_id = form.lesson_id(each.lesson.id)
        for event in each.events:
            yield _event_row(lesson_id, event, users, form.instant)


def _event_row(
    lesson_id: Any, event: LiveEvent, users: dict[str, int], instant: Callable[[int], Any]
) -> tuple[Any, ...]:
    data = event.data
    return (
        lesson_id,
        event.revision,
        data.kind,
        instant(instants.milliseconds(event.happened_at)),
        users[data.student.school_number] if data.student else None,
        users[data.actor.school_number],
        data.actor.full_name,
        data.source,
        event.old,
        event.new,
        data.reason,
        event.request_id,
    )
