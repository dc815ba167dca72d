"""Who may what with courses: pure functions that services, pages and the API ask."""

from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from courses.errors import (
    CourseError,
    NotStaff,
    NotYourAbsence,
    NotYourSection,
    ReasonNotForYou,
    SectionNotFound,
)
from users.errors import gettext_noop as _
from users.identity import Person, Role

TEACHES: Final = frozenset({"teacher", "assistant"})
"""Roles of those who start, mark and finish lessons."""

MAY_DELETE: Final = frozenset({"teacher"})
"""Roles of those who delete and export as well."""


def check_may_manage(person: Person) -> None:
    """Staff makes sections, enrols and closes. Raises NotStaff."""
    if person.role is not Role.STAFF:
        raise NotStaff


def may_teach(person: Person, enrolled_as: Iterable[str]) -> bool:
    """Whether somebody runs a section's lessons, with these roles in it on that day."""
    return person.role is Role.STAFF or not TEACHES.isdisjoint(enrolled_as)


def may_delete(person: Person, enrolled_as: Iterable[str]) -> bool:
    """Whether somebody deletes and exports what belongs to a section: assistants do not."""
    return person.role is Role.STAFF or not MAY_DELETE.isdisjoint(enrolled_as)


def may_import(person: Person, enrolled_as: Iterable[str]) -> bool:
    """Whether somebody uploads a section's roster: its teachers, and staff; not its assistants."""
    return may_delete(person, enrolled_as)


def check_may_see_roster(person: Person, enrolled_as: Collection[str]) -> None:
    """See who belongs to a section, its lessons and its rules, with these roles in it today.

    Raises SectionNotFound, and NotYourSection for those who belong to it and do not teach it.
    """
    if may_teach(person, enrolled_as):
        return
    raise NotYourSection if enrolled_as else SectionNotFound


def check_may_set_policy(person: Person, enrolled_as: Collection[str]) -> None:
    """Give a section new rules: its teachers and staff, no assistants.

    Raises SectionNotFound, and NotYourSection for all others who belong to it.
    """
    if may_delete(person, enrolled_as):
        return
    if not enrolled_as:
        raise SectionNotFound
    raise NotYourSection(_("Only its teachers and staff change the rules of a course."))


def check_may_ask(
    person: Person, *, number: str, who_may_ask: str, teaches_all_sections: bool
) -> None:
    """Ask for an absence of the person with this number, with a reason for these.

    Students ask for themselves, teachers for the sections that they teach, staff
    for everybody. Raises NotYourAbsence and ReasonNotForYou.
    """
    if person.role is Role.STAFF:
        return
    if not teaches_all_sections and person.school_number != number:
        raise NotYourAbsence
    if who_may_ask == "staff" or (who_may_ask == "teacher" and not teaches_all_sections):
        raise ReasonNotForYou


def check_may_decide(person: Person, *, number: str, teaches_all_sections: bool) -> None:
    """Approve or refuse an absence of the person with this number; nobody decides their own.

    Raises NotYourAbsence.
    """
    if person.school_number == number:
        raise NotYourAbsence
    if person.role is not Role.STAFF and not teaches_all_sections:
        raise NotYourAbsence


def check_may_withdraw(person: Person, *, numbers: Iterable[str], has_begun: bool) -> None:
    """Withdraw an absence, or add to it: staff, and until it begins whom it is about or who asked.

    Raises NotYourAbsence.
    """
    if person.role is not Role.STAFF and (has_begun or person.school_number not in numbers):
        raise NotYourAbsence


def check_may_read_evidence(
    person: Person, *, numbers: Iterable[str], teaches_all_sections: bool
) -> None:
    """Read the files of an absence: whom it is about, who asked, and who could decide it.

    Raises NotYourAbsence.
    """
    is_theirs = person.school_number in numbers or teaches_all_sections
    if person.role is not Role.STAFF and not is_theirs:
        raise NotYourAbsence


def allows(check: Callable[..., None], person: Person, **facts: Any) -> bool:
    """Whether a check lets somebody pass: what a page offers is what its service takes."""
    try:
        check(person, **facts)
    except CourseError:
        return False
    return True


def instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which clocks in a zone show a time, in UTC.

    A time that they skip is the first instant after the gap; of one that they show twice, it is
    the first.
    """
    at = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == wall:
        return at
    return _end_of_gap(wall.replace(tzinfo=zone, fold=1).astimezone(UTC), at, zone)


def _end_of_gap(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first instant with the later offset, of two instants around the change."""
    old, second = before.astimezone(zone).utcoffset(), timedelta(seconds=1)
    while after - before > second:
        middle = before + (after - before) // 2 // second * second
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after
