"""Versions of live lessons: the event stream asks for them many times a second."""

from collections.abc import Sequence
from uuid import UUID

from attendance.live import client, keys

GONE = ""
AWAY = "away"
"""Stands for a version while the live store does not answer."""


def read_versions(lesson_ids: Sequence[UUID]) -> dict[UUID, str]:
    """A version of each lesson that changes whenever its board would, in one round trip.

    Also when nothing is written: as minutes pass, and when the lesson begins and ends.

    `GONE` for a lesson that Redis does not hold; one that cannot be read is left
    out. Raises LiveStoreUnavailable.
    """
    calls = [client.Call("version", [keys.lesson(i)]) for i in lesson_ids]
    replies = client.run_many(calls) if calls else []
    return {
        lesson_id: _version(reply)
        for lesson_id, reply in zip(lesson_ids, replies, strict=True)
        if isinstance(reply, list)
    }


def _version(reply: list[bytes]) -> str:
    if reply[0] != b"version":
        return GONE
    return "-".join(part.decode() for part in reply[1:])
