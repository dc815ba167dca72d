"""How many jobs wait and have failed, trying again what was given up, and removing what is old."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Case, Count, Min, Q, QuerySet, When
from django.utils import timezone

from jobs.models import Job

SETTLED_KEPT = timedelta(days=7)
"""So long the same cause enqueues nothing again, and staff see that it was done."""
FAILED_KEPT = timedelta(days=30)
ROWS = 1_000
"""Removed at most in one transaction."""


class JobCounts(NamedTuple):
    waiting: int
    failed: int
    oldest_at: datetime | None
    """When the oldest one that waits was enqueued; of a lane, when it was due. Plans aside."""


def count_jobs(*, at: datetime) -> JobCounts:
    """One query over the jobs that are not done."""
    waiting, failed = Q(failed_at=None), Q(failed_at__isnull=False)
    # A receiver of webhooks that is away is its own trouble: those late are due and not sent.
    is_late = Q(run_after__lte=at) | Q(attempts__gt=0, lane="")
    since = Case(When(lane="", then="enqueued_at"), default="run_after")
    found = Job.objects.filter(settled_at=None).aggregate(
        waiting=Count("pk", filter=waiting),
        failed=Count("pk", filter=failed),
        oldest_at=Min(since, filter=waiting & is_late),
    )
    return JobCounts(**found)


def try_again(jobs: QuerySet[Job]) -> int:
    """Let those begin anew that were given up or wait for their next try; returns how many.

    Nobody runs them now: what is leased is left alone.
    """
    return jobs.filter(settled_at=None, leased_until=None).update(
        failed_at=None, attempts=0, run_after=timezone.now()
    )


def remove_old(*, now: datetime) -> int:
    """Remove what was done 7 days ago and given up 30 days ago; returns how many."""
    done = Q(settled_at__lt=now - SETTLED_KEPT)
    given_up = Q(failed_at__lt=now - FAILED_KEPT)
    removed = 0
    for old in (done, given_up):
        while part := _remove_part(old):
            removed += part
    return removed


def _remove_part(old: Q) -> int:
    with transaction.atomic():
        rows = Job.objects.select_for_update(skip_locked=True).filter(old).order_by("pk")
        ids = list(rows.values_list("pk", flat=True)[:ROWS])
        return Job.objects.filter(pk__in=ids).delete()[0]
