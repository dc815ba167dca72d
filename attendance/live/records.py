"""What the live store holds, as frozen records, and how they are read from bytes.

lesson  stamp  revision, changed_at, starts_at, ends_at
record  stamp  revision, changed_at, checked_in_at, status, previous, mark
event   stamp  revision, happened_at, request id, old, new
"""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NoReturn
from uuid import UUID

import msgspec

from attendance.live.envelope import Corrupt, checksum_of, refuse, unseal
from attendance.live.judging import (
    check_lesson,
    check_person,
    check_record,
    check_text,
    is_request_id,
)
from attendance.vocabulary import (
    LONGEST_REASON,
    EventKind,
    Source,
    Status,
)
from users.identity import Person

FIRST_MS: Final = 946_684_800_000  # 2000-01-01
LAST_MS: Final = 4_102_444_800_000  # 2100-01-01
MOST_COUNTED: Final = 1_000_000
PREVIOUS: Final = frozenset({"", "none", "deleted", *Status.values})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_NUMBER: Final = 18
_RECORD: Final = re.compile(
    rb"1\|([0-9a-f]{16})\|"
    rb"(([0-9]{1,18}),([0-9]{1,18}),([0-9]{0,18}),([a-z]*),([a-z]*),([a-z]*)\|(.*))",
    re.DOTALL,
)
"""The envelope of a record: most that is ever read are records, so one look has to do."""


class Mark(StrEnum):
    """Whether a record counts. Nothing is ever removed from a lesson."""

    KEPT = "kept"
    DELETED = "deleted"
    UNDONE = "undone"
    """An addition that its teacher took back: the student may still check in."""


class Network(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A network, and its first and last address as 32 hex digits, which sort as addresses do."""

    cidr: str
    first: str
    last: str


# Asked of each record: the lists of the choices are made anew at each look.
_STATUSES: Final = frozenset(Status.values)
_SOURCES: Final = frozenset(Source.values)
_KINDS: Final = frozenset(EventKind.values)
_MARKS: Final = frozenset(mark.value for mark in Mark)
_WORDS: Final = {word.encode(): word for word in (*PREVIOUS, *_MARKS)}
"""The words that may stand in a record's stamp."""


class LessonData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON of a lesson, as its start sent it."""

    lesson_name: str
    teacher: Person
    late_after_minutes: int | None
    request_id: str
    checks: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    secret: str = ""
    """Rotating codes are derived from it: see attendance.live.codes."""
    short_code: str = ""
    """The typed letters that name the lesson while it lives."""
    code_seconds: int = 15


class RecordData(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The JSON of a record, as a check-in or a correction sent it."""

    school_number: str
    full_name: str
    source: str
    reason: str = ""
    actor: Person | None = None


class EventData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON of an event."""

    kind: str
    actor: Person
    source: str
    student: Person | None = None
    reason: str = ""


class LiveLesson(msgspec.Struct, frozen=True):
    """A lesson that is not yet persisted, with the instant of reading (`read_at`)."""

    id: UUID
    data: LessonData
    revision: int
    record_count: int
    event_count: int
    starts_at: datetime
    ends_at: datetime
    changed_at: datetime
    is_starting: bool
    read_at: datetime

    @property
    def is_over(self) -> bool:
        return self.read_at >= self.ends_at

    @property
    def is_open(self) -> bool:
        return self.starts_at <= self.read_at < self.ends_at


class LiveRecord(msgspec.Struct, frozen=True, gc=False):
    """One student in a live lesson. Instants are kept as they came: most are only handed on."""

    school_number: str
    full_name: str
    status: str
    checked_in_at_ms: int | None
    source: str
    reason: str
    actor: Person | None
    previous: str
    mark: str
    revision: int
    changed_at_ms: int

    @property
    def checked_in_at(self) -> datetime | None:
        return None if self.checked_in_at_ms is None else instant(self.checked_in_at_ms)

    @property
    def changed_at(self) -> datetime:
        return instant(self.changed_at_ms)


class LiveEvent(msgspec.Struct, frozen=True):
    """One correction, or a change of a lesson's end."""

    data: EventData
    revision: int
    happened_at: datetime
    request_id: str
    old: str
    new: str


encode: Final = msgspec.json.Encoder().encode
_decoders: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    "lesson": msgspec.json.Decoder(LessonData),
    "record": msgspec.json.Decoder(RecordData),
    "event": msgspec.json.Decoder(EventData),
}


