"""What a lesson, a record and an event look like as rows: a table of column, type and value each.

Values have one of two forms. As SQL has them: a UUID, an aware datetime. As binary
COPY sends them, which costs a tenth: an id is its 16 bytes, an instant the
microseconds since 2000, each written by the driver's compiled code.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from attendance.live.payloads import LiveEvent, LiveLesson, LiveRecord
from attendance.rules.instants import FIRST_MS, instant, milliseconds
from attendance.rules.verdicts import UNDONE_REASON, Mark
from attendance.services.rosters.expected import Expected
from attendance.vocabulary import Source, Status

NO_VERDICT_REASON = "no verdict of the verifier when the lesson was stored"

# Compared for each record: members of an enumeration take twice as long.
_KEPT, _PENDING, _SYSTEM = Mark.KEPT.value, Status.PENDING.value, Source.SYSTEM.value
_ON_THE_WIRE = {"uuid": "bytea", "timestamptz": "int8"}

Item = TypeVar("Item", LiveLesson, LiveRecord, LiveEvent)


class Readable(NamedTuple):
    """What of one lesson can be stored."""

    lesson: LiveLesson
    records: Sequence[LiveRecord]
    events: Sequence[LiveEvent]
    expected: Expected | None = None
    """Who should have come; None before it is read, and for a lesson of no section."""
    closed_at: int | None = None
    """When the roster of a new attendance is closed (epoch ms); None where it is not."""


class Form(NamedTuple):
    """How ids and instants are written."""

    lesson_id: Callable[[UUID], Any]
    instant: Callable[[int], Any]
    """Of epoch milliseconds."""


SQL = Form(lambda lesson_id: lesson_id, instant)
# PostgreSQL's own epoch is 2000-01-01.
COPY = Form(lambda lesson_id: lesson_id.bytes, lambda ms: (ms - FIRST_MS) * 1_000)


class Writing(NamedTuple):
    """What the values of one lesson's rows need beside the item itself."""

    lesson_id: Any
    """In the form that is written."""
    users: dict[str, int]
    """The id of each school number."""
    instant: Callable[[int], Any]
    expected: Expected | None = None
    """Who should have come; None without a section, or where it is gone."""
    closed_at: int | None = None
    """When those who were missing got their mark (epoch ms); None where that is still to come."""
    numbers: frozenset[str] = frozenset()
    """Of everybody who was expected."""


class Column(NamedTuple, Generic[Item]):
    name: str
    kind: str
    """Its type in PostgreSQL."""
    value: Callable[[Writing, Item], Any]


class Layout(Generic[Item]):
    """The columns of a table that persistence writes."""

    def __init__(self, table: str, columns: Sequence[Column[Item]]) -> None:
        self.table = table
        self.names = tuple(column.name for column in columns)
        self.kinds = tuple(column.kind for column in columns)
        self._values: tuple[Callable[[Writing, Item], Any], ...] = tuple(
            column.value for column in columns
        )

    @cached_property
    def copy_kinds(self) -> list[str]:
        """The types whose binary form the values of `COPY` have."""
        return [_ON_THE_WIRE.get(kind, kind) for kind in self.kinds]

    def row(self, writing: Writing, item: Item) -> list[Any]:
        """The values of one row, in the order of the columns."""
        return [value(writing, item) for value in self._values]


def reason_of(record: LiveRecord) -> str:
    """Its reason; a record that still waits for a verdict says so, for the teacher to decide."""
    if record.status == _PENDING and not record.reason:
        return NO_VERDICT_REASON
    return record.reason


def _is_kept(record: LiveRecord) -> bool:
    # Decoding refuses a deletion by nobody.
    return record.mark == _KEPT or record.actor is None


def _at(writing: Writing, at: datetime) -> Any:
    return writing.instant(milliseconds(at))


def _checked_in_at(writing: Writing, record: LiveRecord) -> Any:
    at = record.checked_in_at_ms
    return None if at is None else writing.instant(at)


def _is_expected(writing: Writing, record: LiveRecord) -> bool | None:
    return None if writing.closed_at is None else record.school_number in writing.numbers


def absence_of(writing: Writing, record: LiveRecord) -> int | None:
    """The approved absence that a mark of the system names."""
    if record.source != _SYSTEM or writing.expected is None:
        return None
    excuse = writing.expected.excuses.get(writing.users[record.school_number])
    return excuse.absence_id if excuse else None


def _closed_at(writing: Writing, _: LiveLesson) -> Any:
    return None if writing.closed_at is None else writing.instant(writing.closed_at)


def _not_held_at(writing: Writing, lesson: LiveLesson) -> Any:
    said = lesson.data.not_held
    return writing.instant(said.said_at) if said else None


def _not_held_by(writing: Writing, lesson: LiveLesson) -> int | None:
    said = lesson.data.not_held
    return writing.users[said.actor.school_number] if said else None


def _student_of(writing: Writing, event: LiveEvent) -> int | None:
    student = event.data.student
    return None if student is None else writing.users[student.school_number]


def deleted_at(writing: Writing, record: LiveRecord) -> Any:
    """When it was flagged as deleted, in the form that is written; None where it was not."""
    return None if _is_kept(record) else writing.instant(record.changed_at_ms)


def deleted_by(writing: Writing, record: LiveRecord) -> int | None:
    """The id of whoever flagged it as deleted; None where nobody has."""
    if record.actor is None or record.mark == _KEPT:
        return None
    return writing.users[record.actor.school_number]


