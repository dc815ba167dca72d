"""What staff look at: lessons by state, the newest runs, the quarantine."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.utils import timezone

from attendance.models import LessonLedger, PersistenceRun, QuarantinedPayload
from attendance.vocabulary import LessonState, PayloadState
from courses.models import Section
from jobs.keeping import JobCounts, count_jobs

RUNS = 40


class Books(NamedTuple):
    states: dict[LessonState, int]
    """Every state, also those of no lesson."""
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
    """States, runs and quarantine at an instant: six queries, whatever the number of rows."""
    counts = LessonLedger.objects.count_states(at)
    runs = list(PersistenceRun.objects.order_by("-started_at")[:RUNS])
    waiting = QuarantinedPayload.objects.filter(state=PayloadState.OPEN).count()
    oldest = LessonLedger.objects.waiting(at).order_by("ends_at").first()
    states = {state: counts.get(state, 0) for state in LessonState}
    bare = Section.objects.without_teachers(on=timezone.localdate(at)).count()
    return Books(
        states=states,
        runs=runs[::-1],
        quarantined=waiting,
        oldest=oldest,
        without_teachers=bare,
        jobs=count_jobs(at=at),
    )
