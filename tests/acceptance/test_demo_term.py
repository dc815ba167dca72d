"""The demo's term: what it consists of, what its lessons tell, and what a second demo adds."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.db.models import Count, Q
from django.utils import timezone

from attendance.models import Attendance, AttendanceEvent, AttendanceRecord, LessonLedger
from attendance.selectors.lessons import find_lesson
from courses.models import Absence, Closure, Course, Enrolment, Section, Term
from courses.selectors.rosters import roster_on
from demo import timetable
from demo.term import DemoSchool, ensure_term
from users.models import User

pytestmark = pytest.mark.django_db

NOW = timezone.now()


@pytest.fixture
def school() -> DemoSchool:
    return ensure_term(NOW, lambda count: None)


def records(**criteria: object) -> "Counter[str]":
    rows = AttendanceRecord.objects.filter(**criteria)
    return Counter(rows.values_list("status", flat=True))


def share(counts: "Counter[str]", status: str) -> float:
    return counts[status] / counts.total()


def test_a_term_has_its_people_and_its_lessons(school: DemoSchool) -> None:
    today = NOW.astimezone(ZoneInfo(settings.TIME_ZONE)).date()
    term = Term.objects.get()
    assert term.starts_on + timedelta(weeks=timetable.WEEKS_BEFORE) <= today < term.ends_on
    assert (Course.objects.count(), Section.objects.count()) == (3, 6)
    assert school.people == User.objects.count() == 400
    assert len(set(User.objects.values_list("full_name", flat=True))) == 400
    assert Attendance.objects.count() == school.lessons >= 6 * timetable.WEEKS_BEFORE
    assert AttendanceRecord.objects.count() == school.records
    assert set(LessonLedger.objects.values_list("state", flat=True)) == {"discarded"}
    assert not Attendance.objects.filter(starts_at__gt=NOW).exists()
    assert {at.weekday() for at in Attendance.objects.values_list("held_on", flat=True) if at} <= {
        *range(5)
    }
    for section in Section.objects.annotate(
        teachers=Count("enrolments", filter=Q(enrolments__role="teacher"))
    ):
        assert section.teachers == (2 if section.code == "MATH 101-1" else 1)
        assert section.policy is not None
        assert (section.policy.late_after_s, section.policy.absent_after_s) == (600, 1_800)


def test_every_roster_is_closed_and_everybody_expected_has_a_mark(school: DemoSchool) -> None:
    for attendance in Attendance.objects.filter(not_held_at=None).select_related("section"):
        assert attendance.section
        assert attendance.held_on
        roster = roster_on(section_id=attendance.section.pk, on=attendance.held_on)
        rows = attendance.records.filter(is_expected=True)
        assert {*rows.values_list("student__school_number", flat=True)} == set(roster)
        assert attendance.roster_closed_at == attendance.ends_at + timedelta(minutes=1)


def test_lessons_tell_of_habits_and_stories(school: DemoSchool) -> None:
    math = {"attendance__section__code": "MATH 101-1", "is_expected": True}
    monday = records(**math, attendance__held_on__week_day=2, source="student")
    wednesday = records(**math, attendance__held_on__week_day=4, source="student")
    assert share(monday, "late") > 2 * share(wednesday, "late")

    starts_on = Term.objects.get().starts_on
    fading = {"student": school.students[timetable.FADING], **math}
    faded = starts_on + timedelta(weeks=timetable.FADING_WEEK)
    assert share(records(**fading, attendance__held_on__lt=faded), "absent") < 0.5
    assert share(records(**fading, attendance__held_on__gte=faded), "absent") > 0.7

    week = starts_on + timedelta(weeks=timetable.EXCUSED_WEEK)
    excused = AttendanceRecord.objects.filter(
        student=school.students[timetable.EXCUSED],
        attendance__held_on__range=(week, week + timedelta(days=6)),
    )
    assert excused.count() == 3
    assert {(row.status, row.source) for row in excused} == {("excused", "system")}
    assert {row.absence_id for row in excused} == {Absence.objects.get(state="approved").pk}

    not_held = Attendance.objects.get(not_held_at__isnull=False)
    assert not_held.not_held_reason == timetable.NOT_HELD[-1]
    assert not not_held.records.exists()
    assert find_lesson(not_held.pk).not_held_reason


def test_walk_ins_changes_and_decisions_are_there(school: DemoSchool) -> None:
    walk_ins = AttendanceRecord.objects.filter(is_expected=False).order_by("attendance__starts_at")
    assert [(row.status, row.source, row.reason) for row in walk_ins] == [
        ("present", "teacher", ""),
        ("pending", "student", "not_on_roster"),
    ]
    assert AttendanceEvent.objects.filter(kind="record_corrected").count() > 10
    assert Absence.objects.get(state="requested").starts_at > NOW
    day = Closure.objects.values_list("starts_on", flat=True).distinct().get()
    assert not Attendance.objects.filter(held_on=day).exists()
    changed = Enrolment.objects.filter(user=school.students[timetable.CHANGED_GROUP])
    groups = {row.section.code: (row.begins_on, row.ends_on) for row in changed}
    assert groups["PHYS 101-A"][1] == groups["PHYS 101-B"][0]
    labs = AttendanceRecord.objects.filter(
        student=school.students[timetable.CHANGED_GROUP],
        attendance__section__code__in=["PHYS 101-A", "PHYS 101-B"],
    )
    before = {row.attendance.held_on for row in labs if row.attendance.section}
    assert before


def test_a_second_demo_adds_what_has_been_taught_since(school: DemoSchool) -> None:
    again = ensure_term(NOW, lambda count: None)
    assert (again.lessons, again.records) == (0, 0)

    later = ensure_term(NOW + timedelta(weeks=1), lambda count: None)
    assert later.lessons == 8
    assert {section.pk for section in later.sections.values()} == {
        section.pk for section in school.sections.values()
    }


def test_a_term_that_is_over_is_followed_by_another(school: DemoSchool) -> None:
    other = ensure_term(NOW + timedelta(weeks=timetable.WEEKS), lambda count: None)

    assert Term.objects.count() == 2
    assert User.objects.count() == 400
    assert other.lessons >= 6 * timetable.WEEKS_BEFORE


@pytest.mark.parametrize("weekday", range(7))
def test_a_term_covers_each_day_of_the_week(weekday: int) -> None:
    day = datetime(2026, 11, 23, 12, tzinfo=UTC).date() + timedelta(days=weekday)

    span = timetable.span_at(day)

    assert span.starts_on.weekday() == timetable.MONDAY
    assert span.starts_on <= day - timedelta(weeks=12) < span.starts_on + timedelta(weeks=1)
    assert day < span.ends_on
