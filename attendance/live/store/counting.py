"""How many records of a lesson have each status: counted where the lesson has changed since.

A process remembers what it has counted, and in which state the lesson was. A lesson of 5,000 takes
its server some milliseconds to count, in which it does nothing else, and whoever looks again has
mostly missed nothing.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from attendance.live import client, keys

MOST_REMEMBERED = 1_000
"""Lessons whose counts a process remembers; the one that was not asked for longest goes first."""

_KEYS = (keys.lesson, keys.records, keys.roster, keys.events)


class LessonCounts(NamedTuple):
    """What one lesson has, in numbers."""

    statuses: Mapping[str, int]
    """Records by status; those flagged as deleted are left out."""
    expected: int = 0
    """How many the copy of the roster names."""
    came: int = 0
    """How many of them are present, late, or wait for a decision."""
    has_two_of_one: bool = False
    """Whether somebody has records under two numbers; the register shows the one that counts."""


class _CountedState(NamedTuple):
    state: bytes
    """What count_statuses.lua calls it: equal where nothing has changed that is counted."""
    counts: LessonCounts


_NOTHING = _CountedState(b"", LessonCounts({}))


class _CountedLessons:
    """What this process has counted. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: dict[UUID, _CountedState] = {}

    def counted(self, lesson_id: UUID) -> _CountedState:
        return self._counted.get(lesson_id, _NOTHING)

    def keep(self, lesson_id: UUID, counted: _CountedState) -> None:
        with self._lock:
            self._counted.pop(lesson_id, None)
            self._counted[lesson_id] = counted
            while len(self._counted) > MOST_REMEMBERED:
                del self._counted[next(iter(self._counted))]


_memory = _CountedLessons()


def count_lessons(lesson_ids: Sequence[UUID]) -> dict[UUID, LessonCounts]:
    """The counts of each lesson, in one round trip; nothing for one that cannot be read.

    Raises LiveStoreUnavailable.
    """
    known = {lesson_id: _memory.counted(lesson_id) for lesson_id in lesson_ids}
    calls = [
        client.Call("count_statuses", [key(i) for key in _KEYS], (counted.state,))
        for i, counted in known.items()
    ]
    replies = client.run_many(calls) if calls else []
    return {
        lesson_id: _counts(lesson_id, reply, known[lesson_id])
        for lesson_id, reply in zip(known, replies, strict=True)
    }


def _counts(lesson_id: UUID, reply: object, known: _CountedState) -> LessonCounts:
    if not isinstance(reply, list) or reply[0] not in {b"counts", b"unchanged"}:
        return _NOTHING.counts
    if reply[0] == b"counts":
        _, state, expected, came, has_two, *flat = reply
        statuses = {s.decode(): int(n) for s, n in zip(flat[::2], flat[1::2], strict=True)}
        known = _CountedState(
            state, LessonCounts(statuses, int(expected), int(came), bool(has_two))
        )
    _memory.keep(lesson_id, known)
    return known.counts
