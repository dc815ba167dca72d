"""Sections, closures and policies: made, changed and closed by staff, or refused whole."""

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connections
from django.utils import timezone

from courses import errors
from courses.models import Closure, Policy, Section, SourceSystem
from courses.services.closures import close
from courses.services.database_rules import writing
from courses.services.enrolments import end_enrolment
from courses.services.policies import PolicyPlan, set_policy
from courses.services.sections import (
    SectionPlan,
    archive_section,
    create_section,
    unarchive_section,
    update_section,
)
from courses.vocabulary import Component, EnrolmentRole, WalkIns
from tests.support.course_factories import (
    TERM_ENDS,
    TERM_STARTS,
    ZONE,
    CourseFactory,
    EnrolmentFactory,
    SectionFactory,
    SourceSystemFactory,
    TermFactory,
)
from tests.support.excuses import is_closed
from tests.support.factories import UserFactory
from users.models import User

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def office() -> User:
    return UserFactory.create(staff=True)


def planned(**changes: Any) -> SectionPlan:
    values: dict[str, Any] = {
        "title": "Physics",
        "time_zone": ZONE,
        "starts_on": TERM_STARTS,
        "ends_on": TERM_ENDS,
    }
    if "term_id" not in changes:
        values["term_id"] = TermFactory.create().pk
    return SectionPlan(**{**values, **changes})


def test_a_section_is_made_as_planned(office: User) -> None:
    course = CourseFactory.create()
    plan = planned(
        title="  Physics ",
        course_id=course.pk,
        component=Component.LAB,
        code="01",
        walk_ins=WalkIns.REFUSE,
        location="B 12",
    )
    made = create_section(plan=plan, actor=office)

    section = Section.objects.select_related("system").get(pk=made.pk)
    assert (section.title, section.course, section.code) == ("Physics", course, "01")
    assert (section.component, section.walk_ins, section.location) == ("lab", "refuse", "B 12")
    assert (section.system.code, section.system.kind) == ("manual", "manual")
    assert section.policy is None
    create_section(plan=plan, actor=office)
    assert SourceSystem.objects.count() == 1


def test_the_day_of_a_section_is_that_of_its_time_zone() -> None:
    at = datetime(2026, 10, 4, 22, 30, tzinfo=UTC)
    assert SectionFactory.create().local_date(at) == date(2026, 10, 5)
    assert SectionFactory.create(time_zone="America/Chicago").local_date(at) == date(2026, 10, 4)


BAD_PLANS: list[tuple[type[errors.CourseError], dict[str, Any]]] = [
    (errors.InvalidText, {"title": " "}),
    (errors.InvalidText, {"title": "x" * 201}),
    (errors.InvalidText, {"location": "a\nb"}),
    (errors.UnknownTimeZone, {"time_zone": ""}),
    (errors.UnknownTimeZone, {"time_zone": "Europe/Atlantis"}),
    (errors.UnknownTimeZone, {"time_zone": "+03:00"}),
    (errors.UnknownTimeZone, {"time_zone": "europe/istanbul"}),
    (errors.UnknownTimeZone, {"time_zone": "localtime"}),
    (errors.UnknownTimeZone, {"time_zone": "Factory"}),
    (errors.InvalidDates, {"ends_on": TERM_STARTS}),
    (errors.InvalidDates, {"ends_on": TERM_STARTS - DAY}),
    (errors.InvalidDates, {"starts_on": TERM_STARTS - DAY}),
    (errors.InvalidDates, {"ends_on": TERM_ENDS + DAY}),
    (errors.InvalidDates, {"ends_on": date(9999, 1, 1)}),
    (errors.TermNotFound, {"term_id": 0}),
    (errors.CourseNotFound, {"course_id": 0}),
    (errors.SectionNotFound, {"parent_id": 0}),
]


