"""The row of a run: counted up as chunks commit, so that it is true for a killed run too."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic

from django.db import Error
from django.db.models import F, Q
from django.utils import timezone

from attendance.models import PersistenceRun
from attendance.services.persistence.lanes import Turns
from attendance.services.persistence.report import (
    NOT_DONE,
    LessonReport,
    Outcome,
    PersistenceReport,
    Tally,
)
from attendance.services.stores import sites
from attendance.vocabulary import Trigger

logger = logging.getLogger(__name__)

UNSTORED_KEPT = timedelta(days=30)
"""How long the row of a run is kept that stored nothing, and failed or was cut off."""


@dataclass
class Book:
    """The row of a run, and why it ended before its work did."""

    run_id: int | None = None
    unavailable: str = ""
    is_interrupted: bool = False
    sites: frozenset[str] = frozenset()
    """The ids of this site and of those that it has adopted; empty before the run has begun."""
    turns: Turns = field(default_factory=Turns)


def begin(book: Book, trigger: Trigger) -> None:
    """Open the row of a run; what its chunks commit is added to it.

    Raises ForeignSite where Redis holds the lessons of another site.
    """
    book.run_id = PersistenceRun.objects.create(trigger=trigger).pk
    book.sites = sites.begin_run(book.run_id).texts


def add(book: Book, reports: Sequence[LessonReport]) -> int:
    """Within the persisting transaction: add what it commits. Returns the number of the commit."""
    if book.run_id is None:
        return 0
    stored_reports = [report for report in reports if _is_stored(report)]
    sums = {
        name: F(name) + sum(getattr(report.counts, name) for report in stored_reports)
        for name in ("recorded", "read", "inserted", "updated", "unchanged", "quarantined")
    }
    beside = {
        name: F(name) + sum(getattr(report, name) for report in stored_reports)
        for name in ("expected", "marked_absent")
    }
    PersistenceRun.objects.filter(pk=book.run_id).update(
        lessons=F("lessons") + len(stored_reports), **sums, **beside
    )
    return sites.next_commit(book.run_id)


def _is_stored(report: LessonReport) -> bool:
    """Whether this transaction has stored a lesson, or what an older copy alone had of it."""
    has_filled = report.counts.inserted + report.counts.updated > 0
    is_stored = report.outcome in {Outcome.PERSISTED, Outcome.UNCHANGED, Outcome.INCOMPLETE}
    return is_stored or (report.outcome is Outcome.REWOUND and has_filled)


def finish(
    book: Book, trigger: Trigger, tally: Tally, *, is_dry_run: bool, since: float
) -> PersistenceReport:
    """Close the row of a run that began at `since` (monotonic seconds), and report it.

    Without PostgreSQL the row stays open: the end of the run cannot be written.
    """
    report = PersistenceReport(
        run_id=book.run_id,
        trigger=trigger,
        is_dry_run=is_dry_run,
        is_interrupted=book.is_interrupted,
        unavailable=book.unavailable,
        lessons=tally.lessons,
        totals=tally.totals(),
        seconds=monotonic() - since,
    )
    if book.run_id is not None:
        _close(book.run_id, report)
    return report


def _close(run_id: int, report: PersistenceReport) -> None:
    outcomes = report.totals.outcomes
    try:
        PersistenceRun.objects.filter(pk=run_id).update(
            finished_at=timezone.now(),
            failed=sum(outcomes.get(name, 0) for name in NOT_DONE),
            is_interrupted=report.is_interrupted,
            error=report.unavailable,
        )
        _remove_old(run_id)
    except Error as error:
        logger.warning("The end of run %s could not be written: %s", run_id, error)


def _remove_old(run_id: int) -> None:
    """Keep one row of all the runs that had nothing to do: the newest of each trigger.

    It tells when the last run was, and its mark is the highest. A run that stored something is
    kept for good; one that failed, or was cut off, and stored nothing is kept for 30 days.
    """
    own = PersistenceRun.objects.filter(pk=run_id).first()
    # A later run of another process may have removed it already.
    if own is None or own.live_mark is None:
        return
    old = Q(started_at__lt=own.started_at - UNSTORED_KEPT)
    before = PersistenceRun.objects.filter(old | _EMPTY & Q(trigger=own.trigger), pk__lt=run_id)
    # A row with a higher mark says what Redis has been: a Redis that came back older shows by it.
    unmarked = Q(live_mark=None) | Q(live_mark__lte=own.live_mark)
    stored_nothing = before.filter(unmarked, lessons=0, commit_mark=None)
    is_empty = PersistenceRun.objects.filter(_EMPTY, pk=run_id).exists()
    (stored_nothing if is_empty else stored_nothing.filter(old)).delete()


_EMPTY = Q(
    lessons=0,
    failed=0,
    commit_mark=None,
    finished_at__isnull=False,
    is_interrupted=False,
    error="",
)
"""The run was there and had nothing to do."""
