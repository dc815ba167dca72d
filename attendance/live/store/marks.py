"""Corrections, and the register of a lesson that lives in Redis."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from attendance.errors import LessonUnreadable
from attendance.live import client, decoding, devices, keys, many, payloads
from attendance.live.envelope import Corrupt
from attendance.live.newest import NEWEST
from attendance.live.payloads import (
    EventData,
    LiveEvent,
    LiveLesson,
    LiveRecord,
    RecordData,
    RequestKey,
)
from attendance.live.records import decode_records
from attendance.live.refusals import LiveRefusal, decode_refusals
from attendance.live.store import queue
from attendance.live.store.replies import decode_record, refuse
from attendance.live.store.request_ids import NO_REQUEST, most_events
from attendance.live.store.rosters import NOBODY, LiveRoster, decode_roster
from attendance.vocabulary import MOST_RECORDS


class FoundRecord(NamedTuple):
    record: LiveRecord | None
    is_repeated: bool


class CorrectedRecord(NamedTuple):
    """A record as a correction leaves it, made from the revision that was read."""

    data: RecordData
    status: str
    checked_in_at_ms: int | str
    """Epoch ms, or '' for none."""
    previous: str
    mark: str
    seen_revision: int
    """The record's revision that was read; 0 where there was none."""
    request: RequestKey
    event: EventData
    old: str
    new: str
    was_counted: bool = False
    """Whether it comes back: where records are missing, it is one of them."""


class Register(NamedTuple):
    lesson: LiveLesson
    records: Sequence[LiveRecord] = ()
    events: Sequence[LiveEvent] = ()
    refusals: Sequence[LiveRefusal] = ()
    roster: LiveRoster = NOBODY
    """Who is expected; nobody without a section."""
    roster_changes: int = 0
    """How often its copy of the roster was written; the revision does not show it."""
    refused_attempts: int = 0
    """How often somebody was refused; 0 for a caller who did not ask for refusals."""
    devices: Mapping[str, int] = devices.NONE
    """The group of each number that shares a browser, for a caller who asked for refusals."""
    unreadable: int = 0
    """How many values stand where a record or an event should be and cannot be read."""
    is_unchanged: bool = False
    """Whether the caller has all of it already; then only the lesson was read."""


class RecordHistory(NamedTuple):
    lesson: LiveLesson
    record: LiveRecord | None
    events: list[LiveEvent]
    """Of the whole lesson, oldest first."""


_LOOKED_INTO = 500
"""Lessons in which one run of a script looks for a person: about a millisecond."""
_CORRECT_KEYS = (keys.lesson, keys.records, keys.corrupt, keys.events, keys.requests)
_READ_KEYS = (keys.lesson, keys.records, keys.events, keys.requests)


def correct(lesson_id: UUID, correction: CorrectedRecord) -> LiveRecord:
    """Write a corrected record with its event, if nobody changed it since it was read.

    The same request again returns the record and changes nothing. Raises LessonNotFound,
    RequestIdReused, Conflict, LessonFull and LessonHasTooManyChanges.
    """
    number = correction.data.school_number
    before = NEWEST.revision(lesson_id)
    reply = client.run(
        "correct",
        [key(lesson_id) for key in _CORRECT_KEYS],
        (
            str(lesson_id),
            number,
            correction.seen_revision,
            *correction.request,
            correction.status,
            correction.checked_in_at_ms,
            correction.previous,
            correction.mark,
            payloads.encode(correction.data),
            correction.old,
            correction.new,
            payloads.encode(correction.event),
            MOST_RECORDS,
            most_events(correction.event),
            "1" if correction.was_counted else "",
        ),
    )
    if reply[0] not in {b"corrected", b"repeated"}:
        refuse(reply)
    record = decode_record(lesson_id, number, reply[1])
    if reply[0] == b"corrected":
        NEWEST.keep(lesson_id, record.revision, before=before)
    return record


def read_record(
    lesson_id: UUID, school_number: str, *, request: RequestKey = NO_REQUEST
) -> FoundRecord:
    """One student's record, if it can be read, and whether this request corrected it.

    Raises LessonNotFound where the lesson is not in the live store, and RequestIdReused.
    """
    reply = client.run(
        "read_record", [key(lesson_id) for key in _READ_KEYS], (school_number, *request)
    )
    if reply[0] != b"record":
        refuse(reply)
    _, raw, is_repeated = reply
    try:
        record = decoding.decode_record(lesson_id, school_number, raw) if raw else None
    except Corrupt:
        record = None
    return FoundRecord(record, is_repeated=bool(is_repeated))


