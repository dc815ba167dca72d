"""What the live store holds, as frozen records. `decoding.py` reads them from bytes.

lesson  stamp  revision, changed_at, starts_at, ends_at
record  stamp  revision, changed_at, checked_in_at, status, previous, mark
event   stamp  revision, happened_at, request id, digest, old, new
"""

import re
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from attendance.rules.instants import instant
from attendance.rules.status import NO_RULE, ArrivalRule
from attendance.rules.verdicts import Mark
from attendance.vocabulary import Status
from users.identity import Person

MOST_COUNTED: Final = 1_000_000
PREVIOUS: Final = frozenset({"", "none", "deleted", *Status.values})
_request_id = re.compile(r"[A-Za-z0-9._:~-]{1,64}")
_digest = re.compile(r"[0-9a-f]{32}")


class RequestKey(NamedTuple):
    """The id of a request, and a digest of what is asked for: one id stands for one change."""

    id: str
    digest: str


class Network(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A network, and its first and last address as 32 hex digits, which sort as addresses do."""

    cidr: str
    first: str
    last: str


class SectionData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section of a lesson, as it was at the start."""

    id: int
    code: str
    title: str
    time_zone: str
    walk_ins: str
    policy_id: int | None
    """The version of its policy; the rule of the lesson was taken from it."""

    def day_of(self, at: datetime) -> date:
        """The day of an instant where the section is taught."""
        return at.astimezone(ZoneInfo(self.time_zone)).date()


class NotHeld(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who said that a lesson was not held, when (epoch ms) and why."""

    actor: Person
    reason: str
    said_at: int


class LessonData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON of a lesson, as its start sent it."""

    lesson_name: str
    teacher: Person
    request_id: str
    rule: ArrivalRule = NO_RULE
    checks: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    secret: str = ""
    """Rotating codes are derived from it: see attendance.live.codes."""
    short_code: str = ""
    """The typed letters that name the lesson while it lives."""
    code_seconds: int = 15
    section: SectionData | None = None
    not_held: NotHeld | None = None
    site: str = ""
    """The id of the site that started it; '' where PostgreSQL did not answer."""
    request_digest: str = ""
    """Of what its start asked for."""


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
    data_revision: int
    """At which its data or its window was changed last."""
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

    @property
    def opens_at(self) -> datetime:
        """When check-in begins: at the start, or earlier by the lesson's rule."""
        return self.starts_at - timedelta(seconds=self.data.rule.opens_before_s)

    @property
    def takes_check_ins(self) -> bool:
        return self.opens_at <= self.read_at < self.ends_at


_KEPT: Final = Mark.KEPT.value


class LiveRecord(msgspec.Struct, frozen=True, gc=False):
    """One student in a live lesson. Instants stay epoch milliseconds: most are only passed on."""

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

    @property
    def is_deleted(self) -> bool:
        return self.mark != _KEPT


class LiveEvent(msgspec.Struct, frozen=True):
    """One correction, or a change of a lesson's end."""

    data: EventData
    revision: int
    happened_at: datetime
    request_id: str
    old: str
    new: str
    request_digest: str = ""
    """Of what was asked for; nothing where no caller asked."""


encode: Final = msgspec.json.Encoder().encode


def is_request_id(text: str) -> bool:
    """Whether a request id can stand in a stamp."""
    return _request_id.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    """Whether a text is the digest of what was asked for, or nothing."""
    return text == "" or _digest.fullmatch(text) is not None
