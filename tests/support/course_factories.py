"""Rows of courses for tests."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import factory

from courses.models import (
    Absence,
    AbsenceEvidence,
    AbsenceReason,
    Closure,
    Course,
    Enrolment,
    Policy,
    RosterUpload,
    Section,
    SourceSystem,
    Term,
)
from courses.vocabulary import AbsenceState, EnrolmentRole, EvidenceKind, SystemKind
from tests.support.factories import UserFactory

TERM_STARTS = date(2026, 9, 14)
TERM_ENDS = date(2027, 1, 16)
ZONE = "Europe/Istanbul"
IN_TERM = datetime(2026, 10, 5, 9, tzinfo=ZoneInfo(ZONE))


class SourceSystemFactory(factory.django.DjangoModelFactory[SourceSystem]):
    class Meta:
        model = SourceSystem
        django_get_or_create = ("code",)

    code = "manual"
    name = factory.SelfAttribute("code")
    kind = SystemKind.MANUAL


class TermFactory(factory.django.DjangoModelFactory[Term]):
    class Meta:
        model = Term

    title = factory.Sequence(lambda n: f"Term {n}")
    starts_on = TERM_STARTS
    ends_on = TERM_ENDS


class CourseFactory(factory.django.DjangoModelFactory[Course]):
    class Meta:
        model = Course

    code = factory.Sequence(lambda n: f"PHY-{n:03}")
    title = "Physics"


class SectionFactory(factory.django.DjangoModelFactory[Section]):
    class Meta:
        model = Section

    system = factory.SubFactory(SourceSystemFactory)
    term = factory.SubFactory(TermFactory)
    course = factory.SubFactory(CourseFactory)
    code = factory.Sequence(lambda n: f"{n:02}")
    title = factory.Sequence(lambda n: f"Section {n}")
    time_zone = ZONE
    starts_on = factory.SelfAttribute("term.starts_on")
    ends_on = factory.SelfAttribute("term.ends_on")


class EnrolmentFactory(factory.django.DjangoModelFactory[Enrolment]):
    class Meta:
        model = Enrolment

    section = factory.SubFactory(SectionFactory)
    user = factory.SubFactory(UserFactory)
    role = EnrolmentRole.STUDENT
    begins_on = factory.SelfAttribute("section.starts_on")
    system = factory.SubFactory(SourceSystemFactory)

    class Params:
        teaching = factory.Trait(
            role=EnrolmentRole.TEACHER, user=factory.SubFactory(UserFactory, teacher=True)
        )


class AbsenceReasonFactory(factory.django.DjangoModelFactory[AbsenceReason]):
    class Meta:
        model = AbsenceReason

    code = factory.Sequence(lambda n: f"reason-{n}")
    label = "Illness"


class AbsenceFactory(factory.django.DjangoModelFactory[Absence]):
    class Meta:
        model = Absence

    user = factory.SubFactory(UserFactory)
    starts_at = IN_TERM
    ends_at = factory.LazyAttribute(lambda row: row.starts_at.replace(hour=12))
    reason = factory.SubFactory(AbsenceReasonFactory)
    requested_by = factory.SelfAttribute("user")

    class Params:
        approved = factory.Trait(
            state=AbsenceState.APPROVED,
            decided_by=factory.SubFactory(UserFactory, staff=True),
            decided_at=IN_TERM,
        )


class AbsenceEvidenceFactory(factory.django.DjangoModelFactory[AbsenceEvidence]):
    class Meta:
        model = AbsenceEvidence

    absence = factory.SubFactory(AbsenceFactory)
    file = factory.Sequence(lambda n: f"{n:032x}.pdf")
    name = "note.pdf"
    kind = EvidenceKind.PDF
    size = 5
    added_by = factory.SelfAttribute("absence.user")
    kept_until = date(2027, 10, 5)


class ClosureFactory(factory.django.DjangoModelFactory[Closure]):
    class Meta:
        model = Closure

    starts_on = date(2026, 10, 28)
    ends_on = date(2026, 10, 30)
    title = "Republic Day"

    class Params:
        reopened = factory.Trait(
            reopened_by=factory.SubFactory(UserFactory, staff=True), reopened_at=IN_TERM
        )


class PolicyFactory(factory.django.DjangoModelFactory[Policy]):
    class Meta:
        model = Policy

    section = factory.SubFactory(SectionFactory)
    version = 1
    set_by = factory.SubFactory(UserFactory, staff=True)


class RosterUploadFactory(factory.django.DjangoModelFactory[RosterUpload]):
    class Meta:
        model = RosterUpload

    section = factory.SubFactory(SectionFactory)
    uploaded_by = factory.SubFactory(UserFactory, teacher=True)
    name = "roster.csv"
    content = b"school_number,full_name\nS-1,Ada\n"
    made_at = IN_TERM
