"""The outbox: check-ins that wait to be sent to the external verifier.

An entry is written by the check-in's own script, so it survives what the
check-in survives. It outlives its lesson: a lesson may be stored and discarded
while the verifier cannot be reached.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

from redis import Redis

from attendance.live import client, decoding, keys
from attendance.live.envelope import Corrupt
from attendance.live.payloads import LiveLesson, LiveRecord
from attendance.live.store import Missing, queue, reading
from attendance.rules import instants
from attendance.vocabulary import Check

logger = logging.getLogger(__name__)

FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 2_000, 300_000
KEEP_EMPTY = timedelta(hours=1)
"""How long an outbox without a lesson is kept: its lesson may just be starting."""

GIVE_UP = timedelta(hours=24)
"""How long after the end of its lesson a check-in still waits for a verdict."""


class OutboxEntry(NamedTuple):
    """One check-in to be sent, taken so that nobody else sends it for a while."""

    lesson_id: UUID
    record: LiveRecord
    raw: bytes
    attempts: int


def take(*, most: int) -> list[OutboxEntry]:
    """Take at most `most` entries that are due; each is due again after a pause that doubles.

    Raises LiveStoreUnavailable.
    """
    entries: list[OutboxEntry] = []
    for lesson_id in _lessons():
        entries += _take_of(lesson_id, most - len(entries))
        if len(entries) >= most:
            break
    return entries


def settle(entry: OutboxEntry) -> None:
    """Remove an entry that was sent, or that nobody needs any more."""
    client.run(
        "settle_outbox",
        [keys.outbox(entry.lesson_id)],
        (
            entry.record.school_number,
            entry.raw,
        ),
    )


def list_again(lessons: Iterable[LiveLesson]) -> None:
    """Before lessons leave Redis: list their outboxes, also where the list was damaged.

    An outbox that is not listed is never sent, and never ends. Raises LiveStoreUnavailable.
    """
    for lesson in lessons:
        if Check.EXTERNAL in lesson.data.checks:
            queue.expect_verdicts(lesson.id, instants.milliseconds(lesson.ends_at))


def tidy() -> None:
    """Remove empty outboxes of lessons that left Redis, and what waited too long to matter.

    What was pending stays pending: somebody decides it on the board. Each run calls this, so
    outboxes also end where no verifier is set up any more. Raises LiveStoreUnavailable.
    """
    now = reading.now()
    for lesson_id, ends_at_ms in _lessons_with_ends():
        age = now - instants.instant(ends_at_ms)
        is_empty = not client.command(partial(_exists, lesson_id))
        if is_empty and age > KEEP_EMPTY:
            is_gone = reading.read_lessons([lesson_id])[lesson_id] is Missing.NOT_FOUND
        else:
            is_gone = age > GIVE_UP
        if is_gone:
            left = client.command(partial(_remove, lesson_id))
            if left:
                logger.warning(
                    "%d check-ins of lesson %s waited for the verifier for too long and are not "
                    "sent any more",
                    left,
                    lesson_id,
                )


def _exists(lesson_id: UUID, redis: Redis) -> bool:
    return bool(redis.exists(keys.outbox(lesson_id)))


def _remove(lesson_id: UUID, redis: Redis) -> int:
    """Returns how many check-ins were in it."""
    key = keys.outbox(lesson_id)
    left = int(redis.hlen(key)) if redis.type(key) == b"hash" else 0
    redis.delete(key)
    redis.zrem(keys.OUTBOXES, str(lesson_id))
    return left


def _lessons() -> list[UUID]:
    return [lesson_id for lesson_id, _ in _lessons_with_ends()]


def _lessons_with_ends() -> list[tuple[UUID, int]]:
    rows = client.command(lambda redis: redis.zrange(keys.OUTBOXES, 0, -1, withscores=True))
    strange = [member for member, _ in rows if queue.lesson_id(member) is None]
    if strange:
        client.command(lambda redis: redis.zrem(keys.OUTBOXES, *strange))
    ends = ((queue.lesson_id(member), int(score)) for member, score in rows)
    return [(lesson_id, score) for lesson_id, score in ends if lesson_id is not None]


def _take_of(lesson_id: UUID, most: int) -> list[OutboxEntry]:
    flat = client.run(
        "take_outbox",
        [keys.outbox(lesson_id)],
        (
            most,
            FIRST_PAUSE_MS,
            LONGEST_PAUSE_MS,
        ),
    )
    entries = []
    for number, raw, attempts in zip(flat[::3], flat[1::3], flat[2::3], strict=True):
        try:
            record = decoding.decode_record(lesson_id, number.decode("ascii", "replace"), raw)
        except Corrupt:
            # The lesson still holds the record, and persistence quarantines it from there.
            client.run(
                "settle_outbox",
                [keys.outbox(lesson_id)],
                (
                    number,
                    raw,
                ),
            )
            continue
        entries.append(OutboxEntry(lesson_id, record, raw, int(attempts)))
    return entries
