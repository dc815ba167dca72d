"""Request ids of a lesson in Redis: each stands for one change, and is found in one step."""

from uuid import UUID

from attendance.live import client, keys
from attendance.live.payloads import EventData, RequestKey
from attendance.live.store.replies import refuse
from attendance.vocabulary import MOST_EVENTS, Source

NO_REQUEST = RequestKey("", "")
"""Stands for a caller that only reads."""


def is_repeated(lesson_id: UUID, request: RequestKey) -> bool:
    """Whether this very request has changed a lesson before.

    Raises LessonNotFound, LessonUnreadable, and RequestIdReused where its id stands for
    another change.
    """
    parts = (keys.lesson, keys.events, keys.requests)
    reply = client.run("find_request", [key(lesson_id) for key in parts], request)
    if reply[0] not in {b"new", b"repeated"}:
        refuse(reply)
    return bool(reply[0] == b"repeated")


def most_events(event: EventData) -> int | str:
    """Up to how many events a lesson takes this one; '' for no limit.

    Only what teachers say is limited. Arrivals, receipts and verdicts of the verifier are
    bounded by the records, and staff can put right what a script of a teacher has done.
    """
    return MOST_EVENTS if event.source == Source.TEACHER else ""
