"""What staff look at: lessons by state, the newest runs, the quarantine."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from attendance.models import LessonLedger, PersistenceRun, QuarantinedPayload
from attendance.vocabulary import LessonState, PayloadState
from courses.models import Section
from jobs.keeping import JobCounts, count_jobs

TABLE = LessonLedger._meta.db_table
RUNS = 40
COUNTED = 10_000
"""Above so many discarded lessons, two figures of an estimate are enough for a reader."""


class Books(NamedTuple):
    states: dict[LessonState, int]
    """Every state, also those of no lesson."""
    is_about: bool
    """Whether the number of discarded lessons is PostgreSQL's estimate: they are too many."""
    runs: Sequence[PersistenceRun]
    """The newest ones, oldest first, as a chart reads."""
    quarantined: int
    """Payloads that wait for a person."""
    oldest: LessonLedger | None
    """The lesson that is over and has waited longest to be stored."""
    without_teachers: int
    """Sections that run today and have no teacher."""
    jobs: JobCounts
    """What leaves the house."""


def read_books(*, at: datetime) -> Books:
    """States, runs and quarantine at an instant: eight queries, whatever the number of rows."""
    counts = LessonLedger.objects.count_states(at)
    discarded, is_about = _count_discarded()
    counts[LessonState.DISCARDED] = discarded
    runs = list(PersistenceRun.objects.order_by("-pk")[:RUNS])
    waiting = QuarantinedPayload.objects.filter(state=PayloadState.OPEN).count()
    oldest = LessonLedger.objects.waiting(at).order_by("ends_at").first()
    states = {state: counts.get(state, 0) for state in LessonState}
    bare = Section.objects.without_teachers(on=timezone.localdate(at)).count()
    return Books(
        states=states,
        is_about=is_about,
        runs=runs[::-1],
        quarantined=waiting,
        oldest=oldest,
        without_teachers=bare,
        jobs=count_jobs(at=at),
    )


def _count_discarded() -> tuple[int, bool]:
    """Those that are stored and out of Redis: nearly all lessons; and whether it is a guess."""
    rows = LessonLedger.objects.filter(state=LessonState.DISCARDED).order_by()
    counted = rows.values("pk")[: COUNTED + 1].count()
    if counted <= COUNTED:
        return counted, False
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [TABLE])
        (about,) = cursor.fetchone()
    # What autovacuum has not seen yet is not in the estimate.
    return max(counted, round(about, -3)), True
