"""Taking a lesson out of Redis: read all of it at one revision, then discard that revision."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from attendance.live import client, decoding, devices, keys
from attendance.live.envelope import Corrupt
from attendance.live.payloads import LiveEvent, LiveLesson, LiveRecord, RequestKey
from attendance.live.records import decode_records, field_text
from attendance.live.refusals import LiveRefusal, decode_refusals


class CorruptPayload(NamedTuple):
    """Bytes that cannot be read, where they stood and why."""

    kind: str
    field: str
    payload: bytes
    reason: str


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """All that one lesson holds, read atomically at `lesson.revision`."""

    lesson: LiveLesson
    raw_lesson: bytes
    raw_records: dict[bytes, bytes]
    raw_events: list[bytes]
    raw_corrupt: list[bytes]
    refusals: list[LiveRefusal]
    devices: dict[str, int]
    """The group of each number that shares a browser with another."""

    @property
    def read(self) -> int:
        """How many payloads stand where records should be."""
        return len(self.raw_records) + len(self.raw_corrupt)

    @property
    def digest(self) -> str:
        """A SHA-256 that differs where anything in the lesson differs."""
        parts = [self.raw_lesson, *self.raw_events, b"", *self.raw_corrupt, b""]
        # Each after its length, so that no two lessons give the same bytes.
        whole = [piece for part in parts for piece in (_length_of(len(part)), part)]
        records = self.raw_records
        for field in sorted(records):
            raw = records[field]
            whole += (_length_of(len(field)), field, _length_of(len(raw)), raw)
        return sha256(b"".join(whole)).hexdigest()

    def has_event_of(self, request: RequestKey) -> bool:
        """Whether one of the events is of this request."""
        mark = f",{request.id},{request.digest},".encode()
        return any(mark in raw for raw in self.raw_events)

    def raw_event(self, event: LiveEvent) -> bytes:
        """The bytes of an event that was decoded from this snapshot."""
        mark = b"|%d," % event.revision
        return next(raw for raw in self.raw_events if mark in raw)

    def decode(self) -> "Decoded":
        """Read every payload; what cannot be read is set apart with the reason."""
        corrupt = [_corrupt_record(raw) for raw in self.raw_corrupt]
        records, unreadable = decode_records(self.lesson.id, self.raw_records.items())
        corrupt += (CorruptPayload("record", *each) for each in unreadable)
        events: list[LiveEvent] = []
        for number, raw in enumerate(self.raw_events):
            try:
                events.append(decoding.decode_event(self.lesson.id, raw))
            except Corrupt as error:
                corrupt.append(CorruptPayload("event", str(number), raw, str(error)))
        return Decoded(records, events, corrupt)


@lru_cache(maxsize=1_024)
def _length_of(length: int) -> bytes:
    # A lesson has few lengths, and to spell one takes longer than to look it up.
    return b"%d:" % length


class Decoded(NamedTuple):
    records: list[LiveRecord]
    events: list[LiveEvent]
    corrupt: list[CorruptPayload]


class Unsnapped(NamedTuple):
    """Why a lesson gave no snapshot: not_found, not_over, starting, unreadable."""

    outcome: str
    reason: str = ""
    payload: bytes = b""


def snapshot_many(lesson_ids: Sequence[UUID]) -> dict[UUID, Snapshot | Unsnapped]:
    """Read lessons that are over, each at one revision, in one round trip.

    Raises LiveStoreUnavailable.
    """
    parts = (keys.lesson, keys.records, keys.events, keys.corrupt, keys.refusals, keys.devices)
    calls = [client.Call("snapshot", [key(i) for key in parts]) for i in lesson_ids]
    replies = client.run_many(calls) if calls else []
    return {
        lesson_id: _snapshot(lesson_id, reply)
        for lesson_id, reply in zip(lesson_ids, replies, strict=True)
    }


def _snapshot(lesson_id: UUID, reply: Any) -> Snapshot | Unsnapped:
    if isinstance(reply, Exception):
        return Unsnapped("unreadable", str(reply))
    match reply[0]:
        case b"snapshot":
            return _decode_snapshot(lesson_id, reply)
        case b"not_found" | b"not_over" | b"starting" as outcome:
            return Unsnapped(outcome.decode())
        case b"wrong_type":
            part = reply[1].decode().rpartition(":")[2]
            return Unsnapped("unreadable", f"its key {part} has the wrong type")
        case b"headless":
            return Unsnapped("unreadable", "its own data is gone, its records are there")
        case _:
            return Unsnapped("unreadable", "a number of the lesson is damaged", reply[1])


def _decode_snapshot(lesson_id: UUID, reply: list[Any]) -> Snapshot | Unsnapped:
    _, read_at, fields, flat, raw_events, raw_corrupt, refusals, shared = reply
    try:
        lesson = decoding.decode_lesson(lesson_id, read_at, fields)
    except Corrupt as error:
        return Unsnapped("unreadable", str(error), fields[0])
    return Snapshot(
        lesson=lesson,
        raw_lesson=fields[0],
        raw_records=dict(zip(flat[::2], flat[1::2], strict=True)),
        raw_events=raw_events,
        raw_corrupt=raw_corrupt,
        refusals=decode_refusals(lesson_id, refusals),
        devices=devices.groups_of(shared),
    )


def _corrupt_record(raw: bytes) -> CorruptPayload:
    field, _, payload = raw.partition(b"|")
    return CorruptPayload(
        "record", field_text(field), payload, "a script met it in place of a record"
    )


class DiscardOutcome(NamedTuple):
    """What became of one lesson: discarded, changed, not_over, not_found or foreign."""

    outcome: str
    refusals: list[LiveRefusal]
    """All refusals that it held when it was discarded; some may have come after its snapshot."""


def discard_if_unchanged(
    snapshots: Sequence[Snapshot], *, sites: Collection[str] = ()
) -> dict[UUID, DiscardOutcome]:
    """Remove each lesson that is still at its snapshot's revision and last event, and over.

    One that another site started than these stays. Raises LiveStoreUnavailable; whatever was
    removed by then was stored before.
    """
    calls = [
        client.Call(
            "discard_if_unchanged",
            keys.of_lesson(snapshot.lesson.id),
            (
                snapshot.lesson.revision,
                snapshot.raw_events[-1] if snapshot.raw_events else b"",
                ",".join(sorted(sites)),
            ),
        )
        for snapshot in snapshots
    ]
    replies = client.run_many(calls) if calls else []
    return {
        snapshot.lesson.id: _discard(snapshot.lesson.id, reply)
        for snapshot, reply in zip(snapshots, replies, strict=True)
    }


def _discard(lesson_id: UUID, reply: Any) -> DiscardOutcome:
    if isinstance(reply, Exception):
        return DiscardOutcome("changed", [])
    refusals = decode_refusals(lesson_id, reply[1]) if reply[0] == b"discarded" else []
    return DiscardOutcome(reply[0].decode(), refusals)
