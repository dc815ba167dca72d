"""Who belongs to a section on a day, whatever was enrolled and ended before."""

import threading
from datetime import date, timedelta
from typing import Any, NamedTuple

import pytest
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from courses import errors
from courses.models import Enrolment, Section
from courses.selectors.rosters import (
    RosterEntry,
    roster_on,
    rosters_on,
    sections_of,
    teaches,
)
from courses.services.enrolments import EnrolmentPlan, end_enrolment, enrol
from courses.services.sections import archive_section
from courses.vocabulary import EnrolmentRole
from tests.support import examples
from tests.support.course_factories import (
    TERM_ENDS,
    TERM_STARTS,
    EnrolmentFactory,
    SectionFactory,
    SourceSystemFactory,
)
from tests.support.factories import UserFactory
from users.models import User

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)


@pytest.fixture
def office() -> User:
    return UserFactory.create(staff=True)


@pytest.fixture
def section() -> Section:
    return SectionFactory.create()


def planned(section: Section, user: User, **changes: Any) -> EnrolmentPlan:
    values = {"role": EnrolmentRole.STUDENT, "begins_on": OCTOBER, **changes}
    return EnrolmentPlan(section_id=section.pk, user_id=user.pk, **values)


def numbers_on(section: Section, on: date) -> list[str]:
    return list(roster_on(section_id=section.pk, on=on))


def test_a_student_is_on_the_roster_from_the_first_day_to_the_last(
    section: Section, office: User
) -> None:
    student = UserFactory.create(school_number="S-1", full_name="Ada")
    row = enrol(plan=planned(section, student, ends_on=NOVEMBER), actor=office)

    assert row.system.code == "manual"
    assert [numbers_on(section, on) for on in (OCTOBER - DAY, OCTOBER)] == [[], ["S-1"]]
    assert [numbers_on(section, on) for on in (NOVEMBER - DAY, NOVEMBER)] == [["S-1"], []]
    assert roster_on(section_id=section.pk, on=OCTOBER) == {
        "S-1": RosterEntry(student.pk, "S-1", "Ada")
    }


def test_ending_keeps_the_row_and_a_return_is_a_new_one(section: Section, office: User) -> None:
    student = UserFactory.create(school_number="S-1")
    first = enrol(plan=planned(section, student), actor=office)
    with pytest.raises(errors.EnrolmentOverlaps):
        enrol(plan=planned(section, student, begins_on=NOVEMBER), actor=office)
    for _ in range(2):
        end_enrolment(enrolment_id=first.pk, ends_on=NOVEMBER, actor=office)
    with pytest.raises(errors.EnrolmentOver, match="2026-11-01"):
        end_enrolment(enrolment_id=first.pk, ends_on=NOVEMBER + DAY, actor=office)
    second = enrol(plan=planned(section, student, begins_on=NOVEMBER + DAY), actor=office)

    assert {first.pk, second.pk} == set(Enrolment.objects.values_list("pk", flat=True))
    days = [NOVEMBER - DAY, NOVEMBER, NOVEMBER + DAY]
    assert [numbers_on(section, on) for on in days] == [["S-1"], [], ["S-1"]]
    end_enrolment(enrolment_id=second.pk, ends_on=second.begins_on, actor=office)
    assert numbers_on(section, NOVEMBER + DAY) == []


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        (errors.InvalidDates, {"ends_on": OCTOBER}),
        (errors.InvalidDates, {"ends_on": OCTOBER - DAY}),
        (errors.InvalidDates, {"begins_on": TERM_STARTS - DAY}),
        (errors.InvalidDates, {"begins_on": TERM_ENDS}),
        (errors.InvalidDates, {"ends_on": TERM_ENDS + DAY}),
        (errors.InvalidDates, {"begins_on": date(1, 1, 1)}),
        (errors.InvalidEnrolment, {"is_primary": True}),
        (errors.UserNotFound, {"user_id": 0}),
        (errors.SectionNotFound, {"section_id": 0}),
    ],
)
def test_a_bad_enrolment_is_refused(
    error: type[errors.CourseError], changes: dict[str, Any], section: Section, office: User
) -> None:
    values: dict[str, Any] = {
        "section_id": section.pk,
        "user_id": office.pk,
        "role": EnrolmentRole.STUDENT,
        "begins_on": OCTOBER,
    }
    with pytest.raises(error):
        enrol(plan=EnrolmentPlan(**{**values, **changes}), actor=office)
    assert not Enrolment.objects.exists()


