"""Step 6: Redis forgets what PostgreSQL has committed, if nothing has changed since."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import Error
from django.utils import timezone

from attendance.errors import LiveStoreUnavailable
from attendance.live import store
from attendance.live.store import Snapshot
from attendance.models import LessonLedger
from attendance.services import ledger, refusals
from attendance.services.database_errors import text_of
from attendance.services.persistence import parked
from attendance.services.persistence.failpoints import reach
from attendance.services.persistence.runs import Book
from attendance.services.persistence.snapshots import ChunkSnapshots


def tidy_and_discard(read: ChunkSnapshots, book: Book) -> set[UUID]:
    """Discard the lessons that are stored at the revision that was read.

    Returns those that are gone from Redis. It comes after the commit, so no
    error undoes anything: `book` learns of it, and the next run goes on here.
    """
    stored = [each.snapshot for each in read.to_write]
    stored += [each.snapshot for each in read.stored]
    try:
        parked.tidy(read)
        return _discard(_old_enough(stored) if settings.DISCARD_AFTER_MINUTES else stored)
    except LiveStoreUnavailable as error:
        book.unavailable = error.detail
    except Error as error:
        book.unavailable = f"PostgreSQL: {text_of(error)}"
    return set()


def _discard(stored: Sequence[Snapshot]) -> set[UUID]:
    done = store.discard_if_unchanged(stored)
    outcomes = {lesson_id: each.outcome for lesson_id, each in done.items()}
    gone = {i for i, outcome in outcomes.items() if outcome in {"discarded", "not_found"}}
    reach("names_held", list(gone))
    store.free_names([each.lesson for each in stored if each.lesson.id in gone])
    refusals.keep({lesson_id: each.refusals for lesson_id, each in done.items()})
    for lesson_id, outcome in outcomes.items():
        if outcome == "not_over":
            store.sync_due(lesson_id)
    kept = outcomes.keys() - gone
    digests = {each.lesson.id: each.digest for each in stored if each.lesson.id in kept}
    ledger.settle_discards(gone, still_there=digests)
    return gone


def _old_enough(stored: Sequence[Snapshot]) -> list[Snapshot]:
    """Leave lessons in Redis for ATTN_DISCARD_AFTER_MINUTES; they are parked so long."""
    ids = [each.lesson.id for each in stored]
    pause, now = timedelta(minutes=settings.DISCARD_AFTER_MINUTES), timezone.now()
    kept: set[UUID] = set()
    for row in LessonLedger.objects.filter(lesson_id__in=ids, persisted_at__gt=now - pause):
        if row.persisted_at:
            store.park(row.lesson_id, row.persisted_at + pause)
            kept.add(row.lesson_id)
    return [each for each in stored if each.lesson.id not in kept]
