"""A section with both students, and what the office does with it while its lesson goes on."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from attendance.rules import instants
from attendance.services.lessons import LessonPlan, start_lesson
from attendance.services.rosters import not_held
from courses.models import Absence, Enrolment, Section
from courses.services.absences import decide_absence, withdraw_absence
from courses.services.enrolments import EnrolmentPlan, end_enrolment, enrol
from courses.vocabulary import EnrolmentRole
from tests.support import sections
from tests.support.course_factories import AbsenceFactory, SectionFactory, TermFactory
from tests.support.lessons import TEACHER
from users.identity import Person, Role

CODE = "PHY-1"
OFFICE = Person("STAFF-1", "Staff 1", Role.STAFF)
_FIRST, _LAST = date(2026, 12, 1), date(2027, 3, 1)
"""Around the instant at which the clock of the model stands."""


def make(students: Mapping[str, Person], *, starts_at_ms: int) -> tuple[str, ...]:
    """The section, its people, and an absence that each student has asked for.

    Returns the numbers of the roster.
    """
    term = TermFactory.create(starts_on=_FIRST, ends_on=_LAST)
    section = SectionFactory.create(term=term, code=CODE)
    sections.user_of(OFFICE)
    sections.enrol(section, TEACHER, "teacher")
    starts_at = instants.instant(starts_at_ms)
    for person in students.values():
        sections.enrol(section, person)
        AbsenceFactory.create(
            user=sections.user_of(person),
            starts_at=starts_at - timedelta(hours=1),
            ends_at=starts_at + timedelta(hours=30),
            is_for_all_sections=True,
        )
    return tuple(students)


def _approve(person: Person) -> Any:
    return decide_absence(absence_id=_absence(person), approve=True, actor=sections.user_of(OFFICE))


def _withdraw(person: Person) -> Any:
    return withdraw_absence(absence_id=_absence(person), actor=sections.user_of(OFFICE))


def _absence(person: Person) -> int:
    return Absence.objects.get(user__school_number=person.school_number).pk


def _enrol(person: Person) -> Any:
    plan = EnrolmentPlan(
        section_id=Section.objects.get().pk,
        user_id=sections.user_of(person).pk,
        role=EnrolmentRole.STUDENT,
        begins_on=_FIRST,
    )
    return enrol(plan=plan, actor=sections.user_of(OFFICE))


def _unenrol(person: Person) -> Any:
    row = Enrolment.objects.get(user__school_number=person.school_number)
    return end_enrolment(enrolment_id=row.pk, ends_on=_FIRST, actor=sections.user_of(OFFICE))


_ASKED: Mapping[str, Callable[[Person], Any]] = {
    "approve": _approve,
    "withdraw": _withdraw,
    "enrol": _enrol,
    "unenrol": _unenrol,
}


def job_of(
    action: str, lesson_id: UUID, *, who: Person | None, request_id: str
) -> Callable[[], Any] | None:
    """What is asked of a section and its lesson; None for every other request."""
    match action.split():
        case ["start", "of", *_]:
            plan = LessonPlan("Physics", minutes=30, section=CODE)
            return lambda: start_lesson(plan, teacher=TEACHER, request_id=request_id)
        case ["not", "held"]:
            return lambda: not_held.say_not_held(
                lesson_id, actor=TEACHER, reason="alarm", request_id=request_id
            )
        case ["held", "again"]:
            return lambda: not_held.say_held(lesson_id, actor=TEACHER, request_id=request_id)
        case [asked, _] if asked in _ASKED and who is not None:
            return lambda: _ASKED[asked](who)
    return None
