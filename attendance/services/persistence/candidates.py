"""Which lessons a run looks at, in chunks whose size is counted in records."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from attendance.live import store
from attendance.live.payloads import LiveLesson
from attendance.live.store import DueLesson, Missing
from attendance.rules import instants
from attendance.services import ledger
from attendance.services.persistence import lost
from attendance.vocabulary import Trigger

CHUNK_RECORDS = 7_000
"""Enough that what a chunk costs by itself is little, and few enough that the two under way fit."""
CHUNK_LESSONS = 200
"""Also a bound for the locks that one transaction takes."""


class RunOptions(NamedTuple):
    limit: int | None = None
    """At most so many lessons."""
    chunk_records: int = CHUNK_RECORDS
    retry_parked: bool = False
    """Also look at parked lessons."""
    trigger: Trigger = Trigger.COMMAND


class Candidate(NamedTuple):
    lesson_id: UUID
    record_count: int


def chunks(
    lesson_ids: Sequence[UUID] | None,
    options: RunOptions,
    expect: Callable[[int], None],
    *,
    is_dry_run: bool,
) -> Iterator[list[UUID]]:
    """Lessons to persist, oldest end first, as many at a time as one transaction takes.

    On the way, the ledger learns of every lesson in due, also of those that are
    not over. Raises LiveStoreUnavailable.
    """
    if not is_dry_run:
        store.set_damaged_aside()
    if lesson_ids is not None:
        pages = iter([_candidates_of(lesson_ids)])
    else:
        pages = (_due_now(page, options, is_dry_run=is_dry_run) for page in store.due_pages())
    return _cut_into_chunks(islice(_announce(pages, expect), options.limit), options.chunk_records)


def _candidates_of(lesson_ids: Sequence[UUID]) -> list[Candidate]:
    ids = list(dict.fromkeys(lesson_ids))
    lessons = store.read_lessons(ids)
    return [Candidate(i, _count(lessons[i])) for i in ids]


def _due_now(page: list[DueLesson], options: RunOptions, *, is_dry_run: bool) -> list[Candidate]:
    ids = [due.lesson_id for due in page]
    lessons = store.read_lessons(ids)
    if not is_dry_run:
        ledger.observe(
            [x for x in lessons.values() if isinstance(x, LiveLesson) and not x.is_starting]
        )
    now = store.now()
    if not is_dry_run:
        # A lesson that ended early may be gone while due still has its old end.
        early = [due.lesson_id for due in page if due.ends_at > now]
        lost.settle_missing([i for i in early if lessons[i] is Missing.NOT_FOUND])
    parked = {} if options.retry_parked else store.parked_until(ids)
    waiting = {i for i, until in parked.items() if until > instants.milliseconds(now)}
    return [
        Candidate(due.lesson_id, _count(lessons[due.lesson_id]))
        for due in page
        if due.ends_at <= now and due.lesson_id not in waiting
    ]


def _count(lesson: LiveLesson | Missing) -> int:
    return lesson.record_count if isinstance(lesson, LiveLesson) else 0


def _announce(
    pages: Iterable[list[Candidate]], expect: Callable[[int], None]
) -> Iterator[Candidate]:
    for page in pages:
        expect(sum(candidate.record_count for candidate in page))
        yield from page


def _cut_into_chunks(candidates: Iterable[Candidate], most_records: int) -> Iterator[list[UUID]]:
    chunk: list[UUID] = []
    records = 0
    for candidate in candidates:
        is_full = records + candidate.record_count > most_records or len(chunk) >= CHUNK_LESSONS
        if chunk and is_full:
            yield chunk
            chunk, records = [], 0
        chunk.append(candidate.lesson_id)
        records += candidate.record_count
    if chunk:
        yield chunk
