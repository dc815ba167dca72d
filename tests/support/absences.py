"""A section with everybody in it, and absences of its student, for tests of API and pages."""

from datetime import date, timedelta
from typing import NamedTuple

from django.utils import timezone

from courses.models import Absence, AbsenceEvidence, AbsenceReason, Section
from courses.services.absences import AbsencePlan, attach_evidence, request_absence
from courses.services.evidence import EvidenceFile
from courses.vocabulary import EnrolmentRole
from tests.support.callers import account
from tests.support.course_factories import (
    AbsenceReasonFactory,
    EnrolmentFactory,
    SectionFactory,
    TermFactory,
)
from users.identity import Person, Role

ON_ROSTER = Person("S-0001", "Student 0001")
NOT_ON_ROSTER = Person("S-0099", "Student 0099")
ASSISTANT = Person("S-0098", "Student 0098")
OBSERVER = Person("S-0097", "Student 0097")
TEACHER = Person("T-1", "Ayşe Yılmaz", Role.TEACHER)
OTHER_TEACHER = Person("T-2", "Teacher 2", Role.TEACHER)
STAFF = Person("STAFF-1", "Staff 1", Role.STAFF)

PDF = b"%PDF-1.7\n"
DAY = timedelta(days=1)


class SmallCourse(NamedTuple):
    section: Section
    other: Section
    """Of another teacher; the student is in it too."""
    reason: AbsenceReason


def made_course(*, title: str = "Physics") -> SmallCourse:
    """A section that runs today, whenever that is, and another one."""
    today = timezone.localdate()
    term = TermFactory.create(starts_on=today - 60 * DAY, ends_on=today + 90 * DAY)
    section = SectionFactory.create(term=term, title=title, code="PHY-101")
    other = SectionFactory.create(term=term, title="Geometry", code="MAT-102")
    for person, role, where in (
        (ON_ROSTER, EnrolmentRole.STUDENT, section),
        (ON_ROSTER, EnrolmentRole.STUDENT, other),
        (ASSISTANT, EnrolmentRole.ASSISTANT, section),
        (OBSERVER, EnrolmentRole.OBSERVER, section),
        (TEACHER, EnrolmentRole.TEACHER, section),
        (OTHER_TEACHER, EnrolmentRole.TEACHER, other),
    ):
        EnrolmentFactory.create(section=where, user=account(person), role=role)
    account(NOT_ON_ROSTER)
    account(STAFF)
    return SmallCourse(section, other, AbsenceReasonFactory.create(code="ill", label="Illness"))


def asked_absence(
    course: SmallCourse,
    *,
    person: Person = ON_ROSTER,
    for_all: bool = False,
    in_days: int = 1,
    note: str = "a cold",
) -> Absence:
    """An absence that somebody has asked for, of three hours from now in some days."""
    user = account(person)
    starts_at = (timezone.now() + in_days * DAY).replace(minute=0, second=0, microsecond=0)
    plan = AbsencePlan(
        user_id=user.pk,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=3),
        reason_id=course.reason.pk,
        section_ids=None if for_all else frozenset({course.section.pk}),
        note=note,
    )
    return request_absence(plan=plan, actor=user)


def added_file(
    absence: Absence, *, name: str = "note.pdf", content: bytes = PDF
) -> AbsenceEvidence:
    """A file that the person has added."""
    file = EvidenceFile(name=name, content=content)
    return attach_evidence(absence_id=absence.pk, file=file, actor=absence.user)


def tomorrow() -> date:
    return timezone.localdate() + DAY
