"""Who belongs to a section on a day; the day is the local one of the section's time zone."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from functools import reduce
from operator import or_
from typing import NamedTuple

from django.db.models import Q

from courses import rules
from courses.models import Enrolment, Section
from courses.vocabulary import EnrolmentRole
from users.models import User


class RosterEntry(NamedTuple):
    user_id: int
    school_number: str
    full_name: str


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
    """The students whose enrolment covers a day; one query."""
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
        .order_by("user__school_number")
        .values_list(
            "section_id",
            "begins_on",
            "ends_on",
            "user_id",
            "user__school_number",
            "user__full_name",
        )
    )
    for section_id, begins_on, ends_on, user_id, number, name in rows:
        entry = RosterEntry(user_id, number, name)
        for on in days[section_id]:
            if begins_on <= on and (ends_on is None or on < ends_on):
                found[section_id, on][entry.school_number] = entry
    return found


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
    """The sections to which somebody belongs on a day, with the role in each; no archived ones.

    Each section once: whoever has two roles in it has the stronger one.
    """
    rows = (
        Enrolment.objects.on(on)
        .filter(user_id=user_id, section__archived_at=None)
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
    """The roles that somebody has in each section on a day; one query."""
    held: dict[int, set[str]] = {section_id: set() for section_id in section_ids}
    rows = Enrolment.objects.on(on).filter(user_id=user_id, section_id__in=list(held))
    for section_id, role in rows.order_by().values_list("section_id", "role"):
        held[section_id].add(role)
    return held
