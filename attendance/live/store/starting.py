"""Starting a lesson: its keys are in several slots, so the order of writes is the guard.

due (and the outboxes), then the short code, then the lesson in phase starting,
then the teacher's key, then live. A start that dies in between leaves a lesson
that nobody can check in to; the same request takes it up again, any other
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
    LiveStoreUnavailable,
)
from attendance.live import client, codes, keys, payloads
from attendance.live.payloads import LessonData, LiveLesson
from attendance.live.store import queue, reading
from attendance.rules import instants
from attendance.vocabulary import Check
from users.errors import gettext_noop as _

SHORT_CODE_ATTEMPTS = 20
START_GRACE = timedelta(minutes=1)
"""How long another start may take before its unfinished lesson is removed."""


class NewLesson(NamedTuple):
    id: UUID
    starts_at: datetime
    ends_at: datetime
    data: LessonData


def start(new: NewLesson) -> LiveLesson:
    """Make a lesson live, or return the one that this request has made before.

    Raises LessonAlreadyLive, which names the teacher's live lesson, and
    InvalidWindow where the end is not in the future.
    """
    teacher = new.data.teacher.school_number
    key_value = queue.read_name(keys.teacher(teacher))
    holder = _holder(key_value)
    if holder is not None and holder.data.request_id == new.data.request_id:
        return _go_live(holder.id)
    if holder is not None:
        _refuse_or_abandon(holder)
    ends_at = instants.milliseconds(new.ends_at)
    due_reply = client.run(
        "schedule",
        [keys.DUE],
        (
            str(new.id),
            ends_at,
        ),
    )
    if due_reply[0] == b"past":
        raise InvalidWindow(_("The end of the lesson is not in the future. Choose a later end."))
    if Check.EXTERNAL in new.data.checks:
        queue.expect_verdicts(new.id, ends_at)
    _create(_with_short_code(new))
    name_reply = client.run(
        "take_name",
        [keys.teacher(teacher)],
        (
            key_value,
            str(new.id),
        ),
    )
    if name_reply[0] == b"held":
        abandon(new.id)
        return _after_a_lost_race(new, name_reply[1])
    return _go_live(new.id)


def _holder(key_value: bytes) -> LiveLesson | None:
    """The lesson that the teacher's key names, unless that one is absent or over."""
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


def _with_short_code(new: NewLesson) -> NewLesson:
    """Name the lesson by four letters that no other lesson has."""
    for _attempt in range(SHORT_CODE_ATTEMPTS):
        short = codes.new_short_code()
        if (
            client.run(
                "take_name",
                [keys.code(short)],
                (
                    "",
                    str(new.id),
                ),
            )[0]
            == b"taken"
        ):
            return new._replace(data=msgspec.structs.replace(new.data, short_code=short))
    raise LiveStoreUnavailable(_("No short code is free. Try again in a moment."))


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


def _after_a_lost_race(new: NewLesson, key_value: bytes) -> LiveLesson:
    winner = _holder(key_value)
    if winner is None:
        raise LessonAlreadyLive(_("Another start of yours is under way. Try again in a moment."))
    if winner.data.request_id == new.data.request_id:
        return _go_live(winner.id)
    raise LessonAlreadyLive(lesson_id=str(winner.id), lesson_name=winner.data.lesson_name)


def _go_live(lesson_id: UUID) -> LiveLesson:
    outcome = client.run("go_live", [keys.lesson(lesson_id)])[0]
    if outcome == b"unreadable":
        raise LessonUnreadable
    if outcome != b"live":
        raise LessonAlreadyLive(_("Another start of yours was faster. Load your lessons again."))
    return reading.read_lesson(lesson_id)


def abandon(lesson_id: UUID) -> bool:
    """Remove a lesson that never went live. Returns whether it is gone."""
    lesson = reading.read_lessons([lesson_id])[lesson_id]
    outcome = client.run("abandon", [keys.lesson(lesson_id)])[0]
    if outcome == b"kept":
        return False
    if isinstance(lesson, LiveLesson):
        name = keys.code(lesson.data.short_code)
        client.run("compare_and_delete", [name], (str(lesson_id),))
    queue.drop_due([lesson_id])
    return True
