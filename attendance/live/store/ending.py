"""Changing a lesson: its end, which due has to follow, and its own data."""

from datetime import datetime
from typing import NoReturn
from uuid import UUID

from attendance.errors import (
    Conflict,
    InvalidWindow,
    LessonClosed,
    LessonNotFound,
    LessonUnreadable,
)
from attendance.live import client, keys, payloads
from attendance.live.payloads import EventData, LessonData, LiveLesson
from attendance.live.store import queue
from attendance.rules import instants
from attendance.rules.window import LONGEST_LESSON_HOURS
from users.errors import gettext_noop as _

_LONGEST_MS = LONGEST_LESSON_HOURS * 3_600_000


def finish(lesson_id: UUID, *, request_id: str, event: EventData) -> datetime:
    """End a lesson now. Returns when it ended, also where it was over before.

    Raises LessonNotFound.
    """
    return _set_end(lesson_id, "now", request_id, event)


def extend(lesson_id: UUID, ends_at: datetime, *, request_id: str, event: EventData) -> datetime:
    """Give a lesson that is not over a later end. Returns it.

    Raises LessonNotFound, LessonClosed where it is over, and InvalidWindow
    where the end is not later or more than 24 hours after the start.
    """
    return _set_end(lesson_id, instants.milliseconds(ends_at), request_id, event)


def change_data(lesson: LiveLesson, data: LessonData, *, request_id: str, event: EventData) -> None:
    """Give a lesson other data; the same request id again changes nothing.

    Raises LessonNotFound, and Conflict where somebody else changed it since it was read.
    """
    reply = client.run(
        "change_data",
        [keys.lesson(lesson.id), keys.events(lesson.id)],
        (
            str(lesson.id),
            lesson.data_revision,
            payloads.encode(data),
            request_id,
            payloads.encode(event),
        ),
    )
    match reply[0]:
        case b"changed" | b"repeated":
            return
        case b"conflict":
            raise Conflict
        case _:
            _raise(reply)


def _set_end(lesson_id: UUID, end: int | str, request_id: str, event: EventData) -> datetime:
    reply = client.run(
        "set_end",
        [keys.lesson(lesson_id), keys.events(lesson_id)],
        (
            str(lesson_id),
            end,
            request_id,
            payloads.encode(event),
            _LONGEST_MS,
        ),
    )
    if reply[0] not in {b"changed", b"repeated"}:
        _raise(reply)
    # Also after a repeat: the first request may have died before it changed due.
    queue.sync_due(lesson_id)
    return instants.instant(int(reply[1]))


def _raise(reply: list[bytes]) -> NoReturn:
    match reply[0]:
        case b"not_found" | b"starting":
            raise LessonNotFound
        case b"unreadable":
            raise LessonUnreadable
        case b"over":
            raise LessonClosed(
                _("This lesson is over, so it cannot be extended. Start another one.")
            )
        case b"not_later":
            raise InvalidWindow(
                _("The lesson already ends at %(end)s. Choose a later end."),
                end=instants.instant(int(reply[1])),
            )
        case _:
            raise InvalidWindow(
                _("A lesson lasts %(most)d hours at most. Choose an end not after %(latest)s."),
                most=LONGEST_LESSON_HOURS,
                latest=instants.instant(int(reply[1])),
            )
