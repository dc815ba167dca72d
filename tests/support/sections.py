"""Sections that are taught today, with their people, for tests of lessons."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from attendance.live.payloads import LiveLesson
from attendance.models import AttendanceRecord
from attendance.services.check_in import check_in
from attendance.services.lessons import LessonPlan, start_lesson
from courses.models import Enrolment, Policy, Section
from courses.vocabulary import EnrolmentRole
from tests.support.course_factories import (
    ZONE,
    EnrolmentFactory,
    PolicyFactory,
    SectionFactory,
    TermFactory,
)
from tests.support.lessons import TEACHER, end, student
from users.identity import Person
from users.models import User


def user_of(person: Person) -> User:
    """The account of somebody, made where there is none."""
    account, _ = User.objects.get_or_create(
        school_number=person.school_number,
        defaults={"full_name": person.full_name, "role": person.role},
    )
    return account


def enrol(section: Section, person: Person, role: str = "student", **changes: Any) -> Enrolment:
    """Enrol somebody for the whole term, or as `changes` say."""
    row: Any = EnrolmentFactory(
        section=section, user=user_of(person), role=EnrolmentRole(role), **changes
    )
    return row  # type: ignore[no-any-return]


def section_of_today(
    students: Iterable[int] = (1, 2, 3),
    *,
    teachers: Iterable[Person] = (TEACHER,),
    policy: dict[str, Any] | None = None,
    **changes: Any,
) -> Section:
    """A section whose term has begun a month ago, with these students and teachers."""
    today = timezone.now().astimezone(ZoneInfo(ZONE)).date()
    term = TermFactory(starts_on=today - timedelta(days=30), ends_on=today + timedelta(days=90))
    section: Any = SectionFactory(term=term, **changes)
    for person in teachers:
        enrol(section, person, "teacher")
    for number in students:
        enrol(section, student(number))
    if policy is not None:
        set_rule(section, **policy)
    return section  # type: ignore[no-any-return]


def set_rule(section: Section, **values: Any) -> Policy:
    """A new version of a section's policy."""
    version = section.policies.count() + 1
    row: Any = PolicyFactory(section=section, version=version, **values)
    section.policy = row
    section.save(update_fields=["policy"])
    return row  # type: ignore[no-any-return]


def section_lesson(
    section: Section, here: Iterable[int] = (), *, teacher: Person = TEACHER, **plan: Any
) -> LiveLesson:
    """A live lesson of a section in which these students have checked in."""
    lesson = start_lesson(
        LessonPlan(section=f"#{section.pk}", **({"minutes": 30} | plan)), teacher=teacher
    )
    for number in here:
        check_in(lesson.id, student=student(number))
    return lesson


def ended_section_lesson(section: Section, here: Iterable[int] = (), **plan: Any) -> LiveLesson:
    """The same, ended and not persisted."""
    lesson = section_lesson(section, here, **plan)
    end(lesson.id)
    return lesson


def register_of(lesson_id: UUID) -> dict[str, tuple[str, str, bool | None]]:
    """What PostgreSQL says of each student: status, source, and whether they were expected."""
    rows = AttendanceRecord.objects.filter(attendance_id=lesson_id, deleted_at=None)
    return {
        number: (status, source, is_expected)
        for number, status, source, is_expected in rows.values_list(
            "student__school_number", "status", "source", "is_expected"
        )
    }


def local(at: datetime) -> datetime:
    """An instant where the sections of these tests are taught."""
    return at.astimezone(ZoneInfo(ZONE))
