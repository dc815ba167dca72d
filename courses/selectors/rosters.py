"""Who belongs to a section on a day; the day is the local one of the section's time zone.

A person is asked for by any of their accounts, and told of once, by the root.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import msgspec
from django.db import connection

from courses import rules
from courses.models import Enrolment, Section
from courses.vocabulary import EnrolmentRole
from users.models import User
from users.selectors import accounts_query


class RosterEntry(msgspec.Struct, frozen=True, gc=False):
    """Somebody on a roster. Many are made at once, and hardly any of them has a second account."""

    user_id: int
    """Of the root, as number and name."""
    school_number: str
    full_name: str
    other_numbers: tuple[str, ...] = ()
    """Of the accounts that are merged into the root, and those that the person had before."""
    merged_ids: tuple[int, ...] = ()
    """Of the accounts that are merged into the root."""

    @property
    def numbers(self) -> tuple[str, ...]:
        """Every number of the person, the root's first: each may be the one that checks in."""
        return (self.school_number, *self.other_numbers)

    @property
    def user_ids(self) -> tuple[int, ...]:
        """Of all accounts of the person, the root's first."""
        return (self.user_id, *self.merged_ids)


class SectionOfUser(NamedTuple):
    section: Section
    role: EnrolmentRole
    is_primary: bool


STRONGEST_FIRST = (
    EnrolmentRole.TEACHER,
    EnrolmentRole.ASSISTANT,
    EnrolmentRole.STUDENT,
    EnrolmentRole.OBSERVER,
)

Roster = dict[str, RosterEntry]
"""The students of a section by their school number, in its order."""


def roster_on(*, section_id: int, on: date) -> Roster:
    """The students with an account whose enrolment covers a day, each once; one query."""
    return rosters_on([(section_id, on)])[section_id, on]


def rosters_on(pairs: Iterable[tuple[int, date]]) -> dict[tuple[int, date], Roster]:
    """The roster of each pair of section and day; one query for all of them."""
    wanted = set(pairs)
    found: dict[tuple[int, date], Roster] = {pair: {} for pair in wanted}
    if not wanted:
        return found
    days = defaultdict(list)
    for section_id, on in wanted:
        days[section_id].append(on)
    for section_id, begins_on, ends_on, *person in _rows(days):
        entry = _entry_of(*person)
        for on in days[section_id]:
            if begins_on <= on and (ends_on is None or on < ends_on):
                found[section_id, on][entry.school_number] = entry
    return found


# Merged accounts and former numbers are few: they are put together once, where a subquery in each
# row costs more than all the rest.
_ROWS = """
    SELECT e.section_id, e.begins_on, e.ends_on, r.id, r.school_number, r.full_name,
           m.numbers || f.numbers, m.ids
      FROM unnest(%s::int8[], %s::date[], %s::date[]) AS w (section_id, first, last)
      JOIN courses_enrolment AS e ON e.section_id = w.section_id AND e.role = 'student'
           AND e.begins_on <= w.last AND (e.ends_on IS NULL OR e.ends_on > w.first)
      JOIN users_user AS u ON u.id = e.user_id
      JOIN users_user AS r ON r.id = coalesce(u.merged_into_id, u.id)
      LEFT JOIN (SELECT merged_into_id, array_agg(school_number ORDER BY school_number) AS numbers,
                        array_agg(id ORDER BY school_number) AS ids
                   FROM users_user WHERE merged_into_id IS NOT NULL GROUP BY merged_into_id) AS m
           ON m.merged_into_id = r.id
      LEFT JOIN (SELECT coalesce(o.merged_into_id, o.id) AS root,
                        array_agg(n.number ORDER BY n.number) AS numbers
                   FROM users_formernumber AS n JOIN users_user AS o ON o.id = n.user_id
                  GROUP BY 1) AS f ON f.root = r.id
     ORDER BY r.school_number"""


def _rows(days: Mapping[int, Sequence[date]]) -> list[tuple[Any, ...]]:
    """Students by section, from its first day to its last; which of the days, the caller sees."""
    sections = list(days)
    bounds = [[min(days[i]) for i in sections], [max(days[i]) for i in sections]]
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [sections, *bounds])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _entry_of(
    user_id: int,
    number: str,
    name: str,
    numbers: Sequence[str] | None,
    ids: Sequence[int] | None,
) -> RosterEntry:
    if not numbers:
        return RosterEntry(user_id, number, name)
    return RosterEntry(user_id, number, name, tuple(numbers), tuple(ids or ()))


def sections_of(*, user_id: int, on: date) -> list[SectionOfUser]:
    """The sections to which a person belongs on a day, with the role in each; no archived ones.

    Each section once: whoever has two roles in it has the stronger one.
    """
    rows = (
        Enrolment.objects.on(on)
        .filter(user__in=accounts_query(user_id), section__archived_at=None)
        .select_related("section__term", "section__course", "section__policy")
        .order_by("section__title", "section_id")
    )
    found: dict[int, SectionOfUser] = {}
    for row in sorted(rows, key=_by_strength):
        held = SectionOfUser(row.section, EnrolmentRole(row.role), row.is_primary)
        found.setdefault(row.section_id, held)
    return list(found.values())


def _by_strength(row: Enrolment) -> tuple[int, bool]:
    return STRONGEST_FIRST.index(EnrolmentRole(row.role)), not row.is_primary


def teaches(*, user: User, section_id: int, on: date) -> bool:
    """Whether somebody runs a section's lessons on a day: teachers, assistants, and staff."""
    return section_id in sections_taught(user=user, section_ids=[section_id], on=on)


def sections_taught(*, user: User, section_ids: Iterable[int], on: date) -> set[int]:
    """Those of the sections whose lessons somebody runs on a day; one query."""
    held = roles_in(user_id=user.pk, section_ids=section_ids, on=on)
    person = user.as_person()
    return {section_id for section_id, roles in held.items() if rules.may_teach(person, roles)}


def roles_in(*, user_id: int, section_ids: Iterable[int], on: date) -> dict[int, set[str]]:
    """The roles that a person has in each section on a day; one query."""
    held: dict[int, set[str]] = {section_id: set() for section_id in section_ids}
    rows = Enrolment.objects.on(on).filter(
        user__in=accounts_query(user_id), section_id__in=list(held)
    )
    for section_id, role in rows.order_by().values_list("section_id", "role"):
        held[section_id].add(role)
    return held
