"""Writing lessons as rows: straight in for new attendances, only forward for known ones.

Everything here runs inside the persisting transaction, after `ensure_users`.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from attendance.live.records import LiveEvent, LiveLesson, LiveRecord, Mark
from attendance.models import AttendanceEvent
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
    inserted: int = 0
    updated: int = 0
    events: int = 0
    displaced: tuple[LiveEvent, ...] = ()
    """Events in whose place, at their revision, another one is stored."""


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
    known = [lesson for lesson in lessons if lesson.lesson.id not in new]
    return written | move_forward(known, users)


def move_forward(lessons: Sequence[Readable], users: dict[str, int]) -> dict[UUID, Written]:
    """Add what known attendances do not have, and replace what is older; nothing goes back."""
    inserted, updated = _move_records_forward(lessons, users)
    events = _add_events(lessons, users)
    displaced = _displaced_events(lessons)
    return {
        i: Written(inserted[i], updated[i], events[i], tuple(displaced[i]))
        for i in (each.lesson.id for each in lessons)
    }


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


def _move_records_forward(
    lessons: Sequence[Readable], users: dict[str, int]
) -> tuple[Counter[UUID], Counter[UUID]]:
    changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in _RECORD[2:])
    done = _insert(
        "attendance_attendancerecord AS stored",
        _RECORD,
        f"SELECT {', '.join(_RECORD)}",
        (_RECORD, _RECORD_TYPES, list(_record_rows(lessons, users))),
        "ON CONFLICT ON CONSTRAINT attendance_record_once_per_student"
        f" DO UPDATE SET {changes} WHERE stored.revision < EXCLUDED.revision"
        # A row that this statement inserted was never updated.
        " RETURNING stored.attendance_id, (xmax = 0)",
    )
    inserted = Counter(lesson_id for lesson_id, is_new in done if is_new)
    return inserted, Counter(lesson_id for lesson_id, is_new in done if not is_new)


def _add_events(lessons: Sequence[Readable], users: dict[str, int]) -> Counter[UUID]:
    done = _insert(
        "attendance_attendanceevent",
        _EVENT,
        f"SELECT {', '.join(_EVENT)}",
        (_EVENT, _EVENT_TYPES, list(_event_rows(lessons, users))),
        "ON CONFLICT DO NOTHING RETURNING attendance_id",
    )
    return Counter(lesson_id for (lesson_id,) in done)


def _displaced_events(lessons: Sequence[Readable]) -> dict[UUID, list[LiveEvent]]:
    """Events that DO NOTHING left out although they are not the ones that are stored."""
    found: dict[UUID, list[LiveEvent]] = {each.lesson.id: [] for each in lessons}
    events = {(each.lesson.id, e.revision): e for each in lessons for e in each.events}
    stored = AttendanceEvent.objects.filter(
        attendance_id__in=found, revision__in={revision for _, revision in events}
    )
    for lesson_id, revision, request_id in stored.values_list(
        "attendance_id", "revision", "request_id"
    ):
        event = events.get((lesson_id, revision))
        if event is not None and event.request_id != request_id:
            found[lesson_id].append(event)
    return found


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
