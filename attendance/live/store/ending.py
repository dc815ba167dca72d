"""Changing a lesson: its end, which due has to follow, and its own data."""

from datetime import datetime
from typing import NoReturn
from uuid import UUID

from attendance.errors import InvalidWindow, LessonClosed
from attendance.live import client, keys, payloads
from attendance.live.newest import NEWEST
from attendance.live.payloads import EventData, LessonData, LiveLesson, RequestKey
from attendance.live.store import queue, replies
from attendance.live.store.request_ids import most_events
from attendance.rules import instants
from attendance.rules.window import LONGEST_LESSON_HOURS
from users.errors import gettext_noop as _

_LONGEST_MS = LONGEST_LESSON_HOURS * 3_600_000
_KEYS = (keys.lesson, keys.events, keys.requests)


def finish(lesson_id: UUID, *, request: RequestKey, event: EventData) -> datetime:
    """End a lesson now. Returns when it ended, also where it was over before.

    Raises LessonNotFound and RequestIdReused.
    """
    return _set_end(lesson_id, "now", request, event)


def extend(
    lesson_id: UUID, ends_at: datetime, *, request: RequestKey, event: EventData
) -> datetime:
    """Give a lesson that is not over a later end. Returns it.

    Raises LessonNotFound, RequestIdReused, LessonHasTooManyChanges, LessonClosed where it is
    over, and InvalidWindow where the end is not later or more than 24 hours after the start.
    """
    return _set_end(lesson_id, instants.milliseconds(ends_at), request, event)


def recount(lesson_id: UUID, *, seen_revision: int) -> bool:
    """Count anew what a lesson holds, where its counts are damaged and its data is not.

    Returns whether anything was wrong. Raises LessonNotFound, and LessonUnreadable where its data
    or a key of it is damaged too.
    """
    parts = (keys.lesson, keys.records, keys.events, keys.corrupt)
    names = [key(lesson_id) for key in parts]
    reply = client.run("recount", names, (str(lesson_id), seen_revision))
    if reply[0] not in {b"recounted", b"right"}:
        replies.refuse(reply)
    return bool(reply[0] == b"recounted")


def change_data(
    lesson: LiveLesson, data: LessonData, *, request: RequestKey, event: EventData
) -> None:
    """Give a lesson other data; the same request again changes nothing.

    Raises LessonNotFound, RequestIdReused, LessonHasTooManyChanges, and Conflict where somebody
    else changed it since it was read.
    """
    before = NEWEST.revision(lesson.id)
    reply = client.run(
        "change_data",
        [key(lesson.id) for key in _KEYS],
        (
            str(lesson.id),
            lesson.data_revision,
            payloads.encode(data),
            *request,
            payloads.encode(event),
            most_events(event),
        ),
    )
    match reply[0]:
        case b"changed":
            NEWEST.keep(lesson.id, int(reply[1]), before=before)
        case b"repeated":
            return
        case _:
            _raise(reply)


def _set_end(lesson_id: UUID, end: int | str, request: RequestKey, event: EventData) -> datetime:
    before = NEWEST.revision(lesson_id)
    reply = client.run(
        "set_end",
        [key(lesson_id) for key in _KEYS],
        (
            str(lesson_id),
            end,
            *request,
            payloads.encode(event),
            _LONGEST_MS,
            most_events(event),
        ),
    )
    if reply[0] not in {b"changed", b"repeated"}:
        _raise(reply)
    if reply[0] == b"changed":
        # On an older copy, a finish may take the very revision of a mark that is gone.
        NEWEST.keep(lesson_id, int(reply[2]), before=before)
    # Also after a repeat: the first request may have died before it changed due.
    queue.sync_due(lesson_id)
    return instants.instant(int(reply[1]))


def _raise(reply: list[bytes]) -> NoReturn:
    match reply[0]:
        case b"over":
            raise LessonClosed(
                _("This lesson is over, so it cannot be extended. Start another one.")
            )
        case b"not_later":
            raise InvalidWindow(
                _("The lesson already ends at %(end)s. Choose a later end."),
                end=instants.instant(int(reply[1])),
            )
        case b"too_long":
            raise InvalidWindow(
                _("A lesson lasts %(most)d hours at most. Choose an end not after %(latest)s."),
                most=LONGEST_LESSON_HOURS,
                latest=instants.instant(int(reply[1])),
            )
        case _:
            replies.refuse(reply)
