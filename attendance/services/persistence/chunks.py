"""One chunk of lessons: the six steps, and what is tried where they fail.

    1  BEGIN, and claim each lesson; what somebody else works on is left alone
    2  take a snapshot of each lesson at its revision R
    3  ensure that every user exists, and hold their rows
    4  write attendances, records and events; what is known moves only forward; of a lesson of a
       section, mark whoever was expected and has no record
    5  quarantine what cannot be read; captured = stored, or roll back; COMMIT
    6  discard each lesson from Redis, only if it is still at R, and over

Whichever step a process dies at, the next run completes what it left.
docs/explanation/protocol.md says why each step is there.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from uuid import UUID

from django.db import connection, transaction

from attendance.errors import LiveStoreUnavailable
from attendance.services import claims, ledger, refusals, shared_devices, telling
from attendance.services.database_errors import Kind, kind_of, text_of
from attendance.services.persistence import (
    captured,
    discard,
    halving,
    news,
    parked,
    people,
    quarantine,
    refused,
    rosters,
    rows,
    runs,
    snapshots,
    sums,
)
from attendance.services.persistence.failpoints import reach
from attendance.services.persistence.lanes import Turn
from attendance.services.persistence.report import LessonReport
from attendance.services.persistence.row_values import Readable
from attendance.services.persistence.rows import Written
from attendance.services.persistence.snapshots import ChunkSnapshots
from attendance.services.stores import durable_commits
from attendance.services.telling import ToldLesson
from reports import totals
from users.services import ensure_users

logger = logging.getLogger(__name__)

Writer = Callable[[Sequence[Readable], Turn], tuple[dict[UUID, Written], list[refused.Refused]]]


def persist_chunk(chunk: Sequence[UUID], *, book: runs.Book) -> list[LessonReport]:
    """Persist lessons together; if that fails, each alone; if the data of one is refused, halved.

    `book` is the run's: what this chunk commits is counted there. Returns a report
    for each lesson. Raises LiveStoreUnavailable, and django.db.Error where the
    connection is lost: both end the run.
    """
    return _try(chunk, _write_together, book)


def _try(chunk: Sequence[UUID], write: Writer, book: runs.Book) -> list[LessonReport]:
    """The ladder: together, then one by one, then in halves, then parked."""
    try:
        return _persist(chunk, write, book)
    except LiveStoreUnavailable:
        raise
    except Exception as error:
        kind = kind_of(error)
        if kind is Kind.GONE:
            raise
        if len(chunk) > 1:
            logger.warning("A chunk failed, its lessons are tried alone: %s", text_of(error))
            return [report for lesson_id in chunk for report in _try([lesson_id], write, book)]
        if kind is Kind.DATA and write is not halving.write:
            return _try(chunk, halving.write, book)
        return [parked.give_up(chunk[0], error, kind)]


def _persist(chunk: Sequence[UUID], write: Writer, book: runs.Book) -> list[LessonReport]:
    started = monotonic()
    # The turn comes before the transaction: a lane that waits to read holds no lock.
    with book.turns.begin() as turn, _transaction():
        claimed = claims.claim(chunk)
        if len(claimed) < len(chunk):
            claims.end_stalled([i for i in chunk if i not in set(claimed)])
        reach("claimed", claimed)
        lessons = snapshots.take_snapshots(claimed, sites=book.sites)
        reach("snapshot_taken", claimed)
        written, reports = _store(lessons, write, turn, claimed=claimed)
        reports += sums.busy(chunk, reports)
        persisted = sums.for_the_ledger(lessons, reports)
        lessons = snapshots.without_records(lessons)
        _add_up(written)
        ledger.mark_persisted(persisted)
        ledger.mark_stored([each.snapshot.lesson.id for each in lessons.stored])
        ledger.mark_lacks(snapshots.lacks_of(lessons))
        parked.write_down(lessons)
        commit = runs.add(book, reports)
        _check_keys_by_index()
        reach("before_commit", claimed)
    reach("committed", claimed)
    discarded = discard.tidy_and_discard(lessons, book, commit=commit)
    reach("discarded", claimed)
    return sums.with_discards(reports, discarded, seconds=monotonic() - started)


def _store(
    lessons: ChunkSnapshots, write: Writer, turn: Turn, *, claimed: Sequence[UUID]
) -> tuple[dict[UUID, Written], list[LessonReport]]:
    """Write rows and set apart what has none. Raises SumsDisagree where somebody is missing.

    Returns what was written of each lesson, and a report of each.
    """
    written, without_row = write([each.readable for each in lessons.to_write], turn)
    # Before anything that ensures users: the other lane may have made them, and wait to write.
    turn.end()
    written |= news.bring_in([each.news for each in lessons.rewound])
    reach("rows_written", claimed)
    quarantined = quarantine.keep_payloads(lessons, without_row)
    seen = [x.snapshot for x in lessons.to_write] + [x.snapshot for x in lessons.rewound]
    refusals.keep({snapshot.lesson.id: snapshot.refusals for snapshot in seen})
    shared_devices.keep({snapshot.lesson.id: snapshot.devices for snapshot in seen})
    _tell(lessons, written)
    in_table = captured.count_rows(lessons, without_row)
    reports = sums.report_lessons(lessons, written=written, quarantined=quarantined, rows=in_table)
    return written, reports


def _tell(lessons: ChunkSnapshots, written: Mapping[UUID, Written]) -> None:
    captured_lessons = [x.readable for x in lessons.to_write] + [x.news for x in lessons.rewound]
    telling.tell_stored(
        [
            ToldLesson(
                readable.lesson,
                [e for e in readable.events if e.revision in each.event_revisions],
                is_new=each.is_new,
            )
            for readable in captured_lessons
            if (each := written.get(readable.lesson.id)) is not None and each.has_changed
        ]
    )


def _add_up(written: Mapping[UUID, Written]) -> None:
    """The last locks of the transaction: whoever waits for these totals waits until its commit."""
    totals.follow_lessons(
        new=[i for i, each in written.items() if each.is_new],
        changed=[i for i, each in written.items() if not each.is_new],
    )


@contextmanager
def _transaction() -> Iterator[None]:
    with transaction.atomic(durable=True):
        _bound_this_transaction()
        yield


def _write_together(
    lessons: Sequence[Readable], turn: Turn
) -> tuple[dict[UUID, Written], list[refused.Refused]]:
    ids = [readable.lesson.id for readable in lessons]
    users = ensure_users(people.of_lessons(lessons), numbers=people.numbers_of(lessons))
    reach("users_ensured", ids)
    lessons = rosters.read(lessons, held=frozenset(users.values()))
    reach("rosters_read", ids)
    once = [refused.one_for_each_person(lesson, users) for lesson in lessons]
    if once:
        turn.write()
    written = rows.write_lessons([lesson for lesson, _ in once], users)
    reach("records_written", ids)
    return written, [each for _, second in once for each in second] + refused.displaced(written)


def _bound_this_transaction() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lock_timeout', '10s', true),"
            " set_config('statement_timeout', %s, true),"
            " set_config('idle_in_transaction_session_timeout', '120s', true),"
            # Redis forgets after this commit, and a pooler may have a session that was
            # opened before the account got its default.
            f" set_config('synchronous_commit', {durable_commits.RAISED}, true)",
            [f"{claims.STATEMENT_SECONDS}s"],
        )


def _check_keys_by_index() -> None:
    """The commit looks up a lesson and a user for each record, and plans that once a session.

    While few lessons are stored, a scan of all looks cheaper, and stays the plan as they grow.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('enable_seqscan', 'off', true)")
