"""A teacher's board: one lesson, its records and its refusals, in one read of their store."""

import contextlib
import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import Sum

from attendance.errors import AttendanceError, LessonNotFound
from attendance.live import store
from attendance.live.payloads import LiveLesson
from attendance.live.refusals import LiveRefusal
from attendance.live.store import LiveRoster, Register
from attendance.models import Attendance, LessonLedger, QuarantinedPayload
from attendance.rules.verdicts import Mark
from attendance.selectors import elsewhere, live_counts, registers, shapes, whereabouts
from attendance.selectors.counts import roster_counts
from attendance.selectors.lessons import find_lesson, state_now
from attendance.selectors.shapes import NO_ROSTER, LessonView, RegisterRecord, RosterCounts
from attendance.vocabulary import LessonState, PayloadKind, PayloadState
from users.identity import Person

_VERSION = re.compile(r"(\d{1,18})-(\d{1,18})-(\d{1,18})-([a-z]+)-(\d{1,9})")
_MINUTE = timedelta(minutes=1)


class Board(NamedTuple):
    lesson: LessonView
    version: str
    """Differs whenever the board would: a caller sends it back to ask whether it changed."""
    missing: Sequence[Person] = ()
    """Who is expected and has no record, by name as PostgreSQL or the copy has it."""
    records: Sequence[RegisterRecord] = ()
    """By school number, those flagged as deleted among them."""
    refusals: Sequence[LiveRefusal] = ()
    elsewhere: frozenset[str] = frozenset()
    """Numbers of who came to another lesson of the same time as well."""
    unreadable: int = 0
    """Check-ins that were counted and cannot be read, or are missing: a teacher asks who it was."""
    minutes_left: int = 0
    """Of a live lesson, by the live store's clock; one that has begun is a whole one."""
    is_roster_open: bool = False
    """Whether a person may mark those who were expected at this stored lesson and are missing."""
    is_unchanged: bool = False
    """Whether the caller has this version; then no records were read."""


class _Version(NamedTuple):
    revision: int
    refused: int
    """Attempts that were refused: they raise no revision."""
    roster_changes: int
    """How often the copy of the roster was written: that raises none either."""
    state: str
    minutes_left: int = 0
    """They pass, and nothing is written."""

    def __str__(self) -> str:
        return "-".join(map(str, self))


_NO_VERSION = _Version(-1, -1, -1, "")


def find_board(lesson_id: UUID, *, version: str = "") -> Board:
    """The board of a lesson, or that nothing has changed since `version`.

    While a lesson is live and nothing changes, that is one round trip to Redis and no
    query. Raises LessonNotFound, LessonUnreadable and LiveStoreUnavailable.
    """
    match = _VERSION.fullmatch(version)
    caller_version = (
        _Version(int(match[1]), int(match[2]), int(match[3]), match[4], int(match[5]))
        if match
        else _NO_VERSION
    )
    return _unchanged_board(lesson_id, caller_version) or _whole_board(lesson_id, caller_version)


def _unchanged_board(lesson_id: UUID, caller_version: _Version) -> Board | None:
    """The answer to a caller who has the newest version of a live lesson; None for others."""
    if caller_version.state != LessonState.LIVE:
        return None
    with contextlib.suppress(AttendanceError):
        live = _read_register(lesson_id, caller_version)
        now = (shapes.state_of(live.lesson), _minutes_left(live.lesson))
        if live.is_unchanged and now == (caller_version.state, caller_version.minutes_left):
            return _of_live(live, caller_version.state)
    return None


def _whole_board(lesson_id: UUID, caller_version: _Version) -> Board:
    state = whereabouts.ledger_state(lesson_id)

    def live() -> Board:
        register = _read_register(lesson_id, _NO_VERSION)
        return _of_live(register, state_now(register.lesson, state))

    try:
        return whereabouts.read_by(
            state,
            live=live,
            stored=lambda: _of_stored(registers.find_attendance(lesson_id), caller_version),
        )
    except LessonNotFound:
        return _lost_board(lesson_id)


