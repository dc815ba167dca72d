"""The unified persistence task: what Redis captured becomes rows, users first.

The protocol, a chunk of lessons at a time (docs/explanation/protocol.md says why):

    1  BEGIN, and claim each lesson; what somebody else works on is left alone
    2  take a snapshot of each lesson at its revision R
    3  ensure that every user exists, and hold their rows
    4  write attendances, records and events; what is known moves only forward
    5  quarantine what cannot be read; captured = stored, or roll back; COMMIT
    6  discard each lesson from Redis, only if it is still at R, and over

Whoever dies, at whichever step, leaves something that the next run completes.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from time import monotonic
from typing import NamedTuple
from uuid import UUID

from django.db import Error, connection, transaction

from attendance.errors import LiveStoreUnavailable
from attendance.services import (
    aside,
    claims,
    discarding,
    halves,
    lanes,
    ledger,
    losses,
    quarantine,
    refusing,
    rehearsal,
    rows,
    runs,
    taking,
    work,
)
from attendance.services.columns import Readable
from attendance.services.failpoints import reach
from attendance.services.faults import Kind, kind_of, text_of
from attendance.services.report import LessonReport, PersistenceReport, Tally
from attendance.services.rows import Written
from attendance.services.work import RunOptions
from users.services import ensure_users

logger = logging.getLogger(__name__)

Writer = Callable[[Sequence[Readable]], tuple[dict[UUID, Written], list[halves.Refused]]]


def _never() -> bool:
    return False


def _ignore(count: int) -> None:
    return None


class Observer(NamedTuple):
    """Who watches a run: may stop it between two chunks, and sees it advance."""

    should_stop: Callable[[], bool] = _never
    expect: Callable[[int], None] = _ignore
    """Told how many more records were found."""
    advance: Callable[[int], None] = _ignore
    """Told how many more records are done."""


DEFAULTS = RunOptions()
NOBODY = Observer()


def unified_persistence_task(
    *,
    lesson_ids: Sequence[UUID] | None = None,
    dry_run: bool = False,
    options: RunOptions = DEFAULTS,
    observer: Observer = NOBODY,
) -> PersistenceReport:
    """Move every lesson that is over from Redis to PostgreSQL, or the lessons given.

    Idempotent: run again, run by many at once, killed and run again, it stores
    each mark once. `dry_run` reads, decodes and compares, and changes nothing.
    It must not be called inside a transaction: each chunk commits for itself.

    Returns a PersistenceReport in any case; where Redis or PostgreSQL cannot be
    reached, `unavailable` says so and the next run goes on.
    """
    started, tally, book = monotonic(), Tally(observer.advance), runs.Book()
    persist = rehearsal.rehearse if dry_run else partial(persist_chunk, book=book)

    def treat(chunk: Sequence[UUID]) -> list[LessonReport]:
        with _noting_what_is_gone(book):
            return persist(chunk)
        return []

    with _noting_what_is_gone(book):
        if not dry_run:
            runs.begin(book, options.trigger)
        chunks = work.chunks(lesson_ids, options, observer.expect, is_dry_run=dry_run)
        for reports in lanes.run(treat, _until(observer.should_stop, chunks, book)):
            tally.add(losses.explain(reports, is_asked=lesson_ids is not None))
        if lesson_ids is None and not (dry_run or book.unavailable or book.is_interrupted):
            tally.add(losses.find_lost())
    return runs.finish(book, options.trigger, tally, is_dry_run=dry_run, since=started)


@contextmanager
def _noting_what_is_gone(book: runs.Book) -> Iterator[None]:
    """A server that cannot be reached ends the run, and is no error of the caller's."""
    try:
        yield
    except LiveStoreUnavailable as error:
        book.unavailable = error.detail
    except Error as error:
        book.unavailable = f"PostgreSQL: {text_of(error)}"
        connection.close_if_unusable_or_obsolete()


