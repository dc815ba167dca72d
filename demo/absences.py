"""Why people of the term did not come: a week that is excused, a wish that waits, a day off."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from courses.models import Absence, AbsenceReason, Section
from courses.services.absences import AbsencePlan, request_absence
from courses.services.closures import close
from courses.vocabulary import AbsenceState, Asker, Effect
from demo import timetable
from demo.timetable import MONDAY, Span
from users.models import User

DAYS_AHEAD, DAYS_ASKED = 2, 3
CLOSED_TITLE = "University day"


def make(
    span: Span, students: Sequence[User], sections: Mapping[str, Section], *, staff: User
) -> None:
    """Reasons, an approved week, a request that waits for a decision, and a day off."""
    illness = _reason("illness", "Illness", Effect.NEUTRAL)
    contest = _reason("representation", "Representing the university", Effect.COUNTS_PRESENT)
    _excuse_a_week(span, students[timetable.EXCUSED], illness, staff)
    _ask(students[timetable.ASKING], contest)
    day = span.day(timetable.CLOSED_WEEK, timetable.CLOSED_WEEKDAY)
    for section in sections.values():
        # Of these sections alone: others in the same database are not the demo's to close.
        close(
            title=CLOSED_TITLE,
            starts_on=day,
            ends_on=day + timedelta(days=1),
            actor=staff,
            section_id=section.pk,
        )


def _reason(code: str, label: str, effect: Effect) -> AbsenceReason:
    values = {"label": label, "effect": effect, "who_may_ask": Asker.STUDENT}
    return AbsenceReason.objects.get_or_create(code=code, defaults=values)[0]


def _excuse_a_week(span: Span, student: User, reason: AbsenceReason, staff: User) -> None:
    """Asked and decided in that week, as no service can do it today."""
    zone = ZoneInfo(settings.TIME_ZONE)
    starts_at = datetime.combine(span.day(timetable.EXCUSED_WEEK, MONDAY), time.min, zone)
    Absence.objects.create(
        user=student,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(days=7),
        reason=reason,
        note="In bed with influenza.",
        state=AbsenceState.APPROVED,
        requested_by=student,
        requested_at=starts_at + timedelta(hours=8),
        decided_by=staff,
        decided_at=starts_at + timedelta(hours=10),
    )


def _ask(student: User, reason: AbsenceReason) -> None:
    today = timezone.now().astimezone(ZoneInfo(settings.TIME_ZONE)).date()
    first = datetime.combine(
        today + timedelta(days=DAYS_AHEAD), time.min, ZoneInfo(settings.TIME_ZONE)
    )
    plan = AbsencePlan(
        user_id=student.pk,
        starts_at=first,
        ends_at=first + timedelta(days=DAYS_ASKED),
        reason_id=reason.pk,
        note="Volleyball championship of the universities.",
    )
    request_absence(plan=plan, actor=student)
