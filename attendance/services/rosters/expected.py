"""Who was expected at lessons: read and held inside the transaction that stores them.

The order of reading is a guard. The rows of sections and users are held first, absences are
read after that: whoever approves an absence holds the user, so an approval that this
transaction does not see waits, and then finds the stored marks.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from courses.models import Policy
from courses.selectors import rosters
from courses.selectors.expected import Excuse, Meeting, closed_among, excuses_at
from courses.selectors.rosters import RosterEntry
from users.selectors import accounts_of_number


class LessonOfSection(NamedTuple):
    """What decides who is expected at a lesson."""

    lesson_id: UUID
    section_id: int
    policy_id: int | None
    held_on: date
    """The day of the start where the section is taught: the roster is of this day."""
    starts_at: datetime
    ends_at: datetime
    is_held: bool = True


class Expected(NamedTuple):
    """Who should have come to one lesson."""

    section_id: int
    policy_id: int | None
    held_on: date
    is_owed: bool
    """Whether the lesson counts at all: it is held, and on no day without lessons."""
    people: Sequence[RosterEntry]
    excuses: Mapping[int, Excuse]
    """The approved absence of each user who has one."""

    @property
    def numbers(self) -> frozenset[str]:
        """Every school number of everybody who is expected."""
        merged = (number for person in self.people for number in person.other_numbers)
        return frozenset([person.school_number for person in self.people]).union(merged)


NOBODY: Mapping[UUID, Expected] = {}


def find_expected(
    lessons: Sequence[LessonOfSection], *, held: Collection[int] = ()
) -> dict[UUID, Expected]:
    """Who is expected at each lesson; a lesson whose section is gone is not in the answer.

    Call it inside a transaction: sections and users stay held until the commit; `held` are the
    ids of users whom it holds already. A fixed number of statements, none where no lesson has a
    section.
    """
    if not lessons:
        return {}
    sections = _hold("courses_section", {lesson.section_id for lesson in lessons})
    policies = set(
        Policy.objects.filter(
            pk__in={lesson.policy_id for lesson in lessons if lesson.policy_id is not None}
        ).values_list("pk", "section_id")
    )
    there = [lesson for lesson in lessons if lesson.section_id in sections]
    meetings = {lesson.lesson_id: _meeting(lesson) for lesson in there}
    closed = closed_among(meetings.values())
    owed = {x.lesson_id: x.is_held and meetings[x.lesson_id] not in closed for x in there}
    rows = rosters.rosters_on(
        (meetings[i].section_id, meetings[i].on) for i, is_owed in owed.items() if is_owed
    )
    people = {i: _people(rows.get((m.section_id, m.on))) for i, m in meetings.items()}
    accounts = {i: [pk for person in of for pk in person.user_ids] for i, of in people.items()}
    _hold("users_user", {pk for ids in accounts.values() for pk in ids}.difference(held))
    excuses = _by_meeting({meetings[i]: ids for i, ids in accounts.items()})
    return {
        x.lesson_id: Expected(
            section_id=x.section_id,
            policy_id=x.policy_id if (x.policy_id, x.section_id) in policies else None,
            held_on=meetings[x.lesson_id].on,
            is_owed=owed[x.lesson_id],
            people=people[x.lesson_id] if owed[x.lesson_id] else (),
            excuses=excuses[meetings[x.lesson_id]],
        )
        for x in there
    }


def _meeting(lesson: LessonOfSection) -> Meeting:
    return Meeting(lesson.section_id, lesson.held_on, lesson.starts_at, lesson.ends_at)


def _people(roster: rosters.Roster | None) -> list[RosterEntry]:
    return list(roster.values()) if roster else []


def _by_meeting(users: Mapping[Meeting, Sequence[int]]) -> dict[Meeting, dict[int, Excuse]]:
    found: dict[Meeting, dict[int, Excuse]] = {meeting: {} for meeting in users}
    for (meeting, user_id), excuse in excuses_at(users).items():
        found[meeting][user_id] = excuse
    return found


def hold_person(school_number: str) -> None:
    """Hold every account of a person until the commit, before an attendance is held.

    Whoever approves an absence holds the person and then the attendances: the other way round,
    the two would wait for each other. Nobody is held where the number is unknown.
    """
    accounts = accounts_of_number(school_number).values_list("pk", flat=True)
    _hold("users_user", accounts)


def _hold(table: str, ids: Iterable[int]) -> set[int]:
    """Lock rows FOR KEY SHARE, in the order of their ids. Returns those that are there."""
    wanted = sorted(set(ids))
    if not wanted:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            # One text costs less than an array: nearly all of a school may be asked for.
            f"SELECT id FROM {table} WHERE id = ANY(string_to_array(%s, ',')::int8[])"
            " ORDER BY id FOR KEY SHARE",
            [",".join(map(str, wanted))],
        )
        return {row[0] for row in cursor.fetchall()}
