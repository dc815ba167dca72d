"""Beginning the mails of a day, and sending each: jobs that hold an id and a day."""

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs import mail
from jobs.mail import Letter
from jobs.tasks import enqueue_all, task
from reports.digest.choice import stop_token
from reports.digest.needs import CourseNeeds, Needs, needs_of, whom_to_tell
from users.models import User

RETRIES = tuple(timedelta(minutes=n) for n in (5, 30, 120, 480))


class DigestLine(NamedTuple):
    """What waits, in words, and where it can be done."""

    words: str
    link: str


@task(retries=RETRIES)
def begin_digests(*, on: str) -> None:
    """A job for each teacher for whom something waits on this day; none once it is over."""
    now = timezone.now()
    if _is_over(on, now):
        return
    with transaction.atomic():
        enqueue_all(
            [
                send_digest.using(once=f"{on}|{user_id}").job(user_id=user_id, on=on)
                for user_id in whom_to_tell(at=now)
            ]
        )


@task(retries=RETRIES)
def send_digest(*, user_id: int, on: str) -> None:
    """What waits now; nothing where all was done meanwhile, or it is not wanted any more."""
    now = timezone.now()
    if _is_over(on, now):
        return
    found = needs_of(user_id, at=now)
    if found.are_there:
        _send(User.objects.get(pk=user_id), found)


def _is_over(on: str, now: datetime) -> bool:
    """A clock that was put back shows the day before: that of the mail is still to come."""
    return now.astimezone(ZoneInfo(settings.TIME_ZONE)).date() > date.fromisoformat(on)


def _send(reader: User, found: Needs) -> None:
    stop = f"{settings.PUBLIC_URL}{reverse('digest-stop', args=[stop_token(reader.pk)])}"
    with translation.override(settings.MAIL_LANGUAGE):
        # No name and no course: servers on the way log subjects.
        subject = _("What waits for you in your courses")
        context: dict[str, Any] = {
            "subject": subject,
            "courses": [
                (f"{each.section.code} {each.section.title}".strip(), _lines(each, found))
                for each in found.courses
            ],
            "absences": _absences(found.absences),
            "stop": stop,
        }
        text, html = (
            render_to_string(f"reports/mail/digest.{kind}", context) for kind in ("txt", "html")
        )
    mail.send(Letter(reader.email, subject, text, html, unsubscribe=stop))


def _lines(course: CourseNeeds, found: Needs) -> list[DigestLine]:
    within = {"section": course.section.pk}
    days = {**within, "from": found.since.isoformat()}
    lines = [
        (
            course.not_taken,
            ngettext("%(n)d register not taken", "%(n)d registers not taken", course.not_taken),
            _address(reverse("report", args=["not-taken"]), days),
        ),
        (
            course.pending,
            ngettext(
                "%(n)d check-in waits for a decision",
                "%(n)d check-ins wait for a decision",
                course.pending,
            ),
            _address(reverse("report", args=["pending"]), days),
        ),
        (
            course.warnings,
            ngettext("%(n)d open warning", "%(n)d open warnings", course.warnings),
            _address(reverse("report-cases"), within),
        ),
    ]
    return [DigestLine(words % {"n": n}, link) for n, words, link in lines if n]


def _absences(n: int) -> DigestLine | None:
    if not n:
        return None
    words = ngettext("%(n)d absence waits for a decision", "%(n)d absences wait for a decision", n)
    return DigestLine(words % {"n": n}, _address(reverse("absences"), {}))


def _address(path: str, query: dict[str, Any]) -> str:
    return f"{settings.PUBLIC_URL}{path}{'?' if query else ''}{urlencode(query)}"
