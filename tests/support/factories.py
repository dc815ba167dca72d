"""Rows for tests that begin in PostgreSQL."""

from datetime import timedelta
from uuid import uuid4

import factory
from django.utils import timezone

from attendance.models import (
    AlarmAcknowledgement,
    AlarmEpisode,
    Attendance,
    AttendanceEvent,
    AttendanceRecord,
    KnownSite,
    LessonLedger,
    PersistenceRun,
    QuarantinedPayload,
    RefusedCheckIn,
)
from attendance.vocabulary import (
    EventKind,
    LessonState,
    PayloadKind,
    Refusal,
    Source,
    Status,
    Trigger,
)
from users.models import RoleChoices, SecurityEvent, SecurityKind, User


class UserFactory(factory.django.DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    school_number = factory.Sequence(lambda n: f"U-{n:05}")
    full_name = factory.Sequence(lambda n: f"Student {n:05}")
    password = factory.django.Password(None)

    class Params:
        teacher = factory.Trait(role=RoleChoices.TEACHER)
        staff = factory.Trait(role=RoleChoices.STAFF)


class SecurityEventFactory(factory.django.DjangoModelFactory[SecurityEvent]):
    class Meta:
        model = SecurityEvent

    kind = SecurityKind.SIGNED_IN
    subject = factory.SubFactory(UserFactory)
    actor = factory.SelfAttribute("subject")
    request_id = "0123456789abcdef"
    once = factory.Sequence(str)


class AttendanceFactory(factory.django.DjangoModelFactory[Attendance]):
    class Meta:
        model = Attendance

    id = factory.LazyFunction(uuid4)
    teacher = factory.SubFactory(UserFactory, teacher=True)
    teacher_name = factory.SelfAttribute("teacher.full_name")
    lesson_name = factory.Sequence(lambda n: f"Lesson {n}")
    starts_at = factory.LazyFunction(lambda: timezone.now() - timedelta(hours=1))
    ends_at = factory.LazyFunction(timezone.now)
    revision = 100


class AttendanceRecordFactory(factory.django.DjangoModelFactory[AttendanceRecord]):
    class Meta:
        model = AttendanceRecord

    attendance = factory.SubFactory(AttendanceFactory)
    student = factory.SubFactory(UserFactory)
    school_number = factory.SelfAttribute("student.school_number")
    full_name = factory.SelfAttribute("student.full_name")
    status = Status.PRESENT
    checked_in_at = factory.LazyFunction(timezone.now)
    source = Source.STUDENT
    revision = 2
    changed_at = factory.LazyFunction(timezone.now)


class AttendanceEventFactory(factory.django.DjangoModelFactory[AttendanceEvent]):
    class Meta:
        model = AttendanceEvent

    attendance = factory.SubFactory(AttendanceFactory)
    revision = factory.Sequence(lambda n: n + 2)
    kind = EventKind.RECORD_CORRECTED
    happened_at = factory.LazyFunction(timezone.now)
    student = factory.SubFactory(UserFactory)
    actor = factory.SelfAttribute("attendance.teacher")
    actor_name = factory.SelfAttribute("actor.full_name")
    source = Source.TEACHER
    old = Status.PRESENT
    new = Status.LATE
    reason = "arrived later"
    request_id = factory.LazyFunction(lambda: str(uuid4()))


class LessonLedgerFactory(factory.django.DjangoModelFactory[LessonLedger]):
    class Meta:
        model = LessonLedger

    lesson_id = factory.LazyFunction(uuid4)
    lesson_name = factory.Sequence(lambda n: f"Lesson {n}")
    teacher_number = "T-1"
    teacher_name = "Teacher 1"
    starts_at = factory.LazyFunction(lambda: timezone.now() - timedelta(hours=1))
    ends_at = factory.LazyFunction(timezone.now)
    state = LessonState.ENDED


class PersistenceRunFactory(factory.django.DjangoModelFactory[PersistenceRun]):
    class Meta:
        model = PersistenceRun

    trigger = Trigger.SCHEDULER


class QuarantinedPayloadFactory(factory.django.DjangoModelFactory[QuarantinedPayload]):
    class Meta:
        model = QuarantinedPayload

    lesson_id = factory.LazyFunction(uuid4)
    kind = PayloadKind.RECORD
    field = "S-0001"
    payload = b"not an envelope"
    sha256 = factory.Sequence(lambda n: f"{n:064}")
    reason = "the format version is unknown"

    class Params:
        settled = factory.Trait(
            settled_at=factory.LazyFunction(timezone.now),
            settled_by=factory.SubFactory(UserFactory, staff=True),
        )


class AlarmEpisodeFactory(factory.django.DjangoModelFactory[AlarmEpisode]):
    class Meta:
        model = AlarmEpisode

    code = factory.Sequence(lambda n: f"alarm_{n}")
    cause = "because"


class AlarmAcknowledgementFactory(factory.django.DjangoModelFactory[AlarmAcknowledgement]):
    class Meta:
        model = AlarmAcknowledgement

    episode = factory.SubFactory(AlarmEpisodeFactory)
    actor = factory.SubFactory(UserFactory, staff=True)
    actor_name = factory.SelfAttribute("actor.full_name")
    reason = "a test site"


class RefusedCheckInFactory(factory.django.DjangoModelFactory[RefusedCheckIn]):
    class Meta:
        model = RefusedCheckIn

    attendance = factory.SubFactory(AttendanceFactory)
    school_number = factory.Sequence(lambda n: f"R-{n:05}")
    full_name = factory.Sequence(lambda n: f"Student {n:05}")
    code = Refusal.CLOSED
    times = 1
    first_at = factory.LazyFunction(timezone.now)
    last_at = factory.LazyFunction(timezone.now)


class KnownSiteFactory(factory.django.DjangoModelFactory[KnownSite]):
    class Meta:
        model = KnownSite

    is_own = True
