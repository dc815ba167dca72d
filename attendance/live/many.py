"""Reading many lessons with few runs of a script: each takes as many lessons as slots allow."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from redis.crc import key_slot

from attendance.live import client

LessonId = TypeVar("LessonId", UUID, str)


def read(
    script: str,
    lesson_ids: Sequence[LessonId],
    parts: Sequence[Callable[[LessonId], str]],
    args: Sequence[str] = (),
    *,
    at_once: int,
) -> list[Any]:
    """Run a script that takes the `parts` of one lesson after the other as its keys.

    Returns what it said of each lesson, in order, in one round trip to each server. One run reads
    `at_once` lessons at most: while it runs, Redis does nothing else. On a cluster only lessons
    whose keys share a slot are read by one run. Such a script must fail for no lesson alone: what
    is wrong with a key is a word of its reply. Raises LiveStoreUnavailable, and LessonUnreadable
    where it failed all the same.
    """
    batches = _batches(lesson_ids, parts[0], at_once)
    calls = [
        client.Call(script, [part(lesson_ids[i]) for i in places for part in parts], args)
        for places in batches
    ]
    said: list[Any] = [None] * len(lesson_ids)
    for places, reply in zip(batches, client.run_many(calls) if calls else [], strict=True):
        if isinstance(reply, Exception):
            raise reply
        for place, each in zip(places, reply, strict=True):
            said[place] = each
    return said


def _batches(
    lesson_ids: Sequence[LessonId], key: Callable[[LessonId], str], at_once: int
) -> list[Sequence[int]]:
    """The places of lessons that one run may read."""
    together: list[Sequence[int]] = [range(len(lesson_ids))]
    if settings.LIVE_STORE_NODES:
        by_slot: dict[int, list[int]] = {}
        for place, lesson_id in enumerate(lesson_ids):
            by_slot.setdefault(key_slot(key(lesson_id).encode()), []).append(place)
        together = list(by_slot.values())
    return [
        places[at : at + at_once] for places in together for at in range(0, len(places), at_once)
    ]
