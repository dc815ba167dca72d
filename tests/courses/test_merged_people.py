"""A person with two accounts in courses: expected once, known under every number."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from courses import errors
from courses.models import Section
from courses.selectors.absence_lists import (
    AbsenceFilter,
    absences_seen_by,
    filter_absences,
    viewer_of,
    views_of,
    with_details,
)
from courses.selectors.expected import Meeting, excuses_at
from courses.selectors.rosters import (
    RosterEntry,
    roles_in,
    roster_on,
    rosters_on,
    sections_of,
    sections_taught,
    teaches,
)
from courses.selectors.sections import days_run
from courses.services.absences import (
    AbsencePlan,
    decide_absence,
    request_absence,
    withdraw_absence,
)
from courses.vocabulary import EnrolmentRole
from tests.support.course_factories import (
    IN_TERM,
    AbsenceFactory,
    AbsenceReasonFactory,
    EnrolmentFactory,
    SectionFactory,
    TermFactory,
)
from tests.support.excuses import excused
from tests.support.factories import UserFactory
from tests.support.people import merge, unmerge
from users.models import User

pytestmark = pytest.mark.django_db

OCTOBER = date(2026, 10, 1)
HOUR = timedelta(hours=1)


@pytest.fixture
def section() -> Section:
    return SectionFactory.create()


def make(number: str, **values: Any) -> User:
    return UserFactory.create(school_number=number, full_name=f"Name {number}", **values)


@pytest.fixture
def old() -> User:
    return make("A-OLD")


@pytest.fixture
def new() -> User:
    return make("B-NEW")


def enrol(section: Section, *users: User, **values: Any) -> None:
    for user in users:
        EnrolmentFactory.create(section=section, user=user, **values)


def entry_of(root: User, *merged: User) -> RosterEntry:
    return RosterEntry(
        root.pk,
        root.school_number,
        root.full_name,
        tuple(user.school_number for user in merged),
        tuple(user.pk for user in merged),
    )


def test_a_person_is_expected_once_whichever_accounts_are_enrolled(
    section: Section, old: User, new: User
) -> None:
    other, third = make("A-OTHER"), make("C-OLD")
    enrol(section, old, new, other)
    apart = roster_on(section_id=section.pk, on=OCTOBER)
    assert apart == {
        "A-OLD": entry_of(old),
        "A-OTHER": entry_of(other),
        "B-NEW": entry_of(new),
    }

    merge(old, new)
    merge(third, new)

    together = roster_on(section_id=section.pk, on=OCTOBER)
    assert together == {"A-OTHER": entry_of(other), "B-NEW": entry_of(new, old, third)}
    assert list(together) == ["A-OTHER", "B-NEW"]
    unmerge(old)
    unmerge(third)
    assert roster_on(section_id=section.pk, on=OCTOBER) == apart


def test_only_the_merged_account_is_enrolled_and_the_root_is_expected(
    section: Section, old: User, new: User
) -> None:
    enrol(section, old)
    merge(old, new)
    assert roster_on(section_id=section.pk, on=OCTOBER) == {"B-NEW": entry_of(new, old)}


def test_a_person_who_changed_the_account_in_between_is_expected_on_both_days(
    section: Section, old: User, new: User
) -> None:
    enrol(section, old, ends_on=OCTOBER)
    enrol(section, new, begins_on=OCTOBER)
    merge(old, new)
    for on in (OCTOBER - timedelta(days=1), OCTOBER):
        assert list(roster_on(section_id=section.pk, on=on)) == ["B-NEW"]


def test_many_rosters_with_merged_people_are_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    sections = [SectionFactory.create() for _ in range(3)]
    for section in sections:
        for _ in range(3):
            old, new = UserFactory.create(), UserFactory.create()
            enrol(section, old, new)
            merge(old, new)
    with django_assert_num_queries(1):
        found = rosters_on((section.pk, OCTOBER) for section in sections)
    assert [len(roster) for roster in found.values()] == [3, 3, 3]


def test_the_count_of_a_section_counts_people(section: Section, old: User, new: User) -> None:
    enrol(section, old, new, make("X-1"))

    def total() -> int:
        (row,) = Section.objects.with_counts(on=OCTOBER).filter(pk=section.pk)
        return int(row.student_total)

    assert total() == 3
    merge(old, new)
    assert total() == 2
    unmerge(old)
    assert total() == 3


def test_the_roles_of_one_account_are_those_of_the_person(
    section: Section, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    old, new = make("T-OLD", teacher=True), make("T-NEW", teacher=True)
    lab = SectionFactory.create()
    enrol(section, old, role=EnrolmentRole.TEACHER, is_primary=True)
    enrol(section, new, role=EnrolmentRole.TEACHER)
    enrol(lab, old, role=EnrolmentRole.ASSISTANT)
    assert not teaches(user=new, section_id=lab.pk, on=OCTOBER)

    merge(old, new)

    ids = [section.pk, lab.pk]
    with django_assert_num_queries(1):
        held = roles_in(user_id=new.pk, section_ids=ids, on=OCTOBER)
    assert held == {section.pk: {"teacher"}, lab.pk: {"assistant"}}
    assert roles_in(user_id=old.pk, section_ids=ids, on=OCTOBER) == held
    assert sections_taught(user=new, section_ids=ids, on=OCTOBER) == set(ids)
    with django_assert_num_queries(1):
        own = sections_of(user_id=new.pk, on=OCTOBER)
    assert {(each.section.pk, each.role, each.is_primary) for each in own} == {
        (section.pk, EnrolmentRole.TEACHER, True),
        (lab.pk, EnrolmentRole.ASSISTANT, False),
    }
    assert len(own) == 2
    unmerge(old)
    assert not teaches(user=new, section_id=lab.pk, on=OCTOBER)
    assert len(sections_of(user_id=new.pk, on=OCTOBER)) == 1


def covered(section: Section, *users: User) -> dict[int, int]:
    return excused(section, users, IN_TERM, IN_TERM + HOUR)


def test_an_absence_of_one_account_covers_the_other(
    section: Section, old: User, new: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    third, other = make("C-OLD"), make("X-1")
    absence = AbsenceFactory.create(user=old, approved=True)
    assert covered(section, old, new, other) == {old.pk: absence.pk}

    merge(old, new)
    merge(third, new)

    for asked in ([new], [old], [third], [old, new, third, other]):
        # One for the absences, one for the sections that they name.
        with django_assert_num_queries(2):
            found = covered(section, *asked)
        assert found == {user.pk: absence.pk for user in asked if user != other}
    unmerge(old)
    assert covered(section, old, new, third) == {old.pk: absence.pk}


def test_an_absence_of_one_account_excuses_the_other_alone(
    section: Section, old: User, new: User
) -> None:
    meeting = Meeting(section.pk, IN_TERM.date(), IN_TERM, IN_TERM + HOUR)
    absence = AbsenceFactory.create(user=old, approved=True)
    assert excuses_at({meeting: [new.pk]}) == {}
    merge(old, new)
    for user in (old, new):
        excuses = excuses_at({meeting: [user.pk]})
        assert {key: excuse.absence_id for key, excuse in excuses.items()} == {
            (meeting, user.pk): absence.pk
        }


def plan_for(user: User, *sections: Section) -> AbsencePlan:
    return AbsencePlan(
        user_id=user.pk,
        starts_at=IN_TERM,
        ends_at=IN_TERM + HOUR,
        reason_id=AbsenceReasonFactory.create().pk,
        section_ids=frozenset(section.pk for section in sections) or None,
    )


def test_a_person_asks_and_withdraws_for_each_of_their_accounts(
    section: Section, old: User, new: User
) -> None:
    enrol(section, old)
    soon = timezone.now() + timedelta(days=1)
    waiting = AbsenceFactory.create(user=old, starts_at=soon, ends_at=soon + HOUR)
    with pytest.raises(errors.NotYourAbsence):
        request_absence(plan=plan_for(old), actor=new)
    with pytest.raises(errors.NotYourAbsence):
        withdraw_absence(absence_id=waiting.pk, actor=new)

    merge(old, new)

    assert request_absence(plan=plan_for(old), actor=new).user == old
    # Enrolled with the other account only.
    assert request_absence(plan=plan_for(new, section), actor=new).user == new
    assert withdraw_absence(absence_id=waiting.pk, actor=new).state == "withdrawn"


def test_what_one_account_asked_for_the_other_withdraws(old: User, new: User) -> None:
    soon = timezone.now() + timedelta(days=1)
    when = {"starts_at": soon, "ends_at": soon + HOUR}
    about_them = AbsenceFactory.create(
        user=old, requested_by=UserFactory.create(staff=True), **when
    )
    by_them = AbsenceFactory.create(user=make("X-1"), requested_by=old, **when)
    merge(old, new)
    for absence in (about_them, by_them):
        assert withdraw_absence(absence_id=absence.pk, actor=new).state == "withdrawn"


def seen(user: User, **wanted: Any) -> list[tuple[int, bool, bool]]:
    """Which absences somebody sees, and whether they may withdraw and decide each."""
    viewer = viewer_of(user_id=user.pk, person=user.as_person(), at=timezone.now())
    rows = filter_absences(absences_seen_by(viewer), AbsenceFilter(**wanted)).order_by("pk")
    views = views_of(with_details(rows), viewer)
    return [(each.absence.pk, each.can_withdraw, each.can_decide) for each in views]


def test_the_absences_of_all_accounts_are_seen(
    old: User, new: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    soon = timezone.now() + timedelta(days=1)
    when = {"starts_at": soon, "ends_at": soon + HOUR}
    own = AbsenceFactory.create(user=old, **when)
    asked = AbsenceFactory.create(user=make("X-1"), requested_by=old, **when)
    assert seen(new) == []
    merge(old, new)
    assert seen(new) == [(own.pk, True, False), (asked.pk, True, False)]
    office = UserFactory.create(staff=True)
    for number in ("A-OLD", "B-NEW"):
        assert [pk for pk, *_ in seen(office, school_number=number)] == [own.pk]
    with django_assert_num_queries(4):
        seen(new)
    unmerge(old)
    assert seen(new) == []


def test_a_teacher_sees_absences_of_people_who_are_enrolled_by_another_account() -> None:
    today = timezone.localdate()
    term = TermFactory.create(
        starts_on=today - timedelta(days=30), ends_on=today + timedelta(days=30)
    )
    section = SectionFactory.create(term=term)
    old, new = make("A-OLD"), make("B-NEW")
    old_teacher, teacher = make("T-OLD", teacher=True), make("T-NEW", teacher=True)
    enrol(section, old)
    enrol(section, old_teacher, role=EnrolmentRole.TEACHER)
    soon = timezone.now() + timedelta(hours=1)
    absence = AbsenceFactory.create(user=new, starts_at=soon, ends_at=soon + HOUR)
    merge(old_teacher, teacher)
    assert seen(teacher) == []
    assert [each.begins_on for each in days_run(section_id=section.pk, user=teacher)]
    merge(old, new)
    assert [pk for pk, *_ in seen(teacher)] == [absence.pk]


def test_nobody_decides_an_absence_of_their_own_other_account(section: Section) -> None:
    old, new = make("T-OLD", teacher=True), make("T-NEW", teacher=True)
    enrol(section, new, role=EnrolmentRole.TEACHER, begins_on=section.starts_on)
    absence = AbsenceFactory.create(user=old, is_for_all_sections=False)
    absence.sections.set([section])
    merge(old, new)
    with pytest.raises(errors.NotYourAbsence):
        decide_absence(absence_id=absence.pk, approve=True, actor=new)
