"""Decode the bytes of the live store; what no script of ATTN wrote is corrupt.

The values in an envelope are checked here as well; Corrupt gives the reason.
"""

import re
from datetime import datetime
from typing import Any, Final, NoReturn
from uuid import UUID

import msgspec

from attendance.live.envelope import Corrupt, checksum_of, counts_checksum, refuse, unseal
from attendance.live.payloads import (
    MOST_COUNTED,
    PREVIOUS,
    EventData,
    LessonData,
    LiveEvent,
    LiveLesson,
    LiveRecord,
    RecordData,
    is_digest,
    is_request_id,
)
from attendance.rules.instants import instant, is_sane, nearest
from attendance.rules.verdicts import Mark
from attendance.rules.window import LONGEST_LESSON_HOURS
from attendance.vocabulary import (
    LONGEST_LESSON_NAME,
    LONGEST_REASON,
    Check,
    EventKind,
    Source,
    Status,
)
from courses.vocabulary import WalkIns
from users.identity import Person, is_canonical, is_clean_name, is_clean_text

SECONDS_OF_AN_HOUR: Final = 3_600
_LONGEST_NUMBER: Final = 18
_RECORD: Final = re.compile(
    rb"1\|([0-9a-f]{16})\|"
    rb"(([0-9]{1,18}),([0-9]{1,18}),([0-9]{0,18}),([a-z]*),([a-z]*),([a-z]*)\|(.*))",
    re.DOTALL,
)
"""The envelope of a record."""


# Built once, for speed: `values` builds a list at each access, and every record needs it.
_STATUSES: Final = frozenset(Status.values)
_SOURCES: Final = frozenset(Source.values)
_KINDS: Final = frozenset(EventKind.values)
_MARKS: Final = frozenset(mark.value for mark in Mark)
_LABELS: Final = {word.encode(): word for word in (*PREVIOUS, *_MARKS)}
"""The words that a record's stamp may hold, by their bytes."""
_CHECKS: Final = frozenset(Check.values)
_WALK_INS: Final = frozenset(WalkIns.values)

_decoders: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    "lesson": msgspec.json.Decoder(LessonData),
    "record": msgspec.json.Decoder(RecordData),
    "event": msgspec.json.Decoder(EventData),
}


def decode_lesson(lesson_id: UUID, read_at_ms: bytes, fields: list[bytes]) -> LiveLesson:
    """Make a lesson of the fields that the scripts return. Raises Corrupt."""
    data, *numbers, phase, clock, checksum = fields
    stamp, json = unseal(lesson_id, "lesson", "data", data, 4)
    revision, record_count, event_count, starts_at, ends_at = (_integer(n) for n in numbers)
    if checksum != counts_checksum(
        lesson_id,
        revision=numbers[0],
        record_count=numbers[1],
        event_count=numbers[2],
        phase=phase,
        clock=clock,
    ):
        refuse("the checksum of its counts does not match")
    if [starts_at, ends_at] != [_integer(s) for s in stamp[2:]]:
        refuse("the window differs from the one that was sealed")
    if starts_at > ends_at:
        refuse("it ends before it starts")
    if max(record_count, event_count) > MOST_COUNTED:
        refuse("a count is larger than any lesson's")
    lesson = _json("lesson", json)
    _check_lesson(lesson)
    return LiveLesson(
        id=lesson_id,
        data=lesson,
        revision=revision,
        data_revision=_integer(stamp[0]),
        record_count=record_count,
        event_count=event_count,
        starts_at=_nearest(starts_at),
        ends_at=_nearest(ends_at),
        changed_at=_nearest(_integer(stamp[1])),
        is_starting=phase == b"starting",
        read_at=instant(int(read_at_ms)),
    )


def decode_plan(lesson_id: UUID, raw: bytes) -> tuple[LessonData, datetime, datetime]:
    """A lesson's data, with its start and end as they are sealed. Raises Corrupt."""
    stamp, json = unseal(lesson_id, "lesson", "data", raw, 4)
    lesson = _json("lesson", json)
    _check_lesson(lesson)
    return lesson, _nearest(_integer(stamp[2])), _nearest(_integer(stamp[3]))


def decode_record(lesson_id: UUID, field: str, raw: bytes) -> LiveRecord:
    """Make a record of its envelope. Raises Corrupt."""
    match = _RECORD.fullmatch(raw)
    if match is None:
        _explain(lesson_id, field, raw)
    checksum, tail, revision, changed_at, checked_in_at, status, previous, mark, json = (
        match.groups()
    )
    if checksum != checksum_of(lesson_id, "record", field, tail):
        refuse("the checksum does not match")
    labels = _LABELS.get(status), _LABELS.get(previous), _LABELS.get(mark)
    if labels[0] not in _STATUSES or labels[1] not in PREVIOUS or labels[2] not in _MARKS:
        refuse("a word of the stamp is unknown")
    data: RecordData = _json("record", json)
    if data.school_number != field or data.source not in _SOURCES:
        refuse("the school number is not the one of its field, or the source is unknown")
    _check_record(data, is_kept=mark == b"kept")
    return LiveRecord(
        school_number=field,
        full_name=data.full_name,
        status=labels[0],
        checked_in_at_ms=_sane(int(checked_in_at)) if checked_in_at else None,
        source=data.source,
        reason=data.reason,
        actor=data.actor,
        previous=labels[1],
        mark=labels[2],
        revision=int(revision),
        changed_at_ms=nearest(int(changed_at)),
    )


