"""Which lessons are due to be persisted, and which have to wait."""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from attendance.live import client, keys, many
from attendance.rules import instants

logger = logging.getLogger(__name__)

PAGE = 500
_PEEKED = 50
"""Lessons that one run of a script reads: about a millisecond."""
FOREVER = float("inf")
_ENDS_AT = 5
"""Where the end stands among the fields that the scripts return."""


class DueLesson(NamedTuple):
    lesson_id: UUID
    ends_at: datetime


def lesson_id(raw: bytes) -> UUID | None:
    """The lesson id in a key or a member, or None where it is not one."""
    try:
        uuid = UUID(raw.decode("ascii"))
    except ValueError:
        return None
    # Other spellings of an id could not be removed again by the id.
    return uuid if str(uuid).encode() == raw else None


def set_damaged_aside() -> None:
    """Rename each queue key of another type, so that the queue starts empty.

    Nothing is lost: the ledger and the lessons say what belongs in a queue. Raises
    LiveStoreUnavailable.
    """
    queues = (keys.DUE, keys.PARKED, keys.OUTBOXES, keys.NAMES, keys.DISCARDED)
    replies = client.run_many(
        [client.Call("set_aside", [key, keys.damaged(key)]) for key in queues]
    )
    for key, reply in zip(queues, replies, strict=True):
        if reply[0] == b"kept":
            logger.error(
                "%s was not a sorted set: it starts empty, its old bytes are in %s",
                key,
                keys.damaged(key),
            )


def read_name(key: str) -> bytes:
    """The lesson id that a teacher's or a code's key holds, or b''.

    Raises LiveStoreUnavailable, which names a key of another type.
    """
    value: bytes | None = client.command(lambda redis: redis.get(key), key=key)
    return value or b""


def due_pages(*, since: datetime | None = None) -> Iterator[list[DueLesson]]:
    """Every lesson in due, oldest end first, in pages of 500; never by SCAN.

    Pages follow (score, id), so that an entry which is removed meanwhile hides no
    other. `since` leaves out lessons that ended before it. An entry that is not a
    lesson id is removed; one whose score is not an instant counts as due, and gets
    the lesson's own end.
    """
    score, repeats = (instants.milliseconds(since) if since else -FOREVER), frozenset[bytes]()
    while rows := _rows(score, repeats):
        yield _decode(rows)
        last = rows[-1][1]
        at_last = frozenset(member for member, at in rows if at == last)
        repeats = at_last | repeats if last == score else at_last
        score = last


def due_members() -> list[str]:
    """What due names, oldest end first, by one command: ids of lessons, or whatever is there.

    To read them all as ids takes longer than Redis does. Raises LiveStoreUnavailable.
    """
    members = client.command(lambda redis: redis.zrange(keys.DUE, 0, -1))
    return [member.decode("ascii", "replace") for member in members]


def due_ids(*, above: UUID | None, below: UUID | None) -> list[UUID]:
    """The ids of lessons in due between two others, in no order; it changes nothing.

    What is no lesson id is left out. Raises LiveStoreUnavailable.
    """
    # Ids are in the same order as their texts.
    first, last = str(above or ""), str(below or "g")
    ids = (lesson_id(each.encode()) for each in due_members() if first < each < last)
    return [each for each in ids if each]


def _rows(score: float, repeats: frozenset[bytes]) -> list[tuple[bytes, float]]:
    # `repeats` have this very score and come again: ask for as many more.
    rows = client.command(
        lambda redis: redis.zrange(
            keys.DUE,
            score,
            "+inf",
            byscore=True,
            offset=0,
            num=PAGE + len(repeats),
            withscores=True,
        )
    )
    return [(member, at) for member, at in rows if member not in repeats]


def _decode(rows: list[tuple[bytes, float]]) -> list[DueLesson]:
    page, strange = [], []
    for member, score in rows:
        uuid = lesson_id(member)
        if uuid is None:
            strange.append(member)
        elif instants.FIRST_MS <= score < instants.LAST_MS:
            page.append(DueLesson(uuid, instants.instant(int(score))))
        else:
            sync_due(uuid)
            page.append(DueLesson(uuid, instants.instant(instants.FIRST_MS)))
    if strange:
        client.command(lambda redis: redis.zrem(keys.DUE, *strange))
    return page