@pytest.mark.parametrize(("error", "changes"), BAD_PLANS)
def test_a_bad_plan_is_refused_and_changes_nothing(
    error: type[errors.CourseError], changes: dict[str, Any], office: User
) -> None:
    with pytest.raises(error):
        create_section(plan=planned(**changes), actor=office)
    assert not Section.objects.exists()
    section = SectionFactory.create(title="Before")
    with pytest.raises(error):
        update_section(
            section_id=section.pk,
            plan=planned(**{"term_id": section.term_id, **changes}),
            actor=office,
        )
    section.refresh_from_db()
    assert section.title == "Before"


def test_only_staff_makes_and_changes_sections() -> None:
    section = SectionFactory.create()
    for actor in (UserFactory.create(), UserFactory.create(teacher=True)):
        with pytest.raises(errors.NotStaff):
            create_section(plan=planned(), actor=actor)
        with pytest.raises(errors.NotStaff):
            update_section(section_id=section.pk, plan=planned(), actor=actor)
        with pytest.raises(errors.NotStaff):
            archive_section(section_id=section.pk, actor=actor)
        with pytest.raises(errors.NotStaff):
            unarchive_section(section_id=section.pk, actor=actor)
        with pytest.raises(errors.SectionNotFound):
            set_policy(section_id=section.pk, plan=PolicyPlan(), actor=actor)
        with pytest.raises(errors.NotStaff):
            close(title="Snow", starts_on=TERM_STARTS, ends_on=TERM_ENDS, actor=actor)


def test_an_id_of_another_system_is_there_once(office: User) -> None:
    system = SourceSystemFactory.create(code="sis")
    create_section(plan=planned(), actor=office, system=system, sourced_id="a")
    with pytest.raises(errors.SourcedIdTaken):
        create_section(plan=planned(), actor=office, system=system, sourced_id="a")
    create_section(plan=planned(), actor=office, sourced_id="a")
    assert Section.objects.count() == 2


def test_what_no_error_is_made_of_stays_what_it_is() -> None:
    with pytest.raises(IntegrityError, match="section_has_a_title"), writing():
        SectionFactory.create(title="")


def test_a_lecture_has_groups_of_its_term_and_those_have_none(office: User) -> None:
    lecture = SectionFactory.create()
    here = {"term_id": lecture.term_id}
    group = create_section(plan=planned(**here, parent_id=lecture.pk), actor=office)
    for section_id, changes in (
        (group.pk, {**here, "parent_id": group.pk}),
        (SectionFactory.create().pk, {"parent_id": lecture.pk}),
        (SectionFactory.create(term=lecture.term).pk, {**here, "parent_id": group.pk}),
        (lecture.pk, {**here, "parent_id": SectionFactory.create(term=lecture.term).pk}),
    ):
        with pytest.raises(errors.InvalidParent):
            update_section(section_id=section_id, plan=planned(**changes), actor=office)


def test_a_lecture_does_not_leave_its_groups_in_another_term(office: User) -> None:
    lecture = SectionFactory.create()
    group = SectionFactory.create(term=lecture.term, parent=lecture)
    elsewhere = planned()
    with pytest.raises(errors.InvalidParent, match="groups"):
        update_section(section_id=lecture.pk, plan=elsewhere, actor=office)
    update_section(section_id=lecture.pk, plan=planned(term_id=lecture.term_id), actor=office)
    update_section(section_id=group.pk, plan=elsewhere, actor=office)
    update_section(section_id=lecture.pk, plan=elsewhere, actor=office)
    lecture.refresh_from_db()
    assert lecture.term_id == elsewhere.term_id


