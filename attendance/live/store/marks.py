"""Check-ins and corrections of a lesson that lives in Redis."""

from typing import Any, NamedTuple, NoReturn
from uuid import UUID

from attendance.errors import (
    Conflict,
    LessonClosed,
    LessonFull,
    LessonNotFound,
    LessonNotOpen,
    LessonUnreadable,
)
from attendance.live import client, keys, records
from attendance.live.envelope import Corrupt
from attendance.live.records import (
    EventData,
    LiveEvent,
    LiveLesson,
    LiveRecord,
    RecordData,
)
from attendance.vocabulary import MOST_RECORDS


class CheckIn(NamedTuple):
    record: LiveRecord
    is_repeated: bool


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


def check_in(lesson_id: UUID, data: RecordData) -> CheckIn:
    """Mark a student as here, present or late by the live store's clock.

    Repeated, it returns the first record unchanged. Raises LessonNotFound,
    LessonNotOpen, LessonClosed and LessonFull.
    """
    reply = client.run(
        "check_in",
        [keys.lesson(lesson_id), keys.records(lesson_id), keys.corrupt(lesson_id)],
        str(lesson_id),
        data.school_number,
        records.encode(data),
        MOST_RECORDS,
    )
    if reply[0] not in {b"created", b"repeated"}:
        _raise(reply)
    record = _decode(lesson_id, data.school_number, reply[1])
    return CheckIn(record, is_repeated=reply[0] == b"repeated")


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
        records.encode(correction.data),
        correction.old,
        correction.new,
        records.encode(correction.event),
        MOST_RECORDS,
    )
    if reply[0] not in {b"corrected", b"repeated"}:
        _raise(reply)
    return _decode(lesson_id, number, reply[1])


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
        _raise(reply)
    _, raw, is_repeated = reply
    try:
        record = records.decode_record(lesson_id, school_number, raw) if raw else None
    except Corrupt:
        record = None
    return FoundRecord(record, is_repeated=bool(is_repeated))


def register(
    lesson_id: UUID, *, known_revision: int | None = None, with_events: bool = False
) -> Register | None:
    """Roster and records of a live lesson, by school number.

    Returns None where the lesson is still at `known_revision`. Raises
    LessonNotFound and LessonUnreadable.
    """
    reply = client.run(
        "register",
        [key(lesson_id) for key in (keys.lesson, keys.records, keys.events, keys.corrupt)],
        "" if known_revision is None else known_revision,
        "1" if with_events else "",
    )
    if reply[0] == b"unchanged":
        return None
    if reply[0] != b"register":
        _raise(reply)
    return _register(lesson_id, *reply[1:])


def _register(
    lesson_id: UUID, read_at: bytes, fields: list[bytes], *lists: list[bytes]
) -> Register:
    flat, raw_events, corrupt = lists
    try:
        lesson = records.decode_lesson(lesson_id, read_at, fields)
    except Corrupt as error:
        raise LessonUnreadable from error
    found: list[LiveRecord] = []
    events: list[LiveEvent] = []
    unreadable = len(corrupt)
    for field, raw in zip(flat[::2], flat[1::2], strict=True):
        try:
            found.append(records.decode_record(lesson_id, field.decode("ascii", "replace"), raw))
        except Corrupt:
            unreadable += 1
    for raw in raw_events:
        try:
            events.append(records.decode_event(lesson_id, raw))
        except Corrupt:
            unreadable += 1
    return Register(lesson, sorted(found, key=lambda r: r.school_number), events, unreadable)


def _decode(lesson_id: UUID, number: str, raw: bytes) -> LiveRecord:
    try:
        return records.decode_record(lesson_id, number, raw)
    except Corrupt as error:
        raise LessonUnreadable(f"The record of {number} cannot be read: {error}.") from error


def _raise(reply: list[Any]) -> NoReturn:
    match reply[0]:
        case b"not_found" | b"starting":
            raise LessonNotFound
        case b"not_open":
            starts_at = records.instant(int(reply[1])).isoformat()
            raise LessonNotOpen(starts_at=starts_at)
        case b"closed":
            raise LessonClosed(ends_at=records.instant(int(reply[1])).isoformat())
        case b"full":
            raise LessonFull
        case b"conflict":
            raise Conflict
        case _:
            raise LessonUnreadable