def _until(
    should_stop: Callable[[], bool], chunks: Iterator[list[UUID]], book: runs.Book
) -> Iterator[list[UUID]]:
    """No further chunk is begun where somebody wants to stop, or a server is gone."""
    for chunk in chunks:
        book.is_interrupted = not book.unavailable and should_stop()
        if book.unavailable or book.is_interrupted:
            return
        yield chunk


def persist_chunk(chunk: Sequence[UUID], book: runs.Book) -> list[LessonReport]:
    """Persist lessons together; if that fails, each alone; if one fails, its halves.

    Raises LiveStoreUnavailable, and django.db.Error where the connection is lost.
    """
    try:
        return _persist_together(chunk, _write_together, book)
    except LiveStoreUnavailable:
        raise
    except Exception as error:
        kind = kind_of(error)
        if kind is Kind.GONE:
            raise
        if len(chunk) > 1:
            logger.warning("A chunk failed, its lessons are tried alone: %s", text_of(error))
            return [one for each in chunk for one in persist_chunk([each], book)]
        if kind is Kind.DATA:
            return _persist_in_halves(chunk[0], book)
        return [aside.give_up(chunk[0], error, kind)]


def _persist_in_halves(lesson_id: UUID, book: runs.Book) -> list[LessonReport]:
    try:
        return _persist_together([lesson_id], halves.write, book)
    except LiveStoreUnavailable:
        raise
    except Exception as error:
        kind = kind_of(error)
        if kind is Kind.GONE:
            raise
        return [aside.give_up(lesson_id, error, kind)]


def _persist_together(chunk: Sequence[UUID], write: Writer, book: runs.Book) -> list[LessonReport]:
    started = monotonic()
    # The turn is taken before the transaction: whoever waits for it holds nothing else.
    with ExitStack() as turn, _transaction(turn, book):
        claimed = claims.claim(chunk)
        if len(claimed) < len(chunk):
            claims.end_stalled([i for i in chunk if i not in set(claimed)])
        reach("claimed", claimed)
        taken = taking.take(claimed)
        reach("snapshot_taken", claimed)
        written, refused = write([each.readable for each in taken.fresh])
        reach("rows_written", claimed)
        kept = quarantine.keep_found(taken, refused)
        refusing.keep({each.snapshot.lesson.id: each.snapshot.refusals for each in taken.fresh})
        reports = taking.account(chunk, taken, written, kept)
        stored = taking.for_the_ledger(taken, reports)
        taken = taking.without_records(taken)
        turn.close()
        # Django's foreign keys are deferred: their errors must surface here.
        _check_constraints_now()
        ledger.persisted(stored)
        ledger.found_stored([each.snapshot.lesson.id for each in taken.stored])
        aside.write_down(taken)
        runs.add(book, reports)
        reach("before_commit", claimed)
    reach("committed", claimed)
    discarded = discarding.tidy_and_discard(taken, book)
    reach("discarded", claimed)
    return taking.with_discards(reports, discarded, seconds=monotonic() - started)


@contextmanager
def _transaction(turn: ExitStack, book: runs.Book) -> Iterator[None]:
    turn.enter_context(book.turn)
    with transaction.atomic(durable=True):
        _bound_this_transaction()
        yield


def _write_together(
    lessons: Sequence[Readable],
) -> tuple[dict[UUID, Written], list[halves.Refused]]:
    users = ensure_users(rows.people_of(lessons))
    reach("users_ensured", [each.lesson.id for each in lessons])
    written = rows.write_lessons(lessons, users)
    return written, halves.displaced(written)


def _bound_this_transaction() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lock_timeout', '10s', true),"
            " set_config('statement_timeout', %s, true),"
            " set_config('idle_in_transaction_session_timeout', '120s', true),"
            # Redis forgets after this commit, so it must be on the disk. Where the
            # server is set stricter than that, it stays so.
            " set_config('synchronous_commit', CASE WHEN"
            " current_setting('synchronous_commit') IN ('off', 'local') THEN 'on'"
            " ELSE current_setting('synchronous_commit') END, true)",
            [f"{claims.STATEMENT_SECONDS}s"],
        )


def _check_constraints_now() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
