"""The entry: every lesson that is over, chunk after chunk, and the report of the run.

`chunks.py` says what happens to a chunk.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from time import monotonic
from typing import NamedTuple
from uuid import UUID

from django.db import Error, connection

from attendance.errors import ForeignSite, LiveStoreUnavailable
from attendance.services.database_errors import text_of
from attendance.services.persistence import candidates, lanes, lost, runs
from attendance.services.persistence.candidates import RunOptions
from attendance.services.persistence.chunks import persist_chunk
from attendance.services.persistence.dry_run import compare_chunk
from attendance.services.persistence.report import LessonReport, PersistenceReport, Tally

logger = logging.getLogger(__name__)


def _never() -> bool:
    return False


def _ignore(count: int) -> None:
    return None


class Observer(NamedTuple):
    """Callbacks of a run: to stop it between two chunks, and to follow its progress."""

    should_stop: Callable[[], bool] = _never
    expect: Callable[[int], None] = _ignore
    """Called with the number of further records that were found."""
    advance: Callable[[int], None] = _ignore
    """Called with the number of further records that are done."""


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
    persist = compare_chunk if dry_run else partial(persist_chunk, book=book)

    def treat(chunk: Sequence[UUID]) -> list[LessonReport]:
        with _noting_what_is_gone(book):
            return persist(chunk)
        return []

    with _noting_what_is_gone(book):
        if not dry_run:
            runs.begin(book, options.trigger)
        chunks = candidates.chunks(lesson_ids, options, observer.expect, is_dry_run=dry_run)
        for reports in lanes.run(treat, _until(observer.should_stop, chunks, book)):
            tally.add(lost.explain(reports, is_asked=lesson_ids is not None))
        if lesson_ids is None and not (dry_run or book.unavailable or book.is_interrupted):
            tally.add(lost.find_lost())
    return runs.finish(book, options.trigger, tally, is_dry_run=dry_run, since=started)


@contextmanager
def _noting_what_is_gone(book: runs.Book) -> Iterator[None]:
    """A server that cannot be reached ends the run; the caller gets a report, not an error."""
    try:
        yield
    except (LiveStoreUnavailable, ForeignSite) as error:
        book.unavailable = error.detail
    except Error as error:
        book.unavailable = f"PostgreSQL: {text_of(error)}"
        connection.close_if_unusable_or_obsolete()


def _until(
    should_stop: Callable[[], bool], chunks: Iterator[list[UUID]], book: runs.Book
) -> Iterator[list[UUID]]:
    """Start no further chunk where the observer wants to stop, or a server is gone."""
    for chunk in chunks:
        book.is_interrupted = not book.unavailable and should_stop()
        if book.unavailable or book.is_interrupted:
            return
        yield chunk
