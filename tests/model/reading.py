"""What one student's record says in a state: the words of `memory` in both stores."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from attendance.live import decoding, keys
from attendance.live.payloads import LiveRecord
from attendance.rules.effective import effective
from attendance.rules.verdicts import UNDONE_REASON
from attendance.services.stores.lost_lessons import REWOUND
from attendance.vocabulary import LessonState
from tests.model.memory import BLANK, HERE, RECEIPT
from tests.model.remembering import RETURNS
from tests.model.rows import PEOPLE, Row
from tests.model.stores import State

_WORDS = {"student": HERE, "receipt": RECEIPT, "system": BLANK}


class InRedis(NamedTuple):
    """One lesson that Redis holds."""

    lesson_id: UUID
    fields: dict[bytes, bytes]
    words: dict[str, str]
    """By person."""
    records: list[LiveRecord]
    events: list[str]
    """Request ids."""

    @property
    def ends_at(self) -> int:
        return int(self.fields[b"ends_at"])

    @property
    def is_starting(self) -> bool:
        return self.fields[b"phase"] == b"starting"


def in_redis(state: State, lesson_id: UUID) -> InRedis | None:
    fields = state.redis.get(keys.lesson(lesson_id).encode())
    if fields is None:
        return None
    found = dict(state.redis.get(keys.records(lesson_id).encode(), ()))
    events = state.redis.get(keys.events(lesson_id).encode(), ())
    records = [decoding.decode_record(lesson_id, n.decode(), raw) for n, raw in found.items()]
    return InRedis(
        lesson_id,
        dict(fields),
        _words(records),
        records,
        [decoding.decode_event(lesson_id, raw).request_id for raw in events],
    )


def lessons_in_redis(state: State) -> Iterator[InRedis]:
    for name in state.redis:
        if name.endswith(b":lesson"):
            found = in_redis(state, UUID(name.decode()[6:42]))
            assert found is not None
            yield found


def _words(records: list[LiveRecord]) -> dict[str, str]:
    """What stands for each person; whoever got another number may have a record under both."""
    of_people: dict[str, list[LiveRecord]] = {}
    for record in records:
        of_people.setdefault(person_of(record), []).append(record)
    standing = {person: effective(own) for person, own in of_people.items()}
    return {person: word_of(record.source, record.reason) for person, record in standing.items()}


def person_of(record: LiveRecord) -> str:
    return PEOPLE.get(record.full_name, record.school_number)


def word_of(source: str, reason: str) -> str:
    return _WORDS.get(source, BLANK if reason == UNDONE_REASON else reason)


def attendance(state: State, lesson_id: UUID) -> Row | None:
    rows = [row for row in state.rows.of("attendance") if row["id"] == str(lesson_id)]
    return rows[0] if rows else None


def stored_records(state: State, lesson_id: UUID) -> dict[str, Row]:
    return {
        state.rows.people[row["student_id"]]: row
        for row in state.rows.of("attendancerecord")
        if row["attendance_id"] == str(lesson_id)
    }


def stored_words(state: State, lesson_id: UUID) -> dict[str, str]:
    rows = stored_records(state, lesson_id)
    return {number: word_of(row["source"], row["reason"]) for number, row in rows.items()}


def is_excused(state: State, student_id: int) -> bool:
    """Whether an absence of a student is approved now; each covers the lesson."""
    rows = state.rows.tables["courses_absence"]
    return any(row["user_id"] == student_id and row["state"] == "approved" for row in rows)


def stored_events(state: State, lesson_id: UUID) -> list[Row]:
    rows = state.rows.of("attendanceevent")
    return [row for row in rows if row["attendance_id"] == str(lesson_id)]


def ledger(state: State, lesson_id: UUID) -> str:
    """The state of a lesson in the ledger, or ''."""
    rows = state.rows.of("lessonledger")
    return next((str(row["state"]) for row in rows if row["lesson_id"] == str(lesson_id)), "")


def is_incomplete(state: State, lesson_id: UUID) -> bool:
    """Whether the ledger tells that something of a lesson is missing."""
    rows = state.rows.of("lessonledger")
    return any(row["lesson_id"] == str(lesson_id) and row["incomplete_since"] for row in rows)


def is_rewound(state: State, lesson_id: UUID) -> bool:
    """Whether the ledger tells that Redis holds an older copy of a lesson than PostgreSQL."""
    rows = state.rows.of("lessonledger")
    mine = (row for row in rows if row["lesson_id"] == str(lesson_id))
    return any(row["last_error"].startswith(REWOUND) for row in mine)


def is_uncounted(state: State, lesson_id: UUID) -> bool:
    """Whether a return of an older Redis is told at which a lesson was in Redis."""
    if state.marks is None:
        return False
    waiting = [row for row in state.marks.rows[RETURNS] if row["settled_at"] is None]
    found = [datetime.fromisoformat(row["found_at"]) for row in waiting]
    for row in state.rows.of("lessonledger"):
        if row["lesson_id"] == str(lesson_id) and row["accepted_revision"] is None:
            first = datetime.fromisoformat(row["first_seen_at"])
            left = row["discarded_at"] and datetime.fromisoformat(row["discarded_at"])
            return any(first <= at and (not left or at <= left) for at in found)
    return False


def quarantined(state: State, kind: str) -> dict[str, list[bytes]]:
    """Payloads by field."""
    found: dict[str, list[bytes]] = {}
    for row in state.rows.of("quarantinedpayload"):
        if row["kind"] == kind:
            found.setdefault(row["field"], []).append(bytes.fromhex(row["payload"][2:]))
    return found


def set_aside(state: State) -> bytes:
    """All payloads of records and events that are in quarantine."""
    kinds = (quarantined(state, kind) for kind in ("event", "record"))
    return b"".join(raw for each in kinds for raws in each.values() for raw in raws)


def shown_words(state: State, lesson_id: UUID) -> dict[str, str]:
    """What a register shows, and what the next correction is made from."""
    live = in_redis(state, lesson_id)
    is_stored = ledger(state, lesson_id) == LessonState.DISCARDED
    if live is None or live.is_starting or is_stored:
        return stored_words(state, lesson_id)
    return live.words
