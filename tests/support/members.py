"""A section that runs today, whenever that is, and people who belong to it."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from courses.models import Section
from courses.vocabulary import EnrolmentRole
from tests.support.callers import account
from tests.support.course_factories import EnrolmentFactory, SectionFactory, TermFactory
from tests.support.lessons import TEACHER, student
from users.identity import Person, Role

DAY = timedelta(days=1)
# Whoever assists or observes may be a student elsewhere: what they may do is by their enrolment.
ASSISTANT = Person("A-1", "Assistant 1", Role.STUDENT)
OBSERVER = Person("O-1", "Observer 1", Role.STUDENT)
LEARNER = student(3)
"""Who is on the roster."""
OTHER_TEACHER = Person("T-2", "Teacher 2", Role.TEACHER)
"""Who teaches another section."""
STAFF = Person("STAFF-1", "Staff 1", Role.STAFF)

MEMBERS = {
    TEACHER: EnrolmentRole.TEACHER,
    ASSISTANT: EnrolmentRole.ASSISTANT,
    OBSERVER: EnrolmentRole.OBSERVER,
    LEARNER: EnrolmentRole.STUDENT,
}


def running_section(**values: Any) -> Section:
    """A section of a term around today, without people."""
    today = timezone.localdate()
    term = TermFactory.create(starts_on=today - 30 * DAY, ends_on=today + 30 * DAY)
    return SectionFactory.create(**{"term": term, **values})


def enrolled(section: Section, person: Person, role: EnrolmentRole, **values: Any) -> None:
    """Enrol somebody from the section's first day, past what services ask."""
    EnrolmentFactory(section=section, user=account(person), role=role, **values)


def section_with_everybody(**values: Any) -> Section:
    """A running section with one person in each role; another teacher has another section."""
    section = running_section(**values)
    for person, role in MEMBERS.items():
        enrolled(section, person, role)
    enrolled(running_section(), OTHER_TEACHER, EnrolmentRole.TEACHER)
    return section