@pytest.mark.parametrize("ends_on", [OCTOBER - DAY, TERM_ENDS + DAY, date(9999, 1, 1)])
def test_a_bad_end_is_refused(ends_on: date, section: Section, office: User) -> None:
    row = EnrolmentFactory.create(section=section, begins_on=OCTOBER)
    with pytest.raises(errors.InvalidDates):
        end_enrolment(enrolment_id=row.pk, ends_on=ends_on, actor=office)
    row.refresh_from_db()
    assert row.ends_on is None


def test_only_staff_enrols_and_nobody_in_an_archived_section(
    section: Section, office: User
) -> None:
    row = EnrolmentFactory.create(section=section)
    teacher = EnrolmentFactory.create(section=section, teaching=True).user
    with pytest.raises(errors.NotStaff):
        enrol(plan=planned(section, row.user), actor=teacher)
    with pytest.raises(errors.NotStaff):
        end_enrolment(enrolment_id=row.pk, ends_on=OCTOBER, actor=teacher)
    with pytest.raises(errors.EnrolmentNotFound):
        end_enrolment(enrolment_id=0, ends_on=OCTOBER, actor=office)
    archive_section(section_id=section.pk, actor=office)
    with pytest.raises(errors.SectionArchived):
        enrol(plan=planned(section, UserFactory.create()), actor=office)
    with pytest.raises(errors.SectionArchived):
        end_enrolment(enrolment_id=row.pk, ends_on=OCTOBER, actor=office)


def test_an_id_of_another_system_is_there_once_for_each_beginning(
    section: Section, office: User
) -> None:
    there: dict[str, Any] = {"system": SourceSystemFactory.create(code="sis"), "sourced_id": "e"}
    one, other = UserFactory.create(), UserFactory.create()
    first = enrol(plan=planned(section, one), actor=office, **there)
    with pytest.raises(errors.SourcedIdTaken):
        enrol(plan=planned(section, other), actor=office, **there)
    end_enrolment(enrolment_id=first.pk, ends_on=NOVEMBER, actor=office)
    enrol(plan=planned(section, one, begins_on=NOVEMBER), actor=office, **there)


def test_who_teaches_is_a_teacher_or_an_assistant_then_or_staff(
    section: Section, office: User
) -> None:
    roles = {}
    for role in EnrolmentRole:
        plan = planned(section, UserFactory.create(), role=role, ends_on=NOVEMBER)
        roles[role] = enrol(plan=plan, actor=office).user
    assert {
        role: teaches(user=user, section_id=section.pk, on=OCTOBER) for role, user in roles.items()
    } == {"student": False, "teacher": True, "assistant": True, "observer": False}
    assert not teaches(user=roles[EnrolmentRole.TEACHER], section_id=section.pk, on=NOVEMBER)
    assert teaches(user=office, section_id=section.pk, on=NOVEMBER)


def test_the_sections_of_somebody_have_their_roles(section: Section, office: User) -> None:
    user = UserFactory.create()
    lab = SectionFactory.create(term=section.term)
    old = SectionFactory.create(term=section.term)
    enrol(plan=planned(section, user, role=EnrolmentRole.TEACHER, is_primary=True), actor=office)
    enrol(plan=planned(lab, user, ends_on=NOVEMBER), actor=office)
    enrol(plan=planned(old, user), actor=office)
    archive_section(section_id=old.pk, actor=office)

    def found(on: date) -> list[tuple[Section, str, bool]]:
        return [tuple(each) for each in sections_of(user_id=user.pk, on=on)]  # type: ignore[misc]

    assert found(OCTOBER) == [(section, "teacher", True), (lab, "student", False)]
    assert found(NOVEMBER) == [(section, "teacher", True)]
    assert found(OCTOBER - DAY) == []


def test_a_section_with_two_roles_is_listed_once_with_the_stronger(section: Section) -> None:
    user = UserFactory.create()
    for role in EnrolmentRole:
        EnrolmentFactory(section=section, user=user, role=role)
    EnrolmentFactory(section=section, user=user, role=EnrolmentRole.TEACHER, is_primary=True)
    held = sections_of(user_id=user.pk, on=OCTOBER)
    assert [tuple(each) for each in held] == [(section, "teacher", True)]


def test_a_section_without_teachers_is_allowed_and_reported(office: User) -> None:
    def bare_on(day: date) -> set[Section]:
        return set(Section.objects.without_teachers(on=day))

    bare, assisted, taught = (SectionFactory.create() for _ in range(3))
    EnrolmentFactory(section=assisted, role=EnrolmentRole.ASSISTANT)
    row = EnrolmentFactory.create(section=taught, teaching=True)
    assert bare_on(OCTOBER) == {bare, assisted}
    end_enrolment(enrolment_id=row.pk, ends_on=OCTOBER, actor=office)
    assert bare_on(OCTOBER) == {bare, assisted, taught}
    archive_section(section_id=bare.pk, actor=office)
    assert bare_on(OCTOBER) == {assisted, taught}
    assert bare_on(TERM_ENDS) == set()


