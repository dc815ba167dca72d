"""Count the marks of the system: absent = expected - marked, in each lesson of a section."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

Pair = tuple[UUID, str]

_LESSONS = (
    "SELECT a.id, a.roster_closed_at IS NOT NULL, l.state, array_remove(array_agg(u.school_number),"
    " NULL) FROM attendance_attendance a"
    " JOIN attendance_lessonledger l ON l.lesson_id = a.id"
    " LEFT JOIN courses_enrolment e ON e.section_id = a.section_id AND e.role = 'student'"
    " AND e.begins_on <= a.held_on AND (e.ends_on IS NULL OR a.held_on < e.ends_on)"
    " LEFT JOIN users_user u ON u.id = e.user_id"
    " WHERE a.section_id IS NOT NULL AND a.not_held_at IS NULL GROUP BY a.id, l.state"
)
_RECORDS = (
    "SELECT r.attendance_id, u.school_number, r.source, r.is_expected"
    " FROM attendance_attendancerecord r JOIN users_user u ON u.id = r.student_id"
)
_TOLD = (
    "SELECT coalesce(sum(expected), 0)::int, coalesce(sum(marked_absent), 0)::int"
    " FROM attendance_persistencerun"
)


class RosterAudit(NamedTuple):
    lessons: int
    expected: int
    """Students on the rosters of stored lessons."""
    absent: int
    """Those of them whom the system has marked."""
    wrong: list[str]


class OneLesson(NamedTuple):
    id: UUID
    is_closed: bool
    state: str
    roster: set[str]
    marked: set[str]
    """By a person."""
    absent: set[str]
    """By the system."""
    expected: set[str]
    """By the records."""


def audit_rosters(
    sql: "psycopg.Connection[tuple[Any, ...]]", acknowledged: Collection[Pair]
) -> RosterAudit:
    """Compare enrolments and acknowledgements with the marks that are stored."""
    lessons = list(_lessons(sql))
    told = sql.execute(_TOLD).fetchone()
    assert told
    closed = [each for each in lessons if each.is_closed]
    expected = sum(len(each.roster) for each in closed)
    absent = sum(len(each.absent) for each in lessons)
    wrong = [
        f"{str(each.id)[-12:]} {why}" for each in lessons for why in _wrong(each, acknowledged)
    ]
    if told[0] != expected:
        wrong.append(f"runs have closed rosters of {told[0]}, {expected} are on them")
    if told[1] < absent:
        wrong.append(f"runs have marked {told[1]} absent, {absent} are")
    return RosterAudit(len(closed), expected, absent, wrong)


def _lessons(sql: "psycopg.Connection[tuple[Any, ...]]") -> Iterator[OneLesson]:
    records = defaultdict(list)
    for lesson_id, number, source, is_expected in sql.execute(_RECORDS).fetchall():
        records[lesson_id].append((number, source, is_expected))
    for lesson_id, is_closed, state, roster in sql.execute(_LESSONS).fetchall():
        found = records[lesson_id]
        yield OneLesson(
            id=lesson_id,
            is_closed=is_closed,
            state=state,
            roster=set(roster),
            marked={number for number, source, _ in found if source != "system"},
            absent={number for number, source, _ in found if source == "system"},
            expected={number for number, _, is_expected in found if is_expected},
        )


def _wrong(lesson: OneLesson, acknowledged: Collection[Pair]) -> Iterator[str]:
    beaten = {number for number in lesson.absent if (lesson.id, number) in acknowledged}
    if beaten:
        yield f"has marks of the system over a word of {sorted(beaten)}"
    if not lesson.is_closed:
        # One that was rebuilt from receipts is closed by a person.
        if lesson.state != "lost":
            yield "has a roster that is open"
        return
    if lesson.absent != lesson.roster - lesson.marked:
        yield f"has marked {len(lesson.absent)}, {len(lesson.roster - lesson.marked)} are missing"
    if lesson.expected != lesson.roster:
        yield f"says that {len(lesson.expected)} were expected, {len(lesson.roster)} were"
