"""Corrections, and the register of a lesson that lives in Redis."""

import contextlib
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from attendance.errors import LessonUnreadable
from attendance.live import client, decoding, keys, payloads
from attendance.live.envelope import Corrupt
from attendance.live.payloads import EventData, LiveEvent, LiveLesson, LiveRecord, RecordData
from attendance.live.refusals import RefusedCheckIn, decode_refusals
from attendance.live.store.replies import decode_record, refuse
from attendance.vocabulary import MOST_RECORDS


class FoundRecord(NamedTuple):
    record: LiveRecord | None
    is_repeated: bool


class Correction(NamedTuple):
    """A record as a correction leaves it, made from the revision that was read."""

    data: RecordData
    status: str
    checked_in_at_ms: int | str
    """Epoch ms, or '' for none."""
    previous: str
    mark: str
    seen_revision: int
    """The record's revision that was read; 0 where there was none."""
    request_id: str
    event: EventData
    old: str
    new: str


class Register(NamedTuple):
    lesson: LiveLesson
    records: list[LiveRecord]
    events: list[LiveEvent]
    unreadable: int
    """How many values stand where a record should be and cannot be read."""
    is_unchanged: bool = False
    """Whether the lesson is at the revision that the caller knows; then no records are read."""


def correct(lesson_id: UUID, correction: Correction) -> LiveRecord:
    """Write a corrected record with its event, if nobody changed it since it was read.

    The same request id again returns the record and changes nothing. Raises
    LessonNotFound, Conflict and LessonFull.
    """
    number = correction.data.school_number
    reply = client.run(
        "correct",
        [key(lesson_id) for key in (keys.lesson, keys.records, keys.corrupt, keys.events)],
        str(lesson_id),
        number,
        correction.seen_revision,
        correction.request_id,
        correction.status,
        correction.checked_in_at_ms,
        correction.previous,
        correction.mark,
        payloads.encode(correction.data),
        correction.old,
        correction.new,
        payloads.encode(correction.event),
        MOST_RECORDS,
    )
    if reply[0] not in {b"corrected", b"repeated"}:
        refuse(reply)
    return decode_record(lesson_id, number, reply[1])


def read_record(lesson_id: UUID, school_number: str, *, request_id: str) -> FoundRecord:
    """One student's record, if it can be read, and whether this request corrected it.

    Raises LessonNotFound where the lesson is not in the live store.
    """
    reply = client.run(
        "read_record",
        [key(lesson_id) for key in (keys.lesson, keys.records, keys.events)],
        school_number,
        request_id,
    )
    if reply[0] != b"record":
        refuse(reply)
    _, raw, is_repeated = reply
    try:
        record = decoding.decode_record(lesson_id, school_number, raw) if raw else None
    except Corrupt:
        record = None
    return FoundRecord(record, is_repeated=bool(is_repeated))


def read_records_of(school_number: str, lesson_ids: Sequence[UUID]) -> dict[UUID, LiveRecord]:
    """One student's records in many lessons, in one round trip; only those that can be read."""
    calls = [
        client.Call(
            "read_record",
            [key(i) for key in (keys.lesson, keys.records, keys.events)],
            (school_number, ""),
        )
        for i in lesson_ids
    ]
    found: dict[UUID, LiveRecord] = {}
    for lesson_id, reply in zip(lesson_ids, client.run_many(calls) if calls else [], strict=True):
        if isinstance(reply, list) and reply[0] == b"record" and reply[1]:
            with contextlib.suppress(Corrupt):
                found[lesson_id] = decoding.decode_record(lesson_id, school_number, reply[1])
    return found


def register(
    lesson_id: UUID, *, known_revision: int | None = None, with_events: bool = False
) -> Register:
    """Roster and records of a live lesson, by school number.

    Where the lesson is still at `known_revision`, only the lesson is read. Raises
    LessonNotFound and LessonUnreadable.
    """
    reply = client.run(
        "register",
        [key(lesson_id) for key in (keys.lesson, keys.records, keys.events, keys.corrupt)],
        "" if known_revision is None else known_revision,
        "1" if with_events else "",
    )
    if reply[0] == b"unchanged":
        return _register(lesson_id, *reply[1:], [], [], [])._replace(is_unchanged=True)
    if reply[0] != b"register":
        refuse(reply)
    return _register(lesson_id, *reply[1:])


def read_refusals(lesson_id: UUID) -> list[RefusedCheckIn]:
    """The refused check-ins of a lesson; none where it is not there."""
    flat = client.run("read_refusals", [keys.refusals(lesson_id)])
    return decode_refusals(lesson_id, flat)


def _register(
    lesson_id: UUID, read_at: bytes, fields: list[bytes], *lists: list[bytes]
) -> Register:
    flat, raw_events, corrupt = lists
    try:
        lesson = decoding.decode_lesson(lesson_id, read_at, fields)
    except Corrupt as error:
        raise LessonUnreadable from error
    found: list[LiveRecord] = []
    events: list[LiveEvent] = []
    unreadable = len(corrupt)
    for field, raw in zip(flat[::2], flat[1::2], strict=True):
        try:
            found.append(decoding.decode_record(lesson_id, field.decode("ascii", "replace"), raw))
        except Corrupt:
            unreadable += 1
    for raw in raw_events:
        try:
            events.append(decoding.decode_event(lesson_id, raw))
        except Corrupt:
            unreadable += 1
    return Register(lesson, sorted(found, key=lambda r: r.school_number), events, unreadable)
