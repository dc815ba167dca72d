"""Check-ins: the one atomic step, and judging a code for it."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from attendance.errors import LessonUnreadable
from attendance.live import client, codes, decoding, keys, payloads
from attendance.live.envelope import Corrupt
from attendance.live.newest import NEWEST
from attendance.live.payloads import LessonData, LiveRecord, RecordData
from attendance.live.store.replies import decode_record, refuse
from attendance.rules import instants
from attendance.vocabulary import MOST_RECORDS, MOST_REFUSALS


class Shown(NamedTuple):
    """What a student shows beside their credential."""

    code: str = ""
    """As `codes.clean_code` leaves it."""
    scanned_at_ms: int | str = ""
    """When a scan, whose signature was verified, was judged; '' for none."""
    scan_id: str = ""
    """The first mark that this scan makes claims it."""
    scan_traits: str = ""
    """What the script has to know of it, with commas between: see check_in.lua."""
    address: str = ""
    """As `codes.hex_address` writes it."""
    device: str = ""
    """A digest of the browser that means something in this lesson alone, or ''."""


class NotExpected(Exception):
    """The copy of the roster does not name this student, and the section asks for it."""


class CheckIn(NamedTuple):
    record: LiveRecord
    is_repeated: bool
    lesson: LessonData
    starts_at: datetime
    ends_at: datetime


NOTHING_SHOWN = Shown()
_CHECK_IN_KEYS = (
    keys.lesson,
    keys.records,
    keys.corrupt,
    keys.refusals,
    keys.outbox,
    keys.roster,
    keys.events,
    keys.requests,
    keys.scans,
    keys.guesses,
    keys.devices,
)


def check_in(
    lesson_id: UUID,
    data: RecordData,
    shown: Shown = NOTHING_SHOWN,
    *,
    other_numbers: Sequence[str] = (),
    as_walk_in: RecordData | None = None,
) -> CheckIn:
    """Mark a student as here; the lesson's rule and the live store's clock give the status.

    Where the lesson has an external verifier, the record is pending. Repeated,
    it returns the first record unchanged. A refusal is kept for the teacher. Somebody
    of whom a teacher has spoken keeps that status, with the arrival beside it. Somebody with a
    record under one of `other_numbers` is here already, and that record is meant.

    NotExpected where the section holds or refuses whoever is not on its roster: the
    caller asks PostgreSQL, and tries again with `as_walk_in`, the record to be held.
    Raises LessonNotFound, LessonNotOpen, LessonClosed, LessonNotHeld, LessonFull,
    CodeMissing, CodeWrong, CodeExpired, CodeLonger, TooManyWrongCodes, ScanNotYours,
    NetworkNotAllowed, NotOnRoster and RejectedByTeacher.
    """
    before = NEWEST.revision(lesson_id)
    reply = client.run(
        "check_in",
        _keys_of(lesson_id),
        (
            str(lesson_id),
            data.school_number,
            payloads.encode(data),
            MOST_RECORDS,
            MOST_REFUSALS,
            *shown,
            payloads.encode(as_walk_in) if as_walk_in else "",
            ",".join(other_numbers),
        ),
    )
    if reply[0] == b"not_expected":
        raise NotExpected
    if reply[0] not in {b"created", b"arrived", b"repeated"}:
        refuse(reply)
    record = decode_record(lesson_id, reply[3].decode("ascii"), reply[1])
    if reply[0] != b"repeated":
        NEWEST.keep(lesson_id, record.revision, before=before)
    lesson, starts_at, ends_at = _plan(lesson_id, reply[2])
    return CheckIn(record, reply[0] == b"repeated", lesson, starts_at, ends_at)


@lru_cache(maxsize=1_024)
def _keys_of(lesson_id: UUID) -> tuple[str, ...]:
    return tuple(key(lesson_id) for key in _CHECK_IN_KEYS)


@lru_cache(maxsize=1_024)
def _plan(lesson_id: UUID, raw: bytes) -> tuple[LessonData, datetime, datetime]:
    # The same bytes for every student of a lesson until it is extended.
    try:
        return decoding.decode_plan(lesson_id, raw)
    except Corrupt as error:
        raise LessonUnreadable from error


def check_code(
    lesson_id: UUID,
    code: str,
    *,
    numbers: Sequence[str] = (),
    student: RecordData | None = None,
) -> datetime:
    """Judge a code now. Returns the instant of the scan, by the live store's clock.

    A wrong code that could be typed is counted for who has signed in, under `numbers`, the
    number of the account first, and for the lesson. Where it is a `student`, their teacher
    sees it. Raises LessonNotFound, LessonClosed, CodeMissing, CodeWrong, CodeExpired,
    CodeLonger and TooManyWrongCodes.
    """
    names = [key(lesson_id) for key in (keys.lesson, keys.refusals, keys.guesses)]
    number, others = ("".join(numbers[:1]), ",".join(numbers[1:]))
    told = payloads.encode(student) if student else ""
    reply = client.run("check_code", names, (code, number, others, told, MOST_REFUSALS))
    if reply[0] != b"valid":
        refuse(reply)
    return instants.instant(int(reply[1]))


def letters_of_code(lesson_id: UUID) -> int:
    """How many letters of a typed code rotate: more, once many wrong ones were typed."""
    is_longer = client.run("letters", [keys.guesses(lesson_id)])[0] == b"many"
    return codes.MANY_LETTERS if is_longer else codes.TYPED_LETTERS
