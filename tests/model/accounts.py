"""People whose numbers change while a lesson goes on: what is asked of their accounts.

Whoever signs in is known by the number that they have at that moment, with all the others; a
process that had looked before still knows them as they were.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from attendance.services import receipts
from attendance.services.check_in import Given, check_in
from tests.model.memory import RequestUnderWay
from tests.support import sections
from tests.support.lessons import student
from users.identity import Person, Role
from users.models import User
from users.selectors import numbers_of
from users.services.merging import merge_people

OFFICE = Person("STAFF-1", "Staff 1", Role.STAFF)
NEWCOMER = student(3)
SECOND = student(9)
"""A second account of the first student, until it is merged an account of its own."""


def make(*people: Person) -> None:
    for person in (*people, SECOND, OFFICE):
        sections.user_of(person)


def job_of(
    call: RequestUnderWay, lesson_id: UUID, *, who: Person | None, receipt: str
) -> Callable[[], Any] | None:
    """What is asked in a scenario with accounts; None for what is asked as everywhere else."""
    if who is None:
        return None
    match call.action.split():
        case ["stale:", "check", "in", _]:
            return lambda: check_in(lesson_id, student=who)
        case ["check", "in", _]:
            return lambda: _check_in(lesson_id, who)
        case ["redeem", _]:
            return lambda: receipts.redeem(receipt, caller=who)
        case [*asked, _] if tuple(asked) in _ASKED:
            return lambda: _ASKED[tuple(asked)](who)
    return None


def present_number(person: Person) -> str:
    """The number that somebody has now, whatever it was."""
    return _account(person).values_list("school_number", flat=True).first() or person.school_number


def _account(person: Person) -> Any:
    return User.objects.filter(full_name=person.full_name)


def _check_in(lesson_id: UUID, who: Person) -> Any:
    user = _account(who).get()
    others = [number for number in numbers_of(user.pk) if number != user.school_number]
    return check_in(lesson_id, student=user.as_person(), given=Given(other_numbers=others))


def _merge(who: Person) -> Any:
    return merge_people(
        duplicate=SECOND.school_number,
        into=present_number(who),
        actor=_account(OFFICE).get(),
        reason="one person",
    )


def _renumber(who: Person) -> Any:
    return _account(who).update(school_number=f"R-{who.school_number}")


def _give_away(who: Person) -> Any:
    return User.objects.create_user(who.school_number, NEWCOMER.full_name)


_ASKED: Mapping[tuple[str, ...], Callable[[Person], Any]] = {
    ("renumber",): _renumber,
    ("give", "away"): _give_away,
    ("merge",): _merge,
}