@pytest.mark.django_db(transaction=True)
def test_two_sections_do_not_become_each_other_s_lecture() -> None:
    office = UserFactory.create(staff=True)
    term = TermFactory.create()
    one, other = (SectionFactory.create(term=term) for _ in range(2))
    barrier = threading.Barrier(2)
    outcomes: list[str] = []

    def run(section: Section, parent: Section) -> None:
        plan = planned(term_id=term.pk, parent_id=parent.pk)
        try:
            barrier.wait(10)
            update_section(section_id=section.pk, plan=plan, actor=office)
            outcomes.append("changed")
        except errors.InvalidParent:
            outcomes.append("refused")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in ((one, other), (other, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["changed", "refused"]


def test_new_days_leave_nobody_outside(office: User) -> None:
    section = SectionFactory.create()
    EnrolmentFactory(section=section, begins_on=date(2026, 10, 1), ends_on=date(2026, 12, 1))
    EnrolmentFactory(section=section, begins_on=date(2026, 10, 1))
    here = {"term_id": section.term_id}
    for days in (
        {"starts_on": date(2026, 10, 2)},
        {"ends_on": date(2026, 10, 1)},
        {"ends_on": date(2026, 11, 30)},
    ):
        with pytest.raises(errors.EnrolmentsOutside):
            update_section(section_id=section.pk, plan=planned(**here, **days), actor=office)
    days = {"starts_on": date(2026, 10, 1), "ends_on": date(2026, 12, 1)}
    update_section(section_id=section.pk, plan=planned(**here, **days), actor=office)


def test_what_never_came_about_does_not_hold_the_days(office: User) -> None:
    section = SectionFactory.create()
    first = EnrolmentFactory.create(section=section)
    plan = planned(term_id=section.term_id, starts_on=TERM_STARTS + DAY)
    with pytest.raises(errors.EnrolmentsOutside):
        update_section(section_id=section.pk, plan=plan, actor=office)
    end_enrolment(enrolment_id=first.pk, ends_on=first.begins_on, actor=office)
    assert update_section(section_id=section.pk, plan=plan, actor=office).starts_on > TERM_STARTS


def test_nothing_changes_in_an_archived_section(office: User) -> None:
    section = SectionFactory.create()
    first = archive_section(section_id=section.pk, actor=office)
    assert first.is_archived
    assert archive_section(section_id=section.pk, actor=office).archived_at == first.archived_at
    with pytest.raises(errors.SectionArchived):
        update_section(section_id=section.pk, plan=planned(), actor=office)
    with pytest.raises(errors.SectionArchived):
        set_policy(section_id=section.pk, plan=PolicyPlan(), actor=office)
    with pytest.raises(errors.SectionNotFound):
        archive_section(section_id=0, actor=office)


def test_a_section_comes_back_from_the_archive_as_it_was(office: User) -> None:
    section = SectionFactory.create(title="Optics")
    archive_section(section_id=section.pk, actor=office)
    for _ in range(2):
        assert not unarchive_section(section_id=section.pk, actor=office).is_archived
    plan = planned(term_id=section.term_id, title="Waves")
    assert update_section(section_id=section.pk, plan=plan, actor=office).title == "Waves"
    with pytest.raises(errors.SectionNotFound):
        unarchive_section(section_id=0, actor=office)


def test_a_group_of_an_archived_lecture_changes_and_no_other_comes_to_it(office: User) -> None:
    lecture = SectionFactory.create()
    group = SectionFactory.create(term=lecture.term, parent=lecture)
    other = SectionFactory.create(term=lecture.term)
    archive_section(section_id=lecture.pk, actor=office)
    plan = planned(term_id=lecture.term_id, parent_id=lecture.pk, title="Lab A")
    assert update_section(section_id=group.pk, plan=plan, actor=office).title == "Lab A"
    with pytest.raises(errors.SectionArchived):
        update_section(section_id=other.pk, plan=plan, actor=office)
    with pytest.raises(errors.SectionArchived):
        create_section(plan=plan, actor=office)


def test_a_new_time_zone_moves_the_day_of_what_comes(office: User) -> None:
    section = SectionFactory.create()
    at = datetime(2026, 10, 4, 22, 30, tzinfo=UTC)
    assert section.local_date(at) == date(2026, 10, 5)
    plan = planned(term_id=section.term_id, time_zone="America/Chicago")
    assert update_section(section_id=section.pk, plan=plan, actor=office).local_date(at) == date(
        2026, 10, 4
    )


@pytest.mark.parametrize(
    ("role", "error"),
    [
        (EnrolmentRole.TEACHER, None),
        (EnrolmentRole.ASSISTANT, errors.NotYourSection),
        (EnrolmentRole.STUDENT, errors.NotYourSection),
        (EnrolmentRole.OBSERVER, errors.NotYourSection),
    ],
)
def test_a_teacher_sets_the_rules_and_an_assistant_does_not(
    role: EnrolmentRole, error: type[errors.CourseError] | None
) -> None:
    today = timezone.localdate()
    term = TermFactory.create(starts_on=today - DAY, ends_on=today + 2 * DAY)
    section = SectionFactory.create(term=term)
    row = EnrolmentFactory.create(section=section, role=role)

    def set_rules() -> Policy:
        return set_policy(section_id=section.pk, plan=PolicyPlan(), actor=row.user)

    if error is None:
        assert set_rules().set_by == row.user
    else:
        with pytest.raises(error):
            set_rules()
    row.ends_on = row.begins_on
    row.save()
    with pytest.raises(errors.SectionNotFound):
        set_rules()
    assert Policy.objects.count() == (error is None)


def test_a_policy_is_a_version_and_the_same_again_is_none(office: User) -> None:
    section = SectionFactory.create()
    first = set_policy(section_id=section.pk, plan=PolicyPlan(), actor=office)
    again = set_policy(section_id=section.pk, plan=PolicyPlan(), actor=office)
    other = set_policy(section_id=section.pk, plan=PolicyPlan(late_after_s=600), actor=office)
    back = set_policy(section_id=section.pk, plan=PolicyPlan(), actor=office)

    assert first == again
    assert [first.version, other.version, back.version] == [1, 2, 3]
    section.refresh_from_db()
    assert section.policy == back
    first.refresh_from_db()
    assert (first.threshold_permille, first.late_after_s, first.set_by) == (700, None, office)
    assert other.late_after_s == 600


@pytest.mark.parametrize(
    "changes",
    [
        {"late_after_s": 600, "absent_after_s": 599},
        {"late_after_s": -1},
        {"opens_before_s": 86_401},
        {"threshold_permille": 1001},
        {"warn_permille": -1},
        {"in_a_row": 0},
        {"days_without": 40_000},
        {"min_lessons": -1},
    ],
)
def test_a_bad_policy_is_refused(changes: dict[str, Any], office: User) -> None:
    section = SectionFactory.create()
    with pytest.raises(errors.InvalidPolicy):
        set_policy(section_id=section.pk, plan=PolicyPlan(**changes), actor=office)
    assert not Policy.objects.exists()


def test_a_closure_is_of_a_section_or_of_all(office: User) -> None:
    section, other = SectionFactory.create(), SectionFactory.create()
    first, end = date(2026, 10, 28), date(2026, 10, 30)
    own = close(title="Trip", starts_on=first, ends_on=end, actor=office, section_id=section.pk)
    days = [first - DAY, first, end - DAY, end]
    assert [is_closed(section, day) for day in days] == [False, True, True, False]
    assert not any(is_closed(other, day) for day in days)
    assert own.section == section

    close(title="Republic Day", starts_on=first, ends_on=end, actor=office)
    assert [is_closed(other, day) for day in days] == [False, True, True, False]


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        (errors.InvalidDates, {"ends_on": TERM_STARTS}),
        (errors.InvalidDates, {"ends_on": TERM_STARTS - DAY}),
        (errors.InvalidDates, {"starts_on": date(1999, 1, 1)}),
        (errors.InvalidText, {"title": ""}),
        (errors.SectionNotFound, {"section_id": 0}),
    ],
)
def test_a_bad_closure_is_refused(
    error: type[errors.CourseError], changes: dict[str, Any], office: User
) -> None:
    given = {"title": "Snow", "starts_on": TERM_STARTS, "ends_on": TERM_ENDS, **changes}
    with pytest.raises(error):
        close(actor=office, **given)
    assert not Closure.objects.exists()
