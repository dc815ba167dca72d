"""Who may what with courses: pure functions that services, pages and the API ask."""

from collections.abc import Collection, Iterable
from typing import Final

from courses.errors import (
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
