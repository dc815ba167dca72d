"""The marks that the system makes: absent or excused, for whoever was expected and has none.

They fill a blank, once for each lesson, and never fight a word: any mark of a person, of any
revision, takes their place. They have revision 0, source `system`, and no check-in instant.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from attendance.live.payloads import LiveRecord
from attendance.models import Attendance, AttendanceRecord
from attendance.rules.instants import milliseconds
from attendance.rules.verdicts import UNDONE_REASON, Mark
from attendance.services.rosters.expected import Expected
from attendance.vocabulary import Source, Status
from courses.selectors.expected import Excuse, Meeting, excuses_at
from courses.selectors.rosters import RosterEntry

BLANK_REVISION = 0

# One for each mark: an enumeration looks its value up each time.
_ABSENT, _EXCUSED = Status.ABSENT.value, Status.EXCUSED.value
_SYSTEM, _KEPT = Source.SYSTEM.value, Mark.KEPT.value


class Closed(NamedTuple):
    """What closing the roster of one lesson came to."""

    expected: int = 0
    marked_absent: int = 0
    """Those who were missing; those who are excused among them."""


def marks_of(expected: Expected, taken: frozenset[str], *, at: datetime) -> list[LiveRecord]:
    """A record for everybody who is expected and whose number is not `taken`."""
    at_ms = milliseconds(at)
    return [
        _mark_of(person, expected.excuses.get(person.user_id), at_ms)
        for person in expected.people
        if person.school_number not in taken and taken.isdisjoint(person.other_numbers)
    ]


def _mark_of(person: RosterEntry, excuse: Excuse | None, at_ms: int) -> LiveRecord:
    return LiveRecord(
        school_number=person.school_number,
        full_name=person.full_name,
        status=_EXCUSED if excuse else _ABSENT,
        checked_in_at_ms=None,
        source=_SYSTEM,
        reason=excuse.label if excuse else "",
        actor=None,
        previous="",
        mark=_KEPT,
        revision=BLANK_REVISION,
        changed_at_ms=at_ms,
    )


def close_rosters(expected: Mapping[UUID, Expected], *, at: datetime) -> dict[UUID, Closed]:
    """Close the rosters of stored lessons that are open: mark everybody who is missing.

    A lesson that is not owed, or whose roster was closed before, is left alone and is not in
    the answer. Call it inside a transaction that holds the attendances. A fixed number of
    statements for any number of lessons.
    """
    owed = {i: who for i, who in expected.items() if who.is_owed}
    closing = _set_closed(list(owed), at)
    if closing:
        _set_expectations({i: owed[i] for i in closing})
    marked = _insert_marks({i: owed[i] for i in closing}, at=at)
    return {i: Closed(len(owed[i].people), marked.get(i, 0)) for i in closing}


def _set_closed(lesson_ids: Sequence[UUID], at: datetime) -> list[UUID]:
    return _returning(
        "UPDATE attendance_attendance SET roster_closed_at = %s WHERE id = ANY(%s)"
        " AND roster_closed_at IS NULL AND not_held_at IS NULL AND section_id IS NOT NULL"
        " RETURNING id",
        [at, list(lesson_ids)],
        when=lesson_ids,
    )


def _set_expectations(expected: Mapping[UUID, Expected]) -> None:
    """Write down who of those with a record was expected."""
    numbers = [
        (i, number)
        for i, who in expected.items()
        for person in who.people
        for number in person.numbers
    ]
    _execute(
        "UPDATE attendance_attendancerecord AS r SET is_expected ="
        # Not correlated, so that it is hashed once.
        " (r.attendance_id, r.student_id) IN ("
        " SELECT i.lesson_id, u.id FROM unnest(%s::uuid[], %s::text[]) AS i (lesson_id, number)"
        " JOIN users_user AS u ON u.school_number = i.number)"
        " WHERE r.attendance_id = ANY(%s)",
        [[i for i, _ in numbers], [number for _, number in numbers], list(expected)],
    )


def _insert_marks(expected: Mapping[UUID, Expected], *, at: datetime) -> dict[UUID, int]:
    if not expected:
        return {}
    taken = _numbers_with_records(list(expected))
    ids = {p.school_number: p.user_id for who in expected.values() for p in who.people}
    rows = [
        (i, ids[mark.school_number], mark, who.excuses.get(ids[mark.school_number]))
        for i, who in expected.items()
        for mark in marks_of(who, taken.get(i, frozenset()), at=at)
    ]
    inserted = _returning(
        "INSERT INTO attendance_attendancerecord (attendance_id, student_id, school_number,"
        " full_name, status, source, reason, is_expected, absence_id, previous, revision,"
        " changed_at, deleted_reason)"
        " SELECT i.lesson_id, i.student_id, i.number, i.full_name, i.status, 'system', i.reason,"
        " true, i.absence_id, '', 0, %s, '' FROM unnest(%s::uuid[], %s::int8[], %s::text[],"
        " %s::text[], %s::text[], %s::text[], %s::int8[]) AS i (lesson_id, student_id, number,"
        " full_name, status, reason, absence_id)"
        " ON CONFLICT ON CONSTRAINT attendance_record_once_per_student DO NOTHING"
        " RETURNING attendance_id",
        [
            at,
            [i for i, *_ in rows],
            [user_id for _, user_id, *_ in rows],
            [mark.school_number for *_, mark, _ in rows],
            [mark.full_name for *_, mark, _ in rows],
            [mark.status for *_, mark, _ in rows],
            [mark.reason for *_, mark, _ in rows],
            [excuse.absence_id if excuse else None for *_, excuse in rows],
        ],
        when=rows,
    )
    return {i: inserted.count(i) for i in expected}


def _numbers_with_records(lesson_ids: Sequence[UUID]) -> dict[UUID, frozenset[str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.attendance_id, array_agg(u.school_number) FROM attendance_attendancerecord"
            " AS r JOIN users_user AS u ON u.id = r.student_id WHERE r.attendance_id = ANY(%s)"
            " GROUP BY r.attendance_id",
            [list(lesson_ids)],
        )
        return {i: frozenset(numbers) for i, numbers in cursor.fetchall()}


def is_blank(attendance: Attendance, row: AttendanceRecord) -> bool:
    """Whether nobody's word is left in a record: an addition or a correction was taken back."""
    if row.source == Source.SYSTEM:
        return True
    is_undone = row.is_deleted and row.deleted_reason == UNDONE_REASON
    is_owed = attendance.roster_closed_at is not None and row.is_expected is True
    return is_undone and is_owed and row.checked_in_at is None


