"""Lessons that a run cannot persist: each gets its state, its pause and its report."""

import logging
from uuid import UUID

from django.db import transaction

from attendance.live import store
from attendance.live.store import Snapshot, Unsnapped
from attendance.services import ledger
from attendance.services.database_errors import Kind, text_of
from attendance.services.persistence import lost, snapshots
from attendance.services.persistence.report import LessonReport, Outcome
from attendance.services.persistence.snapshots import ChunkSnapshots
from attendance.services.stores import lost_lessons

logger = logging.getLogger(__name__)


def write_down(lessons: ChunkSnapshots) -> None:
    """Within the transaction: tell the ledger which lessons need a person."""
    for lesson_id, unsnapped in lessons.unsnapped.items():
        if unsnapped.outcome == "unreadable":
            ledger.mark_quarantined(lesson_id, unsnapped.reason)
    for rewound in lessons.rewound:
        lesson_id = rewound.snapshot.lesson.id
        lost_lessons.mark_rewound(lesson_id, is_whole=rewound.lack.is_whole)


def tidy(lessons: ChunkSnapshots) -> None:
    """After the commit: correct due and parked. Raises LiveStoreUnavailable."""
    missing_ids = []
    for lesson_id, unsnapped in lessons.unsnapped.items():
        if unsnapped.outcome == "not_found":
            missing_ids.append(lesson_id)
        else:
            _tidy_unsnapped(lesson_id, unsnapped)
    for rewound in lessons.rewound:
        logger.error("Redis holds an older copy of lesson %s", rewound.snapshot.lesson.id)
        _park_unchanged(rewound.snapshot)
    for each in lessons.of_present:
        if not each.lack.is_whole:
            logger.error("Lesson %s: %s", each.snapshot.lesson.id, each.lack.text)
            _park_unchanged(each.snapshot)
    lost.settle_missing(missing_ids)


def _tidy_unsnapped(lesson_id: UUID, unsnapped: Unsnapped) -> None:
    match unsnapped.outcome:
        case "not_over":
            store.sync_due(lesson_id)
        case "starting":
            _abandon_if_over(lesson_id)
        case "foreign":
            # Its own site has to find it as it was; so has this one, once it was adopted.
            logger.error("Lesson %s is left alone: %s", lesson_id, unsnapped.reason)
        case _:
            logger.error("Lesson %s needs a person: %s", lesson_id, unsnapped.reason)
            store.park(lesson_id, None)


def _park_unchanged(snapshot: Snapshot) -> None:
    """Leave a lesson to a person; a change that came meanwhile is for the next run."""
    if snapshots.is_still_there(snapshot):
        store.park(snapshot.lesson.id, None)


def _abandon_if_over(lesson_id: UUID) -> None:
    # A start that died between its writes: nobody could ever check in.
    lesson = store.read_lessons([lesson_id])[lesson_id]
    if not isinstance(lesson, store.Missing) and lesson.is_over:
        store.abandon(lesson_id)


def give_up(lesson_id: UUID, error: Exception, kind: Kind) -> LessonReport:
    """One lesson failed alone: it waits for a person, or for a growing pause."""
    why = text_of(error)
    if kind is Kind.DATA:
        with transaction.atomic():
            ledger.mark_quarantined(lesson_id, why)
        store.park(lesson_id, None)
        logger.error("Lesson %s is refused by PostgreSQL: %s", lesson_id, why)
        return LessonReport(
            lesson_id=lesson_id, outcome=Outcome.QUARANTINED, newly_quarantined=1, error=why
        )
    if kind is Kind.OTHER:
        logger.error("Lesson %s failed unexpectedly", lesson_id, exc_info=error)
    else:
        logger.warning("Lesson %s is tried again later: %s", lesson_id, why)
    until = ledger.count_failure(lesson_id, why, at=store.now())
    if until is None:
        return LessonReport(
            lesson_id=lesson_id, outcome=Outcome.BUSY, error=f"somebody else has stored it: {why}"
        )
    store.park(lesson_id, until)
    return LessonReport(lesson_id=lesson_id, outcome=Outcome.FAILED, error=why)
