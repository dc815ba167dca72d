"""Request ids, and what each stands for: a repeat is answered, another change is refused.

A caller's id is kept with the event of its change, and beside it a digest of what was asked
for: the kind of change, who asks, whom it is about, and every value that was sent. What the
caller has seen (a revision) and what the clock says are no part of it: a repeat has the same
digest however late it comes.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from attendance.errors import LessonHasTooManyChanges, RequestIdReused
from attendance.live.payloads import RequestKey
from attendance.models import Attendance, AttendanceEvent
from attendance.rules.instants import milliseconds
from attendance.services import validation
from attendance.vocabulary import MOST_EVENTS, Source
from users.identity import Person, canonical_school_number

_DIGITS = 32

Value = str | int | bool | datetime | Sequence[str] | None


def request_key(
    *, request_id: str, kind: str, actor: Person, school_number: str = "", **content: Value
) -> RequestKey:
    """The key of a request; a caller that brings no id gets a new one, which nobody repeats.

    `content` is what was asked for, as the service has cleaned it. Raises InvalidInput for an
    id that cannot be one, and InvalidSchoolNumber.
    """
    who = canonical_school_number(actor.school_number)
    whom = canonical_school_number(school_number) if school_number else ""
    values = [(name, _plain(value)) for name, value in sorted(content.items())]
    return RequestKey(validation.clean_request_id(request_id), _digest((kind, who, whom, values)))


def _digest(values: object) -> str:
    # Written in ASCII: what is refused later may hold any character.
    return sha256(json.dumps(values, default=str).encode()).hexdigest()[:_DIGITS]


def _plain(value: Value) -> Value:
    # To the millisecond, as both stores keep instants, and whatever the time zone.
    return milliseconds(value) if isinstance(value, datetime) else value


def request_id_of_form(
    form_id: str, *, actor: Person, place: str, content: Iterable[tuple[str, object]]
) -> str:
    """The id of what a form asks for, made of the id in the form and of what was filled in.

    A browser's Back brings a form with its id: sent twice as it is, that is one request, and
    filled in otherwise it is another one. '' for a form without an id.
    """
    if not form_id:
        return ""
    return _digest((form_id, actor.school_number, place, sorted(content, key=repr)))


def is_stored(lesson_id: UUID, request: RequestKey) -> bool:
    """Whether this very request is an event of a lesson in PostgreSQL. Raises RequestIdReused."""
    found = AttendanceEvent.objects.filter(attendance_id=lesson_id, request_id=request.id)
    # In no order: its index answers, however many events a lesson has.
    digest = next(iter(found.order_by().values_list("request_digest", flat=True)), None)
    if digest is None:
        return False
    # An event that no caller asked for has no digest: nobody repeats it.
    if digest != request.digest:
        raise RequestIdReused
    return True


def check_room(attendance: Attendance, *, source: str) -> None:
    """Whether a stored lesson takes one more event of a teacher. Raises LessonHasTooManyChanges.

    The caller holds the attendance. Others than teachers are not limited, as in Redis.
    """
    # Each event raises the revision, so most lessons need no count.
    if source != Source.TEACHER or attendance.revision < MOST_EVENTS:
        return
    if attendance.events.count() >= MOST_EVENTS:
        raise LessonHasTooManyChanges
