"""Writing lessons as rows: straight in for new attendances, only forward for known ones.

Everything here runs inside the persisting transaction, after `ensure_users`.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from attendance.live.records import LiveEvent, LiveLesson, LiveRecord, Mark
from users.identity import Person, Role

UNDONE_REASON = "undone"

_ATTENDANCE = (
    "id",
    "teacher_id",
    "teacher_name",
    "lesson_name",
    "starts_at",
    "ends_at",
    "late_after_minutes",
    "revision",
)
_ATTENDANCE_TYPES = ("uuid", "int8", "text", "text", "timestamptz", "timestamptz", "int4", "int8")
_RECORD = (
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
_RECORD_TYPES = (
    *("uuid", "int8", "text", "text", "timestamptz", "text", "text", "text", "int8"),
    *("timestamptz", "timestamptz", "int8", "text"),
)
_EVENT = (
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
_EVENT_TYPES = (
    *("uuid", "int8", "text", "timestamptz", "int8", "int8", "text", "text", "text", "text"),
    *("text", "text"),
)


class Readable(NamedTuple):
    """What of one lesson can be stored."""

    lesson: LiveLesson
    records: Sequence[LiveRecord]
    events: Sequence[LiveEvent]


class Written(NamedTuple):
    inserted: int
    updated: int
    events: int


def people_of(lessons: Iterable[Readable]) -> Iterable[Person]:
    """Everybody to whom a row of these lessons points."""
    for lesson in lessons:
        yield teacher_of(lesson.lesson)
        for record in lesson.records:
            yield from people_of_record(record)
        for event in lesson.events:
            yield from people_of_event(event)


def teacher_of(lesson: LiveLesson) -> Person:
    teacher = lesson.data.teacher
    return Person(teacher.school_number, teacher.full_name, Role.TEACHER)


def people_of_record(record: LiveRecord) -> Iterable[Person]:
    yield Person(record.school_number, record.full_name)
    if record.actor is not None:
        yield record.actor


def people_of_event(event: LiveEvent) -> Iterable[Person]:
    yield event.data.actor
    if event.data.student is not None:
        yield event.data.student


def write_lessons(lessons: Sequence[Readable], users: dict[str, int]) -> dict[UUID, Written]:
    """Write lessons with their records and events. `users` maps numbers to ids.

    Returns what each lesson has added and changed; the rest was there before.
    """
    new = write_attendances(lessons, users)
    # Nobody else can have written records for a row that this transaction made.
    fresh = [lesson for lesson in lessons if lesson.lesson.id in new]
    _copy("attendance_attendancerecord", _RECORD, _record_rows(fresh, users))
    _copy("attendance_attendanceevent", _EVENT, _event_rows(fresh, users))
    written = {each.lesson.id: Written(len(each.records), 0, len(each.events)) for each in fresh}
    for lesson in lessons:
        if lesson.lesson.id not in new:
            inserted, updated = move_records_forward(lesson.lesson.id, lesson.records, users)
            events = add_events(lesson.lesson.id, lesson.events, users)
            written[lesson.lesson.id] = Written(inserted, updated, events)
    return written


def write_attendances(lessons: Sequence[Readable], users: dict[str, int]) -> set[UUID]:
    """Insert attendances, or move known ones forward. Returns the ids of the new."""
    rows = [_attendance_row(each.lesson, users) for each in lessons]
    inserted = _insert(
        "attendance_attendance",
        (*_ATTENDANCE, "persisted_at", "deleted_reason"),
        f"SELECT {', '.join(_ATTENDANCE)}, statement_timestamp(), ''",
        (_ATTENDANCE, _ATTENDANCE_TYPES, rows),
        "ON CONFLICT (id) DO NOTHING RETURNING id",
    )
    new = {row[0] for row in inserted}
    known = [row for row in rows if row[0] not in new]
    if known:
        _move_attendances_forward(known)
    return new


def _move_attendances_forward(rows: Sequence[tuple[Any, ...]]) -> None:
    changes = ", ".join(f"{name} = incoming.{name}" for name in _ATTENDANCE[1:])
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE attendance_attendance AS stored SET {changes}"
            f" FROM {_unnest(_ATTENDANCE_TYPES)} AS incoming ({', '.join(_ATTENDANCE)})"
            " WHERE stored.id = incoming.id AND stored.revision < incoming.revision",
            _columns(rows, len(_ATTENDANCE)),
        )


def move_records_forward(
    lesson_id: UUID, records: Sequence[LiveRecord], users: dict[str, int]
) -> tuple[int, int]:
    """Insert records, or replace older ones. Returns how many of each; never goes back."""
    changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in _RECORD[2:])
    done = _insert(
        "attendance_attendancerecord AS stored",
        _RECORD,
        f"SELECT {', '.join(_RECORD)}",
        (_RECORD, _RECORD_TYPES, [_record_row(lesson_id, r, users) for r in records]),
        "ON CONFLICT ON CONSTRAINT attendance_record_once_per_student"
        f" DO UPDATE SET {changes} WHERE stored.revision < EXCLUDED.revision"
        # A row that this statement inserted was never updated.
        " RETURNING (xmax = 0)",
    )
    inserted = sum(row[0] for row in done)
    return inserted, len(done) - inserted


def add_events(lesson_id: UUID, events: Sequence[LiveEvent], users: dict[str, int]) -> int:
    """Add the events that are not there. Returns how many."""
    return len(
        _insert(
            "attendance_attendanceevent",
            _EVENT,
            f"SELECT {', '.join(_EVENT)}",
            (_EVENT, _EVENT_TYPES, [_event_row(lesson_id, e, users) for e in events]),
            "ON CONFLICT DO NOTHING RETURNING 1",
        )
    )


def _attendance_row(lesson: LiveLesson, users: dict[str, int]) -> tuple[Any, ...]:
    data = lesson.data
    return (
        lesson.id,
        users[data.teacher.school_number],
        data.teacher.full_name,
        data.lesson_name,
        lesson.starts_at,
        lesson.ends_at,
        data.late_after_minutes,
        lesson.revision,
    )


def _record_row(lesson_id: UUID, record: LiveRecord, users: dict[str, int]) -> tuple[Any, ...]:
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
        record.reason,
        record.previous,
        record.revision,
        record.changed_at,
        *deletion,
    )


def _event_row(lesson_id: UUID, event: LiveEvent, users: dict[str, int]) -> tuple[Any, ...]:
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


def _record_rows(lessons: Iterable[Readable], users: dict[str, int]) -> Iterable[tuple[Any, ...]]:
    return (_record_row(each.lesson.id, r, users) for each in lessons for r in each.records)


def _event_rows(lessons: Iterable[Readable], users: dict[str, int]) -> Iterable[tuple[Any, ...]]:
    return (_event_row(each.lesson.id, e, users) for each in lessons for e in each.events)


def _copy(table: str, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)


def _insert(
    table: str,
    names: Sequence[str],
    select: str,
    source: tuple[Sequence[str], Sequence[str], Sequence[tuple[Any, ...]]],
    ending: str,
) -> list[tuple[Any, ...]]:
    """One INSERT … SELECT from arrays: the number of statements does not grow with rows."""
    columns, types, rows = source
    if not rows:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(names)}) {select}"
            f" FROM {_unnest(types)} AS incoming ({', '.join(columns)}) {ending}",
            _columns(rows, len(columns)),
        )
        done: list[tuple[Any, ...]] = cursor.fetchall()
        return done


def _unnest(types: Sequence[str]) -> str:
    return f"unnest({', '.join(f'%s::{kind}[]' for kind in types)})"


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[i] for row in rows] for i in range(width)]
