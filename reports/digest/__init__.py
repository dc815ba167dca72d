"""A mail a day to each teacher for whom something waits, and none to the others.

The scheduled run of the site asks again and again; the day is the cause of the one job that looks
at everybody, and the day with the person that of each mail. So there is one of each, whoever asks
and however often, and a site that was down sends late. What is not sent by midnight is left.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from reports.digest.letters import begin_digests

__all__ = ["due_on", "enqueue_daily"]


def enqueue_daily(*, at: datetime) -> None:
    """Have the mails of this day begun, once, where it is time and mail is set up."""
    on = due_on(at)
    if settings.EMAIL_IS_SET_UP and on is not None:
        begin_digests.using(once=on.isoformat()).enqueue(on=on.isoformat())


def due_on(at: datetime) -> date | None:
    """The day of the campus whose mails are due; None before the time of the setting, or with none.

    The clock on the wall is compared: where it skips that time, the first instant after it is
    meant, and where it shows it twice, the first of both begins the day's only job.
    """
    local = at.astimezone(ZoneInfo(settings.TIME_ZONE))
    is_due = settings.DIGEST_AT is not None and local.time() >= settings.DIGEST_AT
    return local.date() if is_due else None
