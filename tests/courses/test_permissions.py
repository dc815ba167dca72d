"""Who may what: every role against every question, without a server."""

from collections.abc import Callable

import pytest

from courses import rules
from courses.errors import (
    CourseError,
    NotStaff,
    NotYourAbsence,
    NotYourSection,
    ReasonNotForYou,
    SectionNotFound,
)
from users.identity import Person, Role

PEOPLE = {role: Person(f"{role.value.upper()}-1", role.value, role) for role in Role}


@pytest.mark.parametrize("role", list(Role))
def test_staff_manages(role: Role) -> None:
    if role is Role.STAFF:
        rules.check_may_manage(PEOPLE[role])
    else:
        with pytest.raises(NotStaff):
            rules.check_may_manage(PEOPLE[role])


@pytest.mark.parametrize(
    ("held", "runs", "deletes"),
    [
        (set(), False, False),
        ({"student"}, False, False),
        ({"observer"}, False, False),
        ({"assistant"}, True, False),
        ({"teacher"}, True, True),
        ({"student", "assistant"}, True, False),
    ],
)
def test_an_assistant_runs_lessons_and_a_teacher_deletes_as_well(
    held: set[str], runs: bool, deletes: bool
) -> None:
    # What counts is the enrolment, not the role of the account.
    for role in (Role.STUDENT, Role.TEACHER):
        assert rules.may_teach(PEOPLE[role], held) is runs
        assert rules.may_delete(PEOPLE[role], held) is deletes
        assert rules.may_import(PEOPLE[role], held) is deletes
    assert rules.may_teach(PEOPLE[Role.STAFF], held)
    assert rules.may_delete(PEOPLE[Role.STAFF], held)
    assert rules.may_import(PEOPLE[Role.STAFF], held)


@pytest.mark.parametrize(
    ("held", "sees", "sets"),
    [
        (set(), SectionNotFound, SectionNotFound),
        ({"student"}, NotYourSection, NotYourSection),
        ({"observer"}, NotYourSection, NotYourSection),
        ({"assistant"}, None, NotYourSection),
        ({"teacher"}, None, None),
        ({"student", "assistant"}, None, NotYourSection),
    ],
)
def test_who_sees_a_roster_and_who_sets_the_rules(
    held: set[str], sees: type[Exception] | None, sets: type[Exception] | None
) -> None:
    def refusal(check: Callable[[Person, set[str]], None], role: Role) -> type[Exception] | None:
        try:
            check(PEOPLE[role], held)
        except CourseError as error:
            return type(error)
        return None

    for role in (Role.STUDENT, Role.TEACHER):
        assert refusal(rules.check_may_see_roster, role) is sees
        assert refusal(rules.check_may_set_policy, role) is sets
    assert refusal(rules.check_may_see_roster, Role.STAFF) is None
    assert refusal(rules.check_may_set_policy, Role.STAFF) is None


@pytest.mark.parametrize(
    ("role", "is_own", "teaches_all", "who_may_ask", "error"),
    [
        (Role.STUDENT, True, False, "student", None),
        (Role.STUDENT, True, False, "teacher", ReasonNotForYou),
        (Role.STUDENT, True, False, "staff", ReasonNotForYou),
        (Role.STUDENT, False, False, "student", NotYourAbsence),
        (Role.TEACHER, False, True, "student", None),
        (Role.TEACHER, False, True, "teacher", None),
        (Role.TEACHER, False, True, "staff", ReasonNotForYou),
        (Role.TEACHER, False, False, "student", NotYourAbsence),
        (Role.STAFF, False, False, "staff", None),
    ],
)
def test_who_may_ask(
    role: Role, is_own: bool, teaches_all: bool, who_may_ask: str, error: type[Exception] | None
) -> None:
    number = PEOPLE[role].school_number if is_own else "OTHER"

    def ask() -> None:
        rules.check_may_ask(
            PEOPLE[role],
            number=number,
            who_may_ask=who_may_ask,
            teaches_all_sections=teaches_all,
        )

    if error is None:
        ask()
    else:
        with pytest.raises(error):
            ask()


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("is_own", [True, False])
@pytest.mark.parametrize("teaches_all", [True, False])
def test_who_may_decide(role: Role, is_own: bool, teaches_all: bool) -> None:
    number = PEOPLE[role].school_number if is_own else "OTHER"
    if not is_own and (role is Role.STAFF or teaches_all):
        rules.check_may_decide(PEOPLE[role], number=number, teaches_all_sections=teaches_all)
    else:
        with pytest.raises(NotYourAbsence):
            rules.check_may_decide(PEOPLE[role], number=number, teaches_all_sections=teaches_all)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("is_own", [True, False])
@pytest.mark.parametrize("has_begun", [True, False])
def test_who_may_withdraw(role: Role, is_own: bool, has_begun: bool) -> None:
    numbers = {PEOPLE[role].school_number} if is_own else {"OTHER"}
    if role is Role.STAFF or (is_own and not has_begun):
        rules.check_may_withdraw(PEOPLE[role], numbers=numbers, has_begun=has_begun)
    else:
        with pytest.raises(NotYourAbsence):
            rules.check_may_withdraw(PEOPLE[role], numbers=numbers, has_begun=has_begun)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("is_theirs", [True, False])
@pytest.mark.parametrize("teaches_all", [True, False])
def test_who_may_read_evidence(role: Role, is_theirs: bool, teaches_all: bool) -> None:
    numbers = {PEOPLE[role].school_number if is_theirs else "OTHER"}
    may = role is Role.STAFF or is_theirs or teaches_all
    facts = {"numbers": numbers, "teaches_all_sections": teaches_all}
    assert rules.allows(rules.check_may_read_evidence, PEOPLE[role], **facts) is may