def decode_record_data(json: bytes) -> RecordData:
    """Make the data of a record of its JSON, whatever the stamp beside it says. Raises Corrupt."""
    data: RecordData = _json("record", json)
    if data.source not in _SOURCES:
        refuse("the source is unknown")
    _check_record(data, is_kept=True)
    return data


def _explain(lesson_id: UUID, field: str, raw: bytes) -> NoReturn:
    """Raise Corrupt with the reason why these bytes are not the envelope of a record."""
    unseal(lesson_id, "record", field, raw, 6)
    refuse("a number or a word of the stamp is not one")


def decode_event(lesson_id: UUID, raw: bytes) -> LiveEvent:
    """Make an event of its envelope. Raises Corrupt."""
    # The field of an event is its own revision, the first part of the stamp.
    _version, _sum, stamp_and_json = (*raw.split(b"|", 2), b"", b"")[:3]
    revision = stamp_and_json.partition(b",")[0].decode("ascii", "replace")
    stamp, json = unseal(lesson_id, "event", revision, raw, 6)
    data = _json("event", json)
    if data.kind not in _KINDS or data.source not in _SOURCES:
        refuse("kind or source is unknown")
    _check_person(data.actor)
    if data.student is not None:
        _check_person(data.student)
    _check_text("reason", data.reason, LONGEST_REASON)
    number, happened_at, request_id, digest, old, new = stamp
    if not (is_request_id(request_id) and is_digest(digest)):
        refuse("the request id or its digest is not one")
    return LiveEvent(
        data=data,
        revision=_integer(number),
        happened_at=_nearest(_integer(happened_at)),
        request_id=request_id,
        old=old,
        new=new,
        request_digest=digest,
    )


def _json(kind: str, json: bytes) -> Any:
    try:
        return _decoders[kind].decode(json)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Corrupt(f"the JSON is not a {kind}: {error}") from error


def _integer(text: str | bytes) -> int:
    # isdigit() knows more digits than 0 to 9.
    if not (text.isdigit() and text.isascii() and len(text) <= _LONGEST_NUMBER):
        refuse("a number is not one")
    return int(text)


def _sane(ms: int) -> int:
    if not is_sane(ms):
        refuse("an instant is not between 2000 and 2100")
    return ms


def _nearest(ms: int) -> datetime:
    # A clock that said 1970 has sealed this: a lesson is better stored with the nearest year
    # than never. An arrival is not: its record goes to quarantine.
    return instant(nearest(ms))


def _check_lesson(lesson: LessonData) -> None:
    _check_text("lesson_name", lesson.lesson_name, LONGEST_LESSON_NAME, required=True)
    _check_person(lesson.teacher)
    rule = lesson.rule
    for seconds in (rule.opens_before_s, rule.late_after_s, rule.absent_after_s):
        if seconds is not None and not 0 <= seconds <= LONGEST_LESSON_HOURS * SECONDS_OF_AN_HOUR:
            refuse("a bound of its rule is out of range")
    if lesson.section is not None and lesson.section.walk_ins not in _WALK_INS:
        refuse("its rule for walk-ins is unknown")
    if lesson.not_held is not None:
        _check_person(lesson.not_held.actor)
        _check_text("reason", lesson.not_held.reason, LONGEST_REASON, required=True)
    if not (is_request_id(lesson.request_id) and is_digest(lesson.request_digest)):
        refuse("the request id or its digest is not one")
    if not _CHECKS.issuperset(lesson.checks) or lesson.code_seconds < 1:
        refuse("a check is unknown")


def _check_record(record: RecordData, *, is_kept: bool) -> None:
    if not is_canonical(record.school_number):
        refuse("the school number is not canonical")
    if not is_clean_name(record.full_name):
        refuse("the full name has characters that no name may have")
    if record.reason:
        _check_text("reason", record.reason, LONGEST_REASON)
    if record.actor is not None:
        _check_person(record.actor)
    elif not is_kept:
        refuse("nobody stands for its deletion")


def _check_person(person: Person) -> None:
    if not is_canonical(person.school_number):
        refuse("a person's school number is not canonical")
    if not is_clean_name(person.full_name):
        refuse("a person's name has characters that no name may have")


def _check_text(name: str, text: str, longest: int, *, required: bool = False) -> None:
    if not text and not required:
        return
    if len(text) > longest or not is_clean_text(text):
        refuse(f"the {name} is empty, too long or has control characters")
