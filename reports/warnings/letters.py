"""Mail about warnings: to the teachers of the course and to the person, and to the same its end.

A warning that was retracted before its time is never mailed. The row of a letter is held while it
is sent: so a retraction waits for the answer of the mail server, and follows a letter that was
sent and no other.
"""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from courses.models import Enrolment
from courses.vocabulary import EnrolmentRole
from jobs import mail
from jobs.mail import Letter
from jobs.tasks import enqueue_all, task
from reports.models import FigureWarning, WarningLetter
from reports.vocabulary import WarningKind
from users.models import User

RETRIES = tuple(timedelta(minutes=n) for n in (5, 30, 120, 480, 1440))


@task(retries=RETRIES)
def begin_letters(*, warning_id: int) -> None:
    """Once the warning has settled: a letter to each who is to know; none if it was retracted."""
    with transaction.atomic():
        open_ones = FigureWarning.objects.select_for_update(of=("self",)).filter(retracted_at=None)
        warning = open_ones.select_related("section").filter(pk=warning_id).first()
        if warning is None:
            return
        rows = [WarningLetter(warning=warning, user=user) for user in readers_of(warning)]
        WarningLetter.objects.bulk_create(rows, ignore_conflicts=True)
        letters = warning.letters.order_by("pk").values_list("pk", flat=True)
        enqueue_all([send_warning.using(once=str(pk)).job(letter_id=pk) for pk in letters])


def readers_of(warning: FigureWarning) -> list[User]:
    """Who has an address, of those that ATTN_WARNING_READERS names."""
    wanted = set()
    if "students" in settings.WARNING_READERS or warning.kind == WarningKind.NOT_TAKEN:
        wanted.add(warning.user_id)
    if "teachers" in settings.WARNING_READERS and warning.kind != WarningKind.NOT_TAKEN:
        on = warning.section.local_date(timezone.now())
        held = Enrolment.objects.on(on).filter(section=warning.section, role=EnrolmentRole.TEACHER)
        wanted |= set(held.values_list("user_id", flat=True))
    users = User.objects.filter(pk__in=wanted, is_active=True).exclude(email="")
    return list(users.order_by("pk"))


@task(retries=RETRIES)
def send_warning(*, letter_id: int) -> None:
    """Nothing where the warning was retracted meanwhile."""
    with transaction.atomic():
        letter = _held(letter_id)
        if letter is None or letter.sent_at or letter.warning.retracted_at:
            return
        _send("warning", letter)
        letter.sent_at = timezone.now()
        letter.save(update_fields=["sent_at"])


@task(retries=RETRIES)
def send_retraction(*, letter_id: int) -> None:
    """To whoever was warned, and to nobody else."""
    with transaction.atomic():
        letter = _held(letter_id)
        if letter is None or letter.sent_at is None or letter.retraction_sent_at:
            return
        _send("retraction", letter)
        letter.retraction_sent_at = timezone.now()
        letter.save(update_fields=["retraction_sent_at"])


def _held(letter_id: int) -> WarningLetter | None:
    rows = WarningLetter.objects.select_for_update(of=("self",)).filter(pk=letter_id)
    return rows.select_related("user", "warning__section", "warning__user").first()


def _send(name: str, letter: WarningLetter) -> None:
    warning, reader = letter.warning, letter.user
    is_own = reader.pk == warning.user_id
    zone = ZoneInfo(warning.section.time_zone)
    with translation.override(settings.MAIL_LANGUAGE):
        subjects = {
            "warning": _("A warning about attendance"),
            "retraction": _("A warning about attendance was retracted"),
        }
        path = reverse("report-cases") if not is_own else reverse("my-attendance")
        context: dict[str, Any] = {
            "subject": subjects[name],
            "is_own": is_own,
            "person": "" if is_own else f"{warning.user.full_name} ({warning.user.school_number})",
            "course": f"{warning.section.code} {warning.section.title}",
            "kind": WarningKind(warning.kind).label,
            "raised_at": timezone.localtime(warning.raised_at, zone),
            "retracted_at": warning.retracted_at and timezone.localtime(warning.retracted_at, zone),
            "link": f"{settings.PUBLIC_URL}{path}",
        }
        text = render_to_string(f"reports/mail/{name}.txt", context)
    mail.send(Letter(reader.email, subjects[name], text))