def _read_register(lesson_id: UUID, caller_version: _Version) -> Register:
    return store.register(
        lesson_id,
        known_revision=caller_version.revision,
        known_refused=caller_version.refused,
        known_roster_changes=caller_version.roster_changes,
        with_refusals=True,
    )


def _of_live(live: Register, state: str) -> Board:
    records = registers.records_of_live(live)
    missing = without_record(live.roster, records)
    return Board(
        lesson=shapes.lesson_of_live(
            live.lesson,
            state=state,
            counts=live_counts.by_status(records),
            roster=_roster_counts(live, records),
        ),
        missing=missing,
        version=str(
            _Version(
                live.lesson.revision,
                live.refused_attempts,
                live.roster_changes,
                state,
                _minutes_left(live.lesson),
            )
        ),
        minutes_left=_minutes_left(live.lesson),
        records=records,
        refusals=live.refusals,
        elsewhere=frozenset() if live.is_unchanged else elsewhere.of_live(live.lesson),
        unreadable=live.unreadable + max(0, live.lesson.record_count - _there(live)),
        is_unchanged=live.is_unchanged,
    )


def _of_stored(row: Attendance, caller_version: _Version) -> Board:
    state = whereabouts.ledger_state(row.pk) or LessonState.DISCARDED
    refused_attempts = row.refusals.aggregate(times=Sum("times"))["times"] or 0
    version = _Version(row.revision, refused_attempts, 0, state)
    if version == caller_version:
        lesson = shapes.lesson_of_stored(row, state=state, counts={})
        return Board(lesson=lesson, version=str(version), is_unchanged=True)
    records = registers.effective_records(row)
    roster = roster_counts([row.pk]).get(row.pk, NO_ROSTER)
    return Board(
        lesson=shapes.lesson_of_stored(
            row, state=state, counts=live_counts.by_status(records), roster=roster
        ),
        version=str(version),
        records=records,
        refusals=registers.stored_refusals(row),
        elsewhere=elsewhere.of_stored(row),
        unreadable=_unreadable(row.pk),
        is_roster_open=_is_roster_open(row, state),
    )


def _minutes_left(lesson: LiveLesson) -> int:
    return -((lesson.read_at - lesson.ends_at) // _MINUTE) if lesson.is_open else 0


def _there(live: Register) -> int:
    """How many values stand where records should be; all of them where nothing was read."""
    return live.lesson.record_count if live.is_unchanged else len(live.records) + live.unreadable


def _unreadable(lesson_id: UUID) -> int:
    """Of a stored lesson: records that wait in quarantine, and those that Redis lacked."""
    waiting = QuarantinedPayload.objects.filter(
        lesson_id=lesson_id, kind=PayloadKind.RECORD, state=PayloadState.OPEN
    ).count()
    rows = LessonLedger.objects.filter(pk=lesson_id).values_list("missing_count", flat=True)
    return waiting + (rows.first() or 0)


def _is_roster_open(row: Attendance, state: str) -> bool:
    is_only_stored = state in {LessonState.DISCARDED, LessonState.LOST}
    is_due = row.section_id is not None and row.roster_closed_at is None
    return is_due and row.not_held_at is None and is_only_stored


def _lost_board(lesson_id: UUID) -> Board:
    """The board of a lost lesson, which may have no records: its page says what to do."""
    lesson = find_lesson(lesson_id)
    if lesson.state != LessonState.LOST:
        raise LessonNotFound
    return Board(lesson=lesson, version=str(_Version(0, 0, 0, lesson.state)))


def without_record(roster: LiveRoster, records: Iterable[RegisterRecord]) -> list[Person]:
    """Who is on a roster and has no record that counts, in the order of the roster."""
    marked = {
        roster[record.school_number].number
        for record in records
        if record.school_number in roster and record.mark != Mark.UNDONE
    }
    return [
        Person(number, listed.full_name)
        for number, listed in roster.items()
        if listed.number == number and number not in marked
    ]


def _roster_counts(live: Register, records: Iterable[RegisterRecord]) -> RosterCounts:
    if live.lesson.data.section is None:
        return NO_ROSTER
    expected = len(store.expected_numbers(live.roster))
    return RosterCounts(expected, expected - live_counts.came_of(live, records))
