"""Who belongs to a section on a day; the day is the local one of the section's time zone.

A person is asked for by any of their accounts, and told of once, by the root.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from django.db.models import Q
from django.db.models.functions import Coalesce

from courses import rules
from courses.models import Enrolment, Section
from courses.vocabulary import EnrolmentRole
from users.models import User
from users.selectors import accounts_query, merged_ids, merged_numbers, root_id


class RosterEntry(NamedTuple):
    user_id: int
    """Of the root, as number and name."""
    school_number: str
    full_name: str
    numbers: tuple[str, ...]
    """Of all accounts of the person, the root's first: each may be the one that checks in."""
    user_ids: tuple[int, ...]
    """Of the same accounts, in the same order."""


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
    rows = (
        Enrolment.objects.filter(_covers_a_day(days), role=EnrolmentRole.STUDENT)
        .annotate(
            person=root_id("user"),
            number=Coalesce("user__merged_into__school_number", "user__school_number"),
            name=Coalesce("user__merged_into__full_name", "user__full_name"),
            numbers=merged_numbers("person"),
            ids=merged_ids("person"),
        )
        .order_by("number")
        .values("section_id", "begins_on", "ends_on", "person", "number", "name", "numbers", "ids")
    )
    for row in rows:
        entry = _entry_of(row)
        for on in days[row["section_id"]]:
            if row["begins_on"] <= on and (row["ends_on"] is None or on < row["ends_on"]):
                found[row["section_id"], on][entry.school_number] = entry
    return found


def _entry_of(row: Mapping[str, Any]) -> RosterEntry:
    return RosterEntry(
        user_id=row["person"],
        school_number=row["number"],
        full_name=row["name"],
        numbers=(row["number"], *row["numbers"]),
        user_ids=(row["person"], *row["ids"]),
    )


def _covers_a_day(days: dict[int, list[date]]) -> Q:
    """Per section, from its first day to its last; which of the days, Python sees."""
    return reduce(
        or_,
        (
            Q(section_id=section_id, begins_on__lte=max(of_one))
            & (Q(ends_on=None) | Q(ends_on__gt=min(of_one)))
            for section_id, of_one in days.items()
        ),
    )


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
