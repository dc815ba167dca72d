"""Step 6: Redis forgets what PostgreSQL has committed, if nothing has changed since."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import Error
from django.utils import timezone

from attendance.errors import LiveStoreUnavailable
from attendance.live import outbox, store
from attendance.live.store import Marks, Snapshot
from attendance.models import LessonLedger
from attendance.services import ledger, refusals
from attendance.services.database_errors import text_of
from attendance.services.persistence import parked
from attendance.services.persistence.failpoints import reach
from attendance.services.persistence.runs import Book
from attendance.services.persistence.snapshots import ChunkSnapshots


def tidy_and_discard(lessons: ChunkSnapshots, book: Book, *, commit: int) -> set[UUID]:
    """Discard the lessons that are stored at the revision that was read.

    Redis is told the number of the commit first.

    Returns those that are gone from Redis. It comes after the commit, so an error
    undoes nothing: it is noted in `book`, and the next run goes on here.
    """
    # What is incomplete may be the last copy of what is missing: it stays for a person, and so
    # does an older copy. Once somebody removes one, its names are freed.
    snapshots = [each.snapshot for each in lessons.of_present if each.lack.is_whole]
    try:
        store.raise_marks(Marks(0, commit))
        store.note_names(lessons.that_stay)
        parked.tidy(lessons)
        if settings.DISCARD_AFTER_MINUTES:
            snapshots = _old_enough(snapshots)
        return _discard(snapshots, book.sites)
    except LiveStoreUnavailable as error:
        book.unavailable = error.detail
    except Error as error:
        book.unavailable = f"PostgreSQL: {text_of(error)}"
    return set()


def _discard(snapshots: Sequence[Snapshot], sites: frozenset[str]) -> set[UUID]:
    store.note_names([snapshot.lesson for snapshot in snapshots])
    outbox.list_again(snapshot.lesson for snapshot in snapshots)
    store.remember_discards([snapshot.lesson.id for snapshot in snapshots], at=store.now())
    replies = store.discard_if_unchanged(snapshots, sites=sites)
    outcomes = {lesson_id: each.outcome for lesson_id, each in replies.items()}
    gone_ids = {i for i, outcome in outcomes.items() if outcome in {"discarded", "not_found"}}
    reach("names_held", list(gone_ids))
    store.free_names([snapshot.lesson for snapshot in snapshots if snapshot.lesson.id in gone_ids])
    store.cross_out_names([each.lesson for each in snapshots if each.lesson.id not in gone_ids])
    refusals.keep({lesson_id: each.refusals for lesson_id, each in replies.items()})
    for lesson_id, outcome in outcomes.items():
        if outcome == "not_over":
            store.sync_due(lesson_id)
    kept_ids = outcomes.keys() - gone_ids
    digests = {each.lesson.id: each.digest for each in snapshots if each.lesson.id in kept_ids}
    ledger.settle_discards(gone_ids, still_there=digests)
    return gone_ids


def _old_enough(snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    """Park lessons stored less than ATTN_DISCARD_AFTER_MINUTES ago, and return the others."""
    ids = [snapshot.lesson.id for snapshot in snapshots]
    pause, now = timedelta(minutes=settings.DISCARD_AFTER_MINUTES), timezone.now()
    parked_ids: set[UUID] = set()
    for row in LessonLedger.objects.filter(lesson_id__in=ids, persisted_at__gt=now - pause):
        if row.persisted_at:
            store.park(row.lesson_id, row.persisted_at + pause)
            parked_ids.add(row.lesson_id)
    return [snapshot for snapshot in snapshots if snapshot.lesson.id not in parked_ids]