def due_since(lesson_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """The end by which each of these lessons is entered in due, where it is."""
    scores = _scores(keys.DUE, lesson_ids)
    return {i: instants.instant(int(score)) for i, score in scores.items()}


def sync_due(lesson_id: UUID) -> None:
    """Give due the end that the lesson has now.

    Two writers may write due in the wrong order: each reads the end again after
    its write, so the last one always writes the end that the lesson has.
    """
    ends_at = _ends_at(lesson_id)
    while ends_at:
        _enter(keys.DUE, lesson_id, float(ends_at))
        entered_end, ends_at = ends_at, _ends_at(lesson_id)
        if entered_end == ends_at:
            return


def outside_due(lesson_ids: Sequence[UUID]) -> list[UUID]:
    """Those of these lessons that due does not name."""
    scores = _scores(keys.DUE, lesson_ids)
    return [lesson_id for lesson_id in lesson_ids if lesson_id not in scores]


def enter_due(lesson_id: UUID, ends_at: datetime) -> None:
    """Enter a lesson in due: a run looks at it from this instant on."""
    _enter(keys.DUE, lesson_id, instants.milliseconds(ends_at))


def _enter(key: str, lesson_id: UUID, score: float) -> None:
    client.command(lambda redis: redis.zadd(key, {str(lesson_id): score}))


def _ends_at(lesson_id: UUID) -> bytes | None:
    # A script, because the key may be of another type: then there is no end to follow.
    (reply,) = peek([lesson_id])
    if reply[0] != b"found":
        return None
    ends_at: bytes = reply[2][_ENDS_AT]
    return ends_at if ends_at.isdigit() else None


def peek(lesson_ids: Sequence[UUID]) -> list[list[Any]]:
    """What peek.lua says of each lesson, in order. Raises LiveStoreUnavailable."""
    return many.read("peek", lesson_ids, (keys.lesson, keys.records), at_once=_PEEKED)


def drop_due(lesson_ids: Sequence[UUID]) -> None:
    """Take lessons out of due and parked: they are not in Redis any more."""
    members = [str(lesson_id) for lesson_id in lesson_ids]
    if members:
        client.command(lambda redis: redis.zrem(keys.DUE, *members))
        client.command(lambda redis: redis.zrem(keys.PARKED, *members))


def expect_verdicts(lesson_id: UUID, ends_at_ms: int) -> None:
    """List the outbox of a lesson with external checks, before the lesson is live."""
    client.command(lambda redis: redis.zadd(keys.OUTBOXES, {str(lesson_id): ends_at_ms}))


def park(lesson_id: UUID, until: datetime | None) -> None:
    """Leave a lesson alone until an instant, or until a person looks (None)."""
    score = instants.milliseconds(until) if until else FOREVER
    _enter(keys.PARKED, lesson_id, score)


def unpark(lesson_ids: Sequence[UUID]) -> None:
    """Let lessons be tried again at once."""
    members = [str(lesson_id) for lesson_id in lesson_ids]
    if members:
        client.command(lambda redis: redis.zrem(keys.PARKED, *members))


def unpark_waiting() -> None:
    """Let every lesson be tried again at once that waits for an instant, not for a person."""
    client.command(lambda redis: redis.zremrangebyscore(keys.PARKED, "-inf", "(inf"))


def tidy_parked() -> None:
    """Unpark lessons that due does not name: they are stored, or never existed.

    A task may park a lesson just after another task has stored it.
    """
    # One atomic step: keep the members of both, with their score in parked.
    both = {keys.PARKED: 1, keys.DUE: 0}
    client.command(lambda redis: redis.zinterstore(keys.PARKED, both))


def parked_until(lesson_ids: Sequence[UUID]) -> dict[UUID, float]:
    """The epoch milliseconds until which each parked lesson is left alone."""
    return _scores(keys.PARKED, lesson_ids)


def _scores(key: str, lesson_ids: Sequence[UUID]) -> dict[UUID, float]:
    members = [str(lesson_id) for lesson_id in lesson_ids]
    scores = client.command(lambda redis: redis.zmscore(key, members)) if members else []
    return {
        lesson_id: score
        for lesson_id, score in zip(lesson_ids, scores, strict=True)
        if score is not None
    }
