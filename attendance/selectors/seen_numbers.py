"""Under which number a live lesson knows somebody.

Whoever gets another number in the middle of a lesson is in it by the old one, and stays there.
"""

from typing import NamedTuple
from uuid import UUID

from attendance.live import store
from attendance.live.payloads import LiveRecord, RequestKey
from attendance.live.store import NO_REQUEST
from users.selectors import numbers_of_account


class Seen(NamedTuple):
    number: str
    """Under which the lesson has the record."""
    record: LiveRecord | None
    is_repeated: bool
    """Whether the request that was asked for has changed it."""


def find_in_lesson(
    lesson_id: UUID, school_number: str, *, request: RequestKey = NO_REQUEST
) -> Seen:
    """The record that a live lesson has of whoever has or had this number.

    Where the lesson has none under it and none under another number of that account, there is
    no record, and the number is this one. PostgreSQL is asked only where there is none under
    it. Raises as `store.read_record`.
    """
    first = _seen(lesson_id, school_number, request)
    if first.record is not None or first.is_repeated:
        return first
    others = (number for number in numbers_of_account(school_number) if number != school_number)
    found = (_seen(lesson_id, other, request) for other in others)
    return next((seen for seen in found if seen.record is not None), first)


def _seen(lesson_id: UUID, school_number: str, request: RequestKey) -> Seen:
    return Seen(school_number, *store.read_record(lesson_id, school_number, request=request))
