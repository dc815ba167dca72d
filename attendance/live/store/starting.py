"""Starting a lesson: its keys are in several slots, so the order of writes is the guard.

due (and the outboxes), then the short code, then the lesson in phase starting, then the
section's and the teacher's key, then the roster, then live. A start that dies in between
leaves a lesson that nobody can check in to; the same request takes it up again, any other
removes it after a minute.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from attendance.errors import (
    InvalidWindow,
    LessonAlreadyLive,
    LessonUnreadable,
    RequestIdReused,
)
from attendance.live import client, keys, payloads
from attendance.live.payloads import LessonData, LiveLesson
from attendance.live.store import names, queue, reading
from attendance.live.store.names import names_of, names_that_exclude
from attendance.live.store.rosters import NOBODY, LiveRoster, write_roster
from attendance.rules import instants
from attendance.vocabulary import Check
from users.errors import gettext_noop as _

START_GRACE = timedelta(minutes=1)
"""How long another start may take before its unfinished lesson is removed."""


class NewLesson(NamedTuple):
    id: UUID
    starts_at: datetime
    ends_at: datetime
    data: LessonData
    roster: LiveRoster = NOBODY
    """Who is expected; nobody where the lesson has no section."""


class _Taken(Exception):
    """Another lesson has a name that this one needs."""

    def __init__(self, key: str, lesson: LiveLesson | None) -> None:
        super().__init__(key)
        self.key = key
        self.lesson = lesson


def start(new: NewLesson) -> LiveLesson:
    """Make a lesson live, or return the one that this request has made before.

    Where the section has a lesson at that time, that one is returned: a second teacher joins.
    Raises LessonAlreadyLive, which names the teacher's live lesson, RequestIdReused where the
    request has made another lesson, and InvalidWindow where the end is not in the future.
    """
    values = {key: queue.read_name(key) for key in names_that_exclude(new.data)}
    holders = {key: holder for key, value in values.items() if (holder := _holder(value))}
    for holder in holders.values():
        is_own(holder.data, new.data)
    for key, holder in holders.items():
        if joined := _join_or_refuse(new, key, holder):
            return joined
        values[key] = b""
    new = _enter(new)
    try:
        for key, value in values.items():
            _take(new, key, value)
    except _Taken as taken:
        abandon(new.id)
        return _after_a_lost_race(new, taken)
    return _go_live(reading.read_lesson(new.id), new.roster)


def _enter(new: NewLesson) -> NewLesson:
    """Write due and the lesson itself, in phase starting."""
    ends_at = instants.milliseconds(new.ends_at)
    if client.run("schedule", [keys.DUE], (str(new.id), ends_at))[0] == b"past":
        raise InvalidWindow(_("The end of the lesson is not in the future. Choose a later end."))
    if Check.EXTERNAL in new.data.checks:
        queue.expect_verdicts(new.id, ends_at)
    # Four letters that no other lesson has.
    data = msgspec.structs.replace(new.data, short_code=names.take_code(new.id))
    new = new._replace(data=data)
    _create(new)
    return new


def _take(new: NewLesson, key: str, expected: bytes) -> None:
    reply = client.run("take_name", [key], (expected, str(new.id)))
    if reply[0] == b"held":
        raise _Taken(key, _holder(reply[1]))


def _join_or_refuse(new: NewLesson, key: str, holder: LiveLesson) -> LiveLesson | None:
    """The lesson that this start means: its own, made before, or the section's at that time.

    None where the holder was a start that died: its name is free now. Raises LessonAlreadyLive.
    """
    section = new.data.section
    is_of_section = section is not None and key == keys.section(section.id)
    is_at_that_time = new.starts_at < holder.ends_at and holder.opens_at < new.ends_at
    if is_own(holder.data, new.data) or (is_of_section and is_at_that_time):
        return _go_live(holder, new.roster)
    _refuse_or_abandon(holder)
    return None


def is_own(made: LessonData, asked: LessonData) -> bool:
    """Whether a lesson was made by this very request. Raises RequestIdReused.

    Ids of two teachers have nothing to do with each other.
    """
    made_by = (made.teacher.school_number, made.request_id)
    if made_by != (asked.teacher.school_number, asked.request_id):
        return False
    if made.request_digest != asked.request_digest:
        raise RequestIdReused
    return True


def _holder(key_value: bytes) -> LiveLesson | None:
    """The lesson that a key names, unless that one is absent or over."""
    lesson_id = queue.lesson_id(key_value)
    if lesson_id is None:
        return None
    lesson = reading.read_lessons([lesson_id])[lesson_id]
    # An unreadable lesson counts as absent: it must not keep its teacher from the next one.
    return lesson if isinstance(lesson, LiveLesson) and not lesson.is_over else None


def _refuse_or_abandon(holder: LiveLesson) -> None:
    is_stale = holder.is_starting and holder.read_at - holder.changed_at > START_GRACE
    if not (is_stale and abandon(holder.id)):
        raise LessonAlreadyLive(lesson_id=str(holder.id), lesson_name=holder.data.lesson_name)


def _create(new: NewLesson) -> None:
    client.run(
        "create_lesson",
        [keys.lesson(new.id)],
        (
            str(new.id),
            instants.milliseconds(new.starts_at),
            instants.milliseconds(new.ends_at),
            payloads.encode(new.data),
        ),
    )


def _after_a_lost_race(new: NewLesson, taken: _Taken) -> LiveLesson:
    winner = taken.lesson
    joined = _join_or_refuse(new, taken.key, winner) if winner else None
    if joined is None:
        raise LessonAlreadyLive(_("Another start of yours is under way. Try again in a moment."))
    return joined


def _go_live(lesson: LiveLesson, roster: LiveRoster) -> LiveLesson:
    # A lesson that is live has its roster: only the start of a new one writes it here.
    if lesson.is_starting and lesson.data.section is not None:
        write_roster(lesson.id, roster)
    if lesson.is_starting and not names.keep_code(lesson.id, lesson.data.short_code):
        # It took longer than a code of a start is kept.
        abandon(lesson.id)
        raise LessonAlreadyLive(_("Another start of yours is under way. Try again in a moment."))
    outcome = client.run("go_live", [keys.lesson(lesson.id)])[0]
    if outcome == b"unreadable":
        raise LessonUnreadable
    if outcome != b"live":
        raise LessonAlreadyLive(_("Another start of yours was faster. Load your lessons again."))
    return reading.read_lesson(lesson.id)


def abandon(lesson_id: UUID) -> bool:
    """Remove a lesson that never went live. Returns whether it is gone."""
    lesson = reading.read_lessons([lesson_id])[lesson_id]
    parts = [keys.lesson(lesson_id), keys.roster(lesson_id)]
    known = [lesson] if isinstance(lesson, LiveLesson) else []
    names.note_names(known)
    is_kept = client.run("abandon", parts)[0] == b"kept"
    if not is_kept:
        # Nobody was told its code: it is freed as well.
        for name in [name for each in known for name in names_of(each.data)]:
            client.run("compare_and_delete", [name], (str(lesson_id),))
    names.cross_out_names(known)
    if is_kept:
        return False
    queue.drop_due([lesson_id])
    return True