def fill_blank(attendance: Attendance, row: AttendanceRecord) -> None:
    """Make a record what the system says of whoever did not come; the caller saves it."""
    meeting = meeting_of(attendance)
    fill(row, excuses_at({meeting: [row.student_id]}).get((meeting, row.student_id)))


def meeting_of(attendance: Attendance) -> Meeting:
    """The lesson of a section that an attendance is the register of."""
    assert attendance.section_id is not None  # noqa: S101 - a constraint of the table
    assert attendance.held_on is not None  # noqa: S101 - as above
    return Meeting(
        attendance.section_id, attendance.held_on, attendance.starts_at, attendance.ends_at
    )


def fill(row: AttendanceRecord, excuse: Excuse | None) -> None:
    """As `fill_blank`, where the excuse is known."""
    row.source, row.checked_in_at = Source.SYSTEM, None
    row.status = Status.EXCUSED if excuse else Status.ABSENT
    row.absence_id, row.reason = (excuse.absence_id, excuse.label) if excuse else (None, "")
    row.deleted_at, row.deleted_by_id, row.deleted_reason = None, None, ""


def settle_expectations(lesson_ids: Sequence[UUID]) -> None:
    """Whoever has come into a closed roster since, and has no mark of it, was not expected."""
    _execute(
        "UPDATE attendance_attendancerecord AS r SET is_expected = false"
        " FROM attendance_attendance AS a WHERE a.id = r.attendance_id AND a.id = ANY(%s)"
        " AND a.roster_closed_at IS NOT NULL AND r.is_expected IS NULL",
        [list(lesson_ids)],
    )


def settle_stored(expected: Mapping[UUID, Expected], *, at: datetime) -> None:
    """Bring records of closed rosters in line with what a pass has just written.

    Whoever came in since, and has no mark of the roster, was not expected. An addition that
    its teacher took back leaves a blank: whoever was expected is marked as the others are. Where
    it was said meanwhile that the lesson was not held, or that it was, the marks follow.
    """
    ids = list(expected)
    if not ids:
        return
    settle_expectations(ids)
    _settle_not_held(ids)
    excuses = [(i, u, e) for i, who in expected.items() for u, e in who.excuses.items()]
    _execute(
        "UPDATE attendance_attendancerecord AS r SET source = 'system', reason ="
        " coalesce(e.label, ''), absence_id = e.absence_id, status ="
        " CASE WHEN e.absence_id IS NULL THEN 'absent' ELSE 'excused' END, previous = '',"
        " changed_at = %s, deleted_at = NULL, deleted_by_id = NULL, deleted_reason = ''"
        " FROM attendance_attendancerecord AS s LEFT JOIN unnest(%s::uuid[], %s::int8[],"
        " %s::int8[], %s::text[]) AS e (lesson_id, user_id, absence_id, label)"
        " ON e.lesson_id = s.attendance_id AND e.user_id = s.student_id"
        " WHERE r.id = s.id AND s.attendance_id = ANY(%s) AND s.is_expected"
        " AND s.deleted_at IS NOT NULL AND s.deleted_reason = %s AND s.checked_in_at IS NULL",
        [
            at,
            [i for i, *_ in excuses],
            [user_id for _, user_id, _ in excuses],
            [excuse.absence_id for *_, excuse in excuses],
            [excuse.label for *_, excuse in excuses],
            ids,
            UNDONE_REASON,
        ],
    )


def _settle_not_held(lesson_ids: Sequence[UUID]) -> None:
    """Marks of the system are flagged as deleted while their lesson counts as not held."""
    _execute(
        "UPDATE attendance_attendancerecord AS r SET deleted_at = a.not_held_at,"
        " deleted_by_id = a.not_held_by_id, deleted_reason = a.not_held_reason"
        " FROM attendance_attendance AS a WHERE a.id = r.attendance_id AND a.id = ANY(%s)"
        " AND r.source = 'system' AND r.deleted_at IS DISTINCT FROM a.not_held_at",
        [list(lesson_ids)],
    )


def _execute(sql: str, values: Sequence[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def _returning(sql: str, values: Sequence[Any], *, when: Iterable[Any]) -> list[Any]:
    """The first column of what a statement returns; nothing is asked where there is nothing."""
    if not when:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [row[0] for row in cursor.fetchall()]