def deleted_reason(record: LiveRecord) -> str:
    """Why it was flagged as deleted; '' where it was not."""
    return "" if _is_kept(record) else record.reason or UNDONE_REASON


ATTENDANCE = Layout[LiveLesson](
    "attendance_attendance",
    (
        Column("id", "uuid", lambda w, _: w.lesson_id),
        Column("teacher_id", "int8", lambda w, lesson: w.users[lesson.data.teacher.school_number]),
        Column("teacher_name", "text", lambda _, lesson: lesson.data.teacher.full_name),
        Column("lesson_name", "text", lambda _, lesson: lesson.data.lesson_name),
        Column("starts_at", "timestamptz", lambda w, lesson: _at(w, lesson.starts_at)),
        Column("ends_at", "timestamptz", lambda w, lesson: _at(w, lesson.ends_at)),
        Column("section_id", "int8", lambda w, _: w.expected and w.expected.section_id),
        Column("policy_id", "int8", lambda w, _: w.expected and w.expected.policy_id),
        Column("held_on", "date", lambda w, _: w.expected and w.expected.held_on),
        Column("opens_before_s", "int4", lambda _, lesson: lesson.data.rule.opens_before_s),
        Column("late_after_s", "int4", lambda _, lesson: lesson.data.rule.late_after_s),
        Column("absent_after_s", "int4", lambda _, lesson: lesson.data.rule.absent_after_s),
        Column("not_held_at", "timestamptz", _not_held_at),
        Column("not_held_by_id", "int8", _not_held_by),
        Column(
            "not_held_reason",
            "text",
            lambda _, lesson: lesson.data.not_held.reason if lesson.data.not_held else "",
        ),
        Column("checks", "jsonb", lambda _, lesson: json.dumps(lesson.data.checks)),
        Column(
            "networks",
            "jsonb",
            lambda _, lesson: json.dumps([n.cidr for n in lesson.data.networks]),
        ),
        Column("revision", "int8", lambda _, lesson: lesson.revision),
        Column("roster_closed_at", "timestamptz", _closed_at),
    ),
)

RECORD = Layout[LiveRecord](
    "attendance_attendancerecord",
    (
        Column("attendance_id", "uuid", lambda w, _: w.lesson_id),
        Column("student_id", "int8", lambda w, record: w.users[record.school_number]),
        Column("school_number", "text", lambda _, record: record.school_number),
        Column("full_name", "text", lambda _, record: record.full_name),
        Column("status", "text", lambda _, record: record.status),
        Column("checked_in_at", "timestamptz", _checked_in_at),
        Column("source", "text", lambda _, record: record.source),
        Column("reason", "text", lambda _, record: reason_of(record)),
        Column("is_expected", "bool", _is_expected),
        Column("absence_id", "int8", absence_of),
        Column("previous", "text", lambda _, record: record.previous),
        Column("revision", "int8", lambda _, record: record.revision),
        Column("changed_at", "timestamptz", lambda w, record: w.instant(record.changed_at_ms)),
        Column("deleted_at", "timestamptz", deleted_at),
        Column("deleted_by_id", "int8", deleted_by),
        Column("deleted_reason", "text", lambda _, record: deleted_reason(record)),
    ),
)

EVENT = Layout[LiveEvent](
    "attendance_attendanceevent",
    (
        Column("attendance_id", "uuid", lambda w, _: w.lesson_id),
        Column("revision", "int8", lambda _, event: event.revision),
        Column("kind", "text", lambda _, event: event.data.kind),
        Column("happened_at", "timestamptz", lambda w, event: _at(w, event.happened_at)),
        Column("student_id", "int8", _student_of),
        Column("actor_id", "int8", lambda w, event: w.users[event.data.actor.school_number]),
        Column("actor_name", "text", lambda _, event: event.data.actor.full_name),
        Column("source", "text", lambda _, event: event.data.source),
        Column("old", "text", lambda _, event: event.old),
        Column("new", "text", lambda _, event: event.new),
        Column("reason", "text", lambda _, event: event.data.reason),
        Column("request_id", "text", lambda _, event: event.request_id),
        Column("request_digest", "text", lambda _, event: event.request_digest),
    ),
)


def attendance_rows(lessons: Iterable[Readable], users: dict[str, int]) -> list[list[Any]]:
    """A row for each lesson, in the form of SQL."""
    return [ATTENDANCE.row(writing(readable, users, SQL), readable.lesson) for readable in lessons]


def record_rows(
    lessons: Iterable[Readable], users: dict[str, int], form: Form
) -> Iterator[list[Any]]:
    """A row for each record of these lessons, one lesson after another."""
    for readable in lessons:
        of_lesson = writing(readable, users, form)
        for record in readable.records:
            yield RECORD.row(of_lesson, record)


def event_rows(
    lessons: Iterable[Readable], users: dict[str, int], form: Form
) -> Iterator[list[Any]]:
    """A row for each event of these lessons, one lesson after another."""
    for readable in lessons:
        of_lesson = writing(readable, users, form)
        for event in readable.events:
            yield EVENT.row(of_lesson, event)


def writing(readable: Readable, users: dict[str, int], form: Form) -> Writing:
    """What the rows of one lesson need; `users` maps numbers to ids."""
    return Writing(
        lesson_id=form.lesson_id(readable.lesson.id),
        users=users,
        instant=form.instant,
        expected=readable.expected,
        closed_at=readable.closed_at,
        numbers=readable.expected.numbers if readable.expected else frozenset(),
    )
