"""The alarm of what leaves the house: a mail server that is away, or nobody who drains."""

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from attendance.selectors.alarms import kinds
from attendance.selectors.alarms.kinds import FoundAlarm
from jobs.keeping import count_jobs

LATE_AFTER = timedelta(minutes=15)
"""A server that asks for some minutes of patience is none."""


def of_jobs() -> Iterator[FoundAlarm]:
    """Raises django.db.Error."""
    now = timezone.now()
    counts = count_jobs(at=now)
    if counts.oldest_at is not None and now - counts.oldest_at > LATE_AFTER:
        facts = {"waiting": counts.waiting}
        yield FoundAlarm(kinds.JOBS_LATE, facts=facts, since=counts.oldest_at)