def instant(ms: int) -> datetime:
    """An aware instant from epoch milliseconds, exact to the millisecond."""
    return _EPOCH + timedelta(milliseconds=ms)


def milliseconds(at: datetime) -> int:
    """Epoch milliseconds of an aware instant; what is finer is cut off."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def decode_lesson(lesson_id: UUID, read_at_ms: bytes, fields: list[bytes]) -> LiveLesson:
    """Make a lesson of the fields that the scripts return. Raises Corrupt."""
    data, *numbers, _late_at, phase = fields
    stamp, json = unseal(lesson_id, "lesson", "data", data, 4)
    revision, record_count, event_count, starts_at, ends_at = (_integer(n) for n in numbers)
    if [starts_at, ends_at] != [_integer(s) for s in stamp[2:]]:
        refuse("the window differs from the one that was sealed")
    if starts_at > ends_at:
        refuse("it ends before it starts")
    if max(record_count, event_count) > MOST_COUNTED:
        refuse("a count is larger than any lesson's")
    lesson = _json("lesson", json)
    check_lesson(lesson)
    return LiveLesson(
        id=lesson_id,
        data=lesson,
        revision=revision,
        record_count=record_count,
        event_count=event_count,
        starts_at=_instant(starts_at),
        ends_at=_instant(ends_at),
        changed_at=_instant(_integer(stamp[1])),
        is_starting=phase == b"starting",
        read_at=instant(int(read_at_ms)),
    )


def decode_plan(lesson_id: UUID, raw: bytes) -> tuple[LessonData, datetime, datetime]:
    """What a lesson's own data says, with its window as it is sealed. Raises Corrupt."""
    stamp, json = unseal(lesson_id, "lesson", "data", raw, 4)
    lesson = _json("lesson", json)
    check_lesson(lesson)
    return lesson, _instant(_integer(stamp[2])), _instant(_integer(stamp[3]))


def decode_record(lesson_id: UUID, field: str, raw: bytes) -> LiveRecord:
    """Make a record of its envelope. Raises Corrupt."""
    whole = _RECORD.fullmatch(raw)
    if whole is None:
        _explain(lesson_id, field, raw)
    checksum, tail, revision, changed_at, checked_in_at, status, previous, mark, json = (
        whole.groups()
    )
    if checksum != checksum_of(lesson_id, "record", field, tail):
        refuse("the checksum does not match")
    words = _WORDS.get(status), _WORDS.get(previous), _WORDS.get(mark)
    if words[0] not in _STATUSES or words[1] not in PREVIOUS or words[2] not in _MARKS:
        refuse("a word of the stamp is unknown")
    data: RecordData = _json("record", json)
    if data.school_number != field or data.source not in _SOURCES:
        refuse("the school number is not the one of its field, or the source is unknown")
    check_record(data, is_kept=mark == b"kept")
    return LiveRecord(
        field,
        data.full_name,
        words[0],
        _sane(int(checked_in_at)) if checked_in_at else None,
        data.source,
        data.reason,
        data.actor,
        words[1],
        words[2],
        int(revision),
        _sane(int(changed_at)),
    )


def _explain(lesson_id: UUID, field: str, raw: bytes) -> NoReturn:
    """Why these bytes are no envelope of a record."""
    unseal(lesson_id, "record", field, raw, 6)
    refuse("a number or a word of the stamp is not one")


def decode_event(lesson_id: UUID, raw: bytes) -> LiveEvent:
    """Make an event of its envelope. Raises Corrupt."""
    # The field of an event is its own revision, the first part of the stamp.
    _version, _sum, stamp_and_json = (*raw.split(b"|", 2), b"", b"")[:3]
    revision = stamp_and_json.partition(b",")[0].decode("ascii", "replace")
    stamp, json = unseal(lesson_id, "event", revision, raw, 5)
    data = _json("event", json)
    if data.kind not in _KINDS or data.source not in _SOURCES:
        refuse("kind or source is unknown")
    check_person(data.actor)
    if data.student is not None:
        check_person(data.student)
    check_text("reason", data.reason, LONGEST_REASON)
    number, happened_at, request_id, old, new = stamp
    if not is_request_id(request_id):
        refuse("the request id is not one")
    return LiveEvent(data, _integer(number), _instant(_integer(happened_at)), request_id, old, new)


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
    if not FIRST_MS <= ms < LAST_MS:
        refuse("an instant is not between 2000 and 2100")
    return ms


def _instant(ms: int) -> datetime:
    return instant(_sane(ms))
