"""Writing lessons as rows: straight in for new attendances, only forward for known ones.

Everything here runs inside the persisting transaction, after `ensure_users`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Q

from attendance.live.payloads import LiveEvent, LiveRecord
from attendance.models import AttendanceEvent
from attendance.services.persistence import copying, rosters, row_values
from attendance.services.persistence.row_values import Layout, Readable
from attendance.services.rosters.system_marks import Closed

NO_CONSTANTS: Mapping[str, str] = {}


class Written(NamedTuple):
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    """Records that were there in this revision or a later one: counted, not derived."""
    events: int = 0
    event_revisions: tuple[int, ...] = ()
    """Of those events, where the attendance is not new."""
    closed: Closed = Closed()
    """What closing its roster came to; nobody captured these marks, so no sum has them."""
    is_new: bool = False
    """Whether the attendance was made by this transaction, with all that is in it."""
    displaced: tuple[LiveRecord | LiveEvent, ...] = ()
    """Items in whose place PostgreSQL has others, because Redis came back as an older copy."""

    @property
    def has_changed(self) -> bool:
        """Whether anybody has something new to read."""
        return self.is_new or bool(self.inserted or self.updated or self.events)


def write_lessons(lessons: Sequence[Readable], users: dict[str, int]) -> dict[UUID, Written]:
    """Write lessons with their records and events, and close their rosters.

    `users` maps numbers to ids.

    Returns what each lesson has added and changed; the rest was there before.
    """
    if not lessons:
        return {}
    new = write_attendances(lessons, users)
    # Nobody else can have written records for a row that this transaction made.
    fresh = [lesson for lesson in lessons if lesson.lesson.id in new]
    with_marks = [rosters.with_marks(lesson) for lesson in fresh]
    copying.copy_records(with_marks, users | rosters.ids_of(fresh))
    copying.copy_events(fresh, users)
    written = {
        each.lesson.id: Written(
            len(each.records),
            events=len(each.events),
            closed=rosters.closed_by_copy(each, full),
            is_new=True,
        )
        for each, full in zip(fresh, with_marks, strict=True)
    }
    known = [rosters.still_open(x) for x in lessons if x.lesson.id not in new]
    written |= move_forward(known, users)
    closed = rosters.close([*known, *(x for x in fresh if rosters.has_undone(x))])
    return {i: x._replace(closed=closed.get(i, x.closed)) for i, x in written.items()}


def move_forward(lessons: Sequence[Readable], users: dict[str, int]) -> dict[UUID, Written]:
    """Add what known attendances do not have, and replace what is older; nothing goes back."""
    if not lessons:
        return {}
    inserted, updated = move_records_forward(lessons, users)
    standing = _count_standing(lessons, users)
    events = add_events(lessons, users)
    overruled, displaced = _overruled_records(lessons, users), _displaced_events(lessons)
    return {
        i: Written(
            inserted[i],
            updated[i],
            standing[i] - inserted[i] - updated[i] - len(overruled[i]),
            len(events[i]),
            tuple(events[i]),
            displaced=(*overruled[i], *displaced[i]),
        )
        for i in (readable.lesson.id for readable in lessons)
    }


def write_attendances(lessons: Sequence[Readable], users: dict[str, int]) -> set[UUID]:
    """Insert attendances, or move known ones forward. Returns the ids of the new."""
    rows = row_values.attendance_rows(lessons, users)
    layout = row_values.ATTENDANCE
    inserted = _insert(
        layout,
        rows,
        "ON CONFLICT (id) DO NOTHING RETURNING id",
        constants={"persisted_at": "statement_timestamp()", "deleted_reason": "''"},
    )
    new = {row[0] for row in inserted}
    stored_rows = [row for row in rows if row[0] not in new]
    if stored_rows:
        _move_attendances_forward(stored_rows)
    return new


def _move_attendances_forward(rows: Sequence[Sequence[Any]]) -> None:
    layout = row_values.ATTENDANCE
    # The roster is closed once, by another statement.
    names = (name for name in layout.names[1:] if name != "roster_closed_at")
    changes = ", ".join(f"{name} = incoming.{name}" for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {layout.table} AS stored SET {changes}"
            f" FROM {_unnest(layout.kinds)} AS incoming ({', '.join(layout.names)})"
            " WHERE stored.id = incoming.id AND stored.revision < incoming.revision",
            _columns(rows, len(layout.names)),
        )


def move_records_forward(
    lessons: Sequence[Readable], users: dict[str, int]
) -> tuple[Counter[UUID], Counter[UUID]]:
    """Add records, and replace older ones and those of the system; counted by lesson."""
    layout = row_values.RECORD
    # Whether somebody was expected is written down once, when the roster is closed.
    names = (name for name in layout.names[2:] if name != "is_expected")
    changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in names)
    rows = _insert(
        layout,
        list(row_values.record_rows(lessons, users, row_values.SQL)),
        "ON CONFLICT ON CONSTRAINT attendance_record_once_per_student"
        f" DO UPDATE SET {changes}"
        # A mark of the system yields to any word.
        " WHERE stored.revision < EXCLUDED.revision OR stored.source = 'system'"
        # A row that this statement inserted was never updated.
        " RETURNING stored.attendance_id, (xmax = 0)",
    )
    inserted = Counter(lesson_id for lesson_id, is_new in rows if is_new)
    return inserted, Counter(lesson_id for lesson_id, is_new in rows if not is_new)


def _count_standing(lessons: Sequence[Readable], users: dict[str, int]) -> Counter[UUID]:
    """How many records the table has now in their incoming revision or a newer one."""
    values = [(x.lesson.id, users[r.school_number], r.revision) for x in lessons for r in x.records]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT stored.attendance_id, count(*) FROM attendance_attendancerecord AS stored"
            f" JOIN {_unnest(('uuid', 'int8', 'int8'))}"
            " AS incoming (lesson_id, student_id, revision)"
            " ON stored.attendance_id = incoming.lesson_id"
            " AND stored.student_id = incoming.student_id"
            " WHERE stored.revision >= incoming.revision GROUP BY stored.attendance_id",
            _columns(values, 3),
        )
        return Counter(dict(cursor.fetchall()))


def _overruled_records(
    lessons: Sequence[Readable], users: dict[str, int]
) -> dict[UUID, list[LiveRecord]]:
    """Records that the table has in a newer revision, or with other values in the same one.

    Redis must have come back as an older copy, and gone on from there.
    """
    overruled: dict[UUID, list[LiveRecord]] = {readable.lesson.id: [] for readable in lessons}
    incoming = {(x.lesson.id, users[r.school_number]): r for x in lessons for r in x.records}
    values = [
        (*key, r.revision, r.changed_at, r.status, row_values.reason_of(r))
        for key, r in incoming.items()
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT stored.attendance_id, stored.student_id"
            " FROM attendance_attendancerecord AS stored"
            f" JOIN {_unnest(('uuid', 'int8', 'int8', 'timestamptz', 'text', 'text'))}"
            " AS incoming (lesson_id, student_id, revision, changed_at, status, reason)"
            " ON stored.attendance_id = incoming.lesson_id"
            " AND stored.student_id = incoming.student_id"
            " WHERE stored.revision > incoming.revision OR stored.revision = incoming.revision"
            " AND (stored.changed_at, stored.status, stored.reason)"
            " IS DISTINCT FROM (incoming.changed_at, incoming.status, incoming.reason)",
            _columns(values, 6),
        )
        for lesson_id, student_id in cursor.fetchall():
            overruled[lesson_id].append(incoming[lesson_id, student_id])
    return overruled


def add_events(lessons: Sequence[Readable], users: dict[str, int]) -> dict[UUID, list[int]]:
    """Add the events that the table does not have; returns their revisions by lesson."""
    rows = _insert(
        row_values.EVENT,
        list(row_values.event_rows(lessons, users, row_values.SQL)),
        "ON CONFLICT DO NOTHING RETURNING attendance_id, revision",
    )
    added: dict[UUID, list[int]] = {lesson.lesson.id: [] for lesson in lessons}
    for lesson_id, revision in rows:
        added[lesson_id].append(revision)
    return added


def _displaced_events(lessons: Sequence[Readable]) -> dict[UUID, list[LiveEvent]]:
    """Events that DO NOTHING skipped although another event is stored in their place.

    The place is a revision, and the id of a request: the same request once more is no other event.
    """
    places = {(x.lesson.id, place): e for x in lessons for e in x.events for place in _places(e)}
    stored_events = AttendanceEvent.objects.filter(
        Q(revision__in={place for _, place in places if isinstance(place, int)})
        | Q(request_id__in={place for _, place in places if isinstance(place, str)}),
        attendance_id__in={readable.lesson.id for readable in lessons},
    )
    displaced: dict[UUID, dict[int, LiveEvent]] = {x.lesson.id: {} for x in lessons}
    for lesson_id, revision, *request in stored_events.values_list(
        "attendance_id", "revision", "request_id", "request_digest"
    ):
        for place in (revision, request[0]):
            event = places.get((lesson_id, place))
            if event is not None and [event.request_id, event.request_digest] != request:
                displaced[lesson_id][event.revision] = event
    return {lesson_id: list(events.values()) for lesson_id, events in displaced.items()}


def _places(event: LiveEvent) -> tuple[int, str]:
    return event.revision, event.request_id


def _insert(
    layout: Layout[Any],
    rows: Sequence[Sequence[Any]],
    ending: str,
    *,
    constants: Mapping[str, str] = NO_CONSTANTS,
) -> list[tuple[Any, ...]]:
    """One INSERT … SELECT from arrays: the number of statements does not grow with rows.

    `constants` are columns that have the same SQL expression in each row.
    """
    if not rows:
        return []
    names = ", ".join(layout.names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {layout.table} AS stored ({', '.join((*layout.names, *constants))})"
            f" SELECT {', '.join((*layout.names, *constants.values()))}"
            f" FROM {_unnest(layout.kinds)} AS incoming ({names}) {ending}",
            _columns(rows, len(layout.names)),
        )
        result: list[tuple[Any, ...]] = cursor.fetchall()
        return result


def _unnest(types: Sequence[str]) -> str:
    return f"unnest({', '.join(f'%s::{kind}[]' for kind in types)})"


def _columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    return [[row[i] for row in rows] for i in range(width)]