def find_records_of(school_numbers: Sequence[str]) -> dict[UUID, list[LiveRecord]]:
    """One person's records in all lessons, under any of their numbers, in two round trips.

    Only those that can be read, and only lessons that have one; whether the lesson itself can be
    read, the caller has to ask. Raises LiveStoreUnavailable.
    """
    records: dict[UUID, list[LiveRecord]] = {}
    members = queue.due_members()
    found = many.read("records_of", members, [keys.records], school_numbers, at_once=_LOOKED_INTO)
    for member, flat in zip(members, found, strict=True):
        lesson_id = queue.lesson_id(member.encode()) if flat else None
        if lesson_id is None:
            continue
        for place, raw in zip(flat[::2], flat[1::2], strict=True):
            with contextlib.suppress(Corrupt):
                record = decoding.decode_record(lesson_id, school_numbers[place], raw)
                records.setdefault(lesson_id, []).append(record)
    return records


def register(
    lesson_id: UUID,
    *,
    known_revision: int | None = None,
    known_refused: int | None = None,
    known_roster_changes: int | None = None,
    with_refusals: bool = False,
    with_events: bool = False,
) -> Register:
    """The records of a live lesson, by school number: one round trip.

    Where the lesson is still at `known_revision`, and also at `known_refused` attempts and
    `known_roster_changes` for who gives them, only the lesson is read. Raises LessonNotFound and
    LessonUnreadable.
    """
    refused: int | str = "" if not with_refusals else -1 if known_refused is None else known_refused
    reply = client.run(
        "register",
        keys.of_lesson(lesson_id),
        (
            "" if known_revision is None else known_revision,
            refused,
            "1" if with_events else "",
            "" if known_roster_changes is None else known_roster_changes,
        ),
    )
    if reply[0] == b"unchanged":
        lesson = _lesson(lesson_id, reply[1], reply[2])
        return Register(
            lesson=lesson,
            refused_attempts=int(reply[3]),
            roster_changes=_count(reply[4]),
            is_unchanged=True,
        )
    if reply[0] != b"register":
        refuse(reply)
    return _register(lesson_id, reply)


def read_refusals(lesson_id: UUID) -> list[LiveRefusal]:
    """The refused check-ins of a lesson; none where Redis does not hold it."""
    flat = client.run("read_refusals", [keys.refusals(lesson_id)])
    return decode_refusals(lesson_id, flat)


def read_history(lesson_id: UUID, school_number: str) -> RecordHistory:
    """One student's record and the events of the lesson: one round trip.

    What cannot be read is left out. Raises LessonNotFound and LessonUnreadable.
    """
    parts = (keys.lesson, keys.records, keys.events)
    reply = client.run("read_history", [key(lesson_id) for key in parts], (school_number,))
    if reply[0] != b"history":
        refuse(reply)
    _, read_at, fields, raw, raw_events = reply
    record = None
    if raw:
        with contextlib.suppress(Corrupt):
            record = decoding.decode_record(lesson_id, school_number, raw)
    events, _unreadable = _events(lesson_id, raw_events)
    return RecordHistory(_lesson(lesson_id, read_at, fields), record, events)


def _register(lesson_id: UUID, reply: list[Any]) -> Register:
    _, read_at, fields, refused, flat, raw_events, corrupt, refusals, roster, changes, shared = (
        reply
    )
    records, damaged = decode_records(lesson_id, zip(flat[::2], flat[1::2], strict=True))
    events, unreadable = _events(lesson_id, raw_events)
    return Register(
        lesson=_lesson(lesson_id, read_at, fields),
        records=sorted(records, key=lambda record: record.school_number),
        events=events,
        refusals=decode_refusals(lesson_id, refusals),
        roster=decode_roster(lesson_id, roster),
        roster_changes=_count(changes),
        refused_attempts=int(refused),
        devices=devices.groups_of(shared),
        unreadable=len(damaged) + unreadable + len(corrupt),
    )


def _count(raw: bytes) -> int:
    # A hint that anybody could have overwritten: what is no number counts as none.
    return int(raw) if raw.isdigit() else 0


def _lesson(lesson_id: UUID, read_at: bytes, fields: list[bytes]) -> LiveLesson:
    try:
        return decoding.decode_lesson(lesson_id, read_at, fields)
    except Corrupt as error:
        raise LessonUnreadable from error


def _events(lesson_id: UUID, raw_events: list[bytes]) -> tuple[list[LiveEvent], int]:
    """The events that can be read, and how many cannot."""
    events = []
    for raw in raw_events:
        with contextlib.suppress(Corrupt):
            events.append(decoding.decode_event(lesson_id, raw))
    return events, len(raw_events) - len(events)
