"""The pure rules cover every word of the vocabulary, and decide plain examples as they should."""

from datetime import UTC, datetime, timedelta

import pytest

from attendance.errors import LessonNotFound, NotATeacher, NotYourLesson
from attendance.rules import instants, permissions, precedence, verdicts
from attendance.rules.permissions import Ownership
from attendance.rules.status import ArrivalRule, Window, arrived_at, status_of_arrival
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


def test_without_a_rule_a_lesson_opens_with_its_start() -> None:
    window = Window(START, START + MINUTE)
    assert status_of_arrival(START - 1, window) == "lesson_not_open"
    assert status_of_arrival(START, window) == "present"


def test_only_staff_do_what_is_for_staff() -> None:
    permissions.check_is_staff(Person(OWN, "Ada", Role.STAFF))
    for role in (Role.TEACHER, Role.STUDENT):
        with pytest.raises(NotYourLesson):
            permissions.check_is_staff(Person(OWN, "Ada", role))


SECTION = Ownership(OTHER, is_of_section=True)
OWN_OF_SECTION = Ownership(OWN, is_of_section=True)


@pytest.mark.parametrize(
    ("role", "lesson", "roles", "changes", "deletes"),
    [
        (Role.TEACHER, Ownership(OWN), set(), "teacher", "teacher"),
        (Role.STAFF, Ownership(OTHER), set(), "staff", "staff"),
        (Role.TEACHER, Ownership(OTHER), set(), None, None),
        (Role.TEACHER, SECTION, {"teacher"}, "teacher", "teacher"),
        (Role.TEACHER, SECTION, {"assistant"}, "teacher", "teacher"),
        (Role.STUDENT, SECTION, {"assistant"}, "teacher", None),
        (Role.STUDENT, SECTION, {"teacher"}, "teacher", "teacher"),
        (Role.STUDENT, SECTION, set(), None, None),
        (Role.STUDENT, OWN_OF_SECTION, {"assistant"}, "teacher", None),
        (Role.STAFF, SECTION, {"assistant"}, "staff", "staff"),
    ],
)
def test_who_may_change_and_delete_a_lesson_of_a_section(
    role: Role, lesson: Ownership, roles: set[str], changes: str | None, deletes: str | None
) -> None:
    person = Person(OWN, "Ada", role)
    for check, source in (
        (permissions.check_may_change, changes),
        (permissions.check_may_delete, deletes),
    ):
        if source:
            assert check(person, lesson, roles) == source
        else:
            with pytest.raises(NotYourLesson):
                check(person, lesson, roles)
    if changes:
        permissions.check_may_see(person, lesson, roles)


def test_a_word_is_outranked_by_a_higher_one_only() -> None:
    ranks = ["system", "student", "verifier", "teacher", "staff"]
    for place, source in enumerate(ranks):
        outranking = {by for by in ranks if precedence.is_outranked(source, by=by)}
        assert outranking == set(ranks[place + 1 :])
    assert not precedence.is_outranked("student", by="receipt")
    assert not precedence.is_outranked("receipt", by="student")


@pytest.mark.parametrize("source", [None, *Source.values])
def test_nobody_has_spoken_where_there_is_no_record_or_one_of_the_system(
    source: str | None,
) -> None:
    assert precedence.is_blank(source) == (source in {None, "system"})


@pytest.mark.parametrize(
    ("scanned", "came"), [(None, 0), (-3, -3), (0, 0), (1, 0), (-10, -10), (-10.001, -10)]
)
def test_a_student_came_with_the_scan_within_the_window(scanned: float | None, came: int) -> None:
    pressed = START
    window = Window(START, START + 30 * MINUTE, ArrivalRule(opens_before_s=600))
    scanned_at = None if scanned is None else START + round(scanned * MINUTE)

    assert arrived_at(pressed, scanned_at, window) == START + came * MINUTE


def test_the_late_rule_is_told_in_minutes_that_have_begun() -> None:
    told = {s: ArrivalRule(late_after_s=s).late_after_minutes for s in (None, 0, 60, 61, 119)}
    assert told == {None: None, 0: 0, 60: 1, 61: 2, 119: 2}


FIRST = datetime(2000, 1, 1, tzinfo=UTC)
LAST = datetime(2100, 1, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("at", "nearest"),
    [(FIRST - MS, FIRST), (FIRST, None), (LAST - MS, None), (LAST, LAST - MS)],
)
def test_what_can_be_stored_is_from_2000_on_and_before_2100(
    at: datetime, nearest: datetime | None
) -> None:
    ms = instants.milliseconds(at)

    assert instants.is_sane(ms) == (nearest is None)
    assert instants.instant(instants.nearest(ms)) == (nearest or at)


def test_microseconds_are_cut_off_and_milliseconds_kept() -> None:
    at = datetime(2026, 3, 2, 9, 0, 0, 1_999, tzinfo=UTC)

    assert instants.milliseconds(at) == 1_772_442_000_001
    assert instants.instant(1_772_442_000_001) == at.replace(microsecond=1_000)
