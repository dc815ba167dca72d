"""Who would be made or changed by a roster: only whoever is in a row that is good."""

from collections.abc import Iterable, Mapping

from courses.services.rosters.plan import Action, PersonChange, PlannedPerson, PlannedRow
from courses.services.rosters.world import KnownPerson
from courses.vocabulary import EnrolmentRole
from users.identity import Role


def plan_people(
    rows: Iterable[PlannedRow], known: Mapping[str, KnownPerson], *, may_change: bool
) -> list[PlannedPerson]:
    """What becomes of the accounts of a file, by number. Nobody's role is lowered.

    `may_change`: a teacher's file makes students, and changes nobody who is known.
    """
    names: dict[str, str] = {}
    roles: dict[str, set[str]] = {}
    for row in rows:
        # What ends because it is missing says nothing of a name.
        if row.action is not Action.BAD and row.line is not None:
            names[row.school_number] = row.full_name
            roles.setdefault(row.school_number, set()).add(row.role)
    planned = (
        _change(number, names[number], roles[number], known.get(number), may_change=may_change)
        for number in sorted(names)
    )
    return [person for person in planned if person is not None]


def _change(
    number: str, name: str, roles: set[str], known: KnownPerson | None, *, may_change: bool
) -> PlannedPerson | None:
    if known is None:
        return PlannedPerson(
            school_number=number,
            full_name=name,
            change=PersonChange.CREATE,
            role=_account_role(roles).value,
        )
    # A superuser is changed in the admin only.
    if not may_change or known.is_superuser:
        return None
    is_promoted = (
        EnrolmentRole.TEACHER in roles and known.role is Role.STUDENT and known.never_signed_in
    )
    if not is_promoted and known.full_name == name:
        return None
    return PlannedPerson(
        school_number=number,
        full_name=name,
        change=PersonChange.COMPLETE if is_promoted else PersonChange.RENAME,
        role=Role.TEACHER.value if is_promoted else known.role.value,
    )


def _account_role(roles: set[str]) -> Role:
    """A teacher's account for whoever teaches; an assistant who learns as well checks in."""
    if EnrolmentRole.TEACHER in roles:
        return Role.TEACHER
    is_assistant = EnrolmentRole.ASSISTANT in roles and EnrolmentRole.STUDENT not in roles
    return Role.TEACHER if is_assistant else Role.STUDENT
