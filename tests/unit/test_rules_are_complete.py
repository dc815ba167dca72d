"""The pure rules cover every word of the vocabulary, and decide plain examples as they should."""

import pytest

from attendance.errors import LessonNotFound, NotATeacher, NotYourLesson
from attendance.rules import permissions, verdicts
from attendance.rules.permissions import Ownership
from attendance.rules.status import ArrivalRule, Window, status_of_arrival
from attendance.vocabulary import Source, Status, Verdict
from users.identity import Person, Role

START, MINUTE = 1_790_000_000_000, 60_000
OWN, OTHER = "T-1", "T-2"


def test_every_verdict_gives_a_status_but_undo_and_delete() -> None:
    assert set(verdicts.STATUS_OF) == set(Verdict.values) - {Verdict.UNDO, Verdict.DELETE}
    assert set(verdicts.STATUS_OF.values()) == set(Status.values) - {Status.PENDING}
    assert {verdicts.STATUS_OF[v]: v for v in verdicts.STATUS_OF} == verdicts.VERDICT_OF
    assert set(Verdict.values) >= verdicts.NEEDS_NO_REASON


@pytest.mark.parametrize(
    ("minutes", "rule", "status"),
    [
        (-0.001, (0, None, None), "lesson_not_open"),
        (0, (0, None, None), "present"),
        (29.999, (0, None, None), "present"),
        (30, (0, None, None), "lesson_closed"),
        (0, (0, 0, None), "late"),
        (9.999, (0, 10, None), "present"),
        (10, (0, 10, None), "late"),
        (29.999, (0, 40, None), "present"),
        (30, (0, 10, None), "lesson_closed"),
        (-5.001, (5, 10, 20), "lesson_not_open"),
        (-5, (5, 10, 20), "present"),
        (19.999, (5, 10, 20), "late"),
        (20, (5, 10, 20), "absent"),
        (29.999, (5, 10, 20), "absent"),
        (30, (5, 10, 20), "lesson_closed"),
        (10, (0, 10, 10), "absent"),
        (10, (0, None, 10), "absent"),
    ],
)
def test_every_bound_belongs_to_what_follows_it(
    minutes: float, rule: tuple[int, int | None, int | None], status: str
) -> None:
    opens, late, absent = (None if bound is None else bound * 60 for bound in rule)
    arrivals = ArrivalRule(opens_before_s=opens or 0, late_after_s=late, absent_after_s=absent)
    window = Window(START, START + 30 * MINUTE, arrivals)
    assert status_of_arrival(START + round(minutes * MINUTE), window) == status


@pytest.mark.parametrize(
    ("role", "number", "sees", "changes"),
    [
        (Role.TEACHER, OWN, True, Source.TEACHER),
        (Role.TEACHER, OTHER, False, None),
        (Role.STAFF, OWN, True, Source.TEACHER),
        (Role.STAFF, OTHER, True, Source.STAFF),
        (Role.STUDENT, OWN, False, None),
        (Role.STUDENT, OTHER, False, None),
    ],
)
def test_who_may_see_and_change_a_lesson(
    role: Role, number: str, sees: bool, changes: Source | None
) -> None:
    person = Person(number, "Ada", role)
    if sees:
        permissions.check_may_see(person, Ownership(OWN))
    else:
        with pytest.raises(LessonNotFound):
            permissions.check_may_see(person, Ownership(OWN))
    if changes:
        assert permissions.check_may_change(person, Ownership(OWN)) == changes
    else:
        with pytest.raises(NotYourLesson):
            permissions.check_may_change(person, Ownership(OWN))


def test_students_start_no_lesson() -> None:
    permissions.check_may_start(Person(OWN, "Ada", Role.TEACHER))
    permissions.check_may_start(Person(OWN, "Ada", Role.STAFF))
    with pytest.raises(NotATeacher):
        permissions.check_may_start(Person(OWN, "Ada"))