def test_many_rosters_take_one_query(
    section: Section, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    other = SectionFactory.create()
    student = UserFactory.create(school_number="S-1")
    EnrolmentFactory(section=section, user=student, begins_on=OCTOBER, ends_on=NOVEMBER)
    EnrolmentFactory(section=other, user=student, begins_on=NOVEMBER)
    EnrolmentFactory(section=other, user__school_number="S-0", begins_on=OCTOBER)
    EnrolmentFactory(section=other, teaching=True)
    pairs = [(s.pk, on) for s in (section, other) for on in (OCTOBER, NOVEMBER)]
    with django_assert_num_queries(1):
        found = rosters_on([*pairs, (0, OCTOBER)])
    assert [list(found[pair]) for pair in pairs] == [["S-1"], [], ["S-0"], ["S-0", "S-1"]]
    assert found[0, OCTOBER] == {}
    with django_assert_num_queries(0):
        assert rosters_on([]) == {}


@pytest.mark.django_db(transaction=True)
def test_two_who_enrol_a_student_at_once_make_one_row() -> None:
    section, student = SectionFactory.create(), UserFactory.create()
    office = UserFactory.create(staff=True)
    SourceSystemFactory()
    outcomes: list[str] = []
    barrier = threading.Barrier(4)

    def run(day: int) -> None:
        try:
            barrier.wait(10)
            enrol(plan=planned(section, student, begins_on=OCTOBER + day * DAY), actor=office)
            outcomes.append("enrolled")
        except errors.EnrolmentOverlaps:
            outcomes.append("overlaps")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(day,)) for day in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["enrolled", "overlaps", "overlaps", "overlaps"]
    assert Enrolment.objects.count() == 1


class RosterStep(NamedTuple):
    kind: str
    student: int
    first: int
    days: int | None


STEPS = st.lists(
    st.builds(
        RosterStep,
        kind=st.sampled_from(["enrol", "end"]),
        student=st.integers(0, 1),
        first=st.integers(0, 12),
        days=st.none() | st.integers(1, 8),
    ),
    max_size=12,
)
SPAN = [TERM_STARTS + day * DAY for day in range(22)]


class RosterModel:
    """The same rules over lists of days: [student, first, end or None]."""

    def __init__(self) -> None:
        self.rows: list[list[Any]] = []

    def enrol(self, student: int, first: date, end: date | None) -> bool:
        days = {day for day in SPAN if first <= day and (end is None or day < end)}
        if any(days & self.days(row) for row in self.rows if row[0] == student):
            return False
        self.rows.append([student, first, end])
        return True

    def end(self, index: int, end: date) -> bool:
        row = self.rows[index]
        if end < row[1] or (row[2] is not None and row[2] < end):
            return False
        row[2] = end
        return True

    def days(self, row: list[Any]) -> set[date]:
        return {day for day in SPAN if row[1] <= day and (row[2] is None or day < row[2])}

    def on(self, day: date) -> set[int]:
        return {row[0] for row in self.rows if day in self.days(row)}


@settings(
    max_examples=examples.of_all(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_whatever_is_enrolled_and_ended_the_roster_is_that_of_the_model(
    steps: list[RosterStep],
) -> None:
    section = SectionFactory.create()
    office = UserFactory.create(staff=True)
    students = [UserFactory.create() for _ in range(2)]
    model = RosterModel()
    ids: list[int] = []
    for step in steps:
        first = SPAN[step.first]
        end = None if step.days is None else SPAN[step.first + step.days]
        if step.kind == "enrol":
            plan = planned(section, students[step.student], begins_on=first, ends_on=end)
            try:
                ids.append(enrol(plan=plan, actor=office).pk)
                is_done = True
            except errors.EnrolmentOverlaps:
                is_done = False
            assert is_done == model.enrol(step.student, first, end)
        elif ids:
            index = step.first % len(ids)
            try:
                end_enrolment(enrolment_id=ids[index], ends_on=end or first, actor=office)
                is_done = True
            except (errors.EnrolmentOver, errors.InvalidDates):
                is_done = False
            assert is_done == model.end(index, end or first)
    found = rosters_on((section.pk, day) for day in SPAN)
    for day in SPAN:
        expected = {students[index].school_number for index in model.on(day)}
        assert set(found[section.pk, day]) == expected
        rows = Enrolment.objects.on(day).filter(section=section).values_list("user_id", flat=True)
        assert len(set(rows)) == len(rows)
