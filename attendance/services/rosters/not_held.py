"""A lesson that was not held: nobody was absent, and it counts nowhere.

It can be said before, during and after the lesson, and taken back.
"""

from uuid import UUID

import msgspec
from django.db import transaction
from django.utils import timezone

from attendance.errors import Conflict, LessonNotFound, ReasonRequired
from attendance.live import store
from attendance.live.payloads import NotHeld, RequestKey
from attendance.models import Attendance
from attendance.rules.instants import milliseconds
from attendance.services import stored_lessons, validation
from attendance.services.lessons import event_of
from attendance.services.request_keys import is_stored, request_key
from attendance.services.rosters import closing
from attendance.services.stores import writing
from attendance.vocabulary import EventKind, Source
from reports import totals
from users.identity import Person
from users.services import ensure_users

ATTEMPTS = 5


def say_not_held(lesson_id: UUID, *, actor: Person, reason: str, request_id: str = "") -> None:
    """Say that a lesson is not held, and why; said again, it changes nothing.

    The marks that it has stay, and count nowhere; those of the system are flagged as deleted.
    Raises ReasonRequired, LessonNotFound, NotYourLesson, RequestIdReused, Conflict,
    LessonHasTooManyChanges, LessonUnreadable and LiveStoreUnavailable.
    """
    why = validation.clean_reason(reason)
    if not why:
        raise ReasonRequired
    _change(lesson_id, actor, why, request_id)


def say_held(lesson_id: UUID, *, actor: Person, request_id: str = "") -> None:
    """Take `say_not_held` back: whoever was missing is absent again. Raises as that does."""
    _change(lesson_id, actor, "", request_id)


def _change(lesson_id: UUID, actor: Person, why: str, request_id: str) -> None:
    request = request_key(request_id=request_id, kind=_kind(why), actor=actor, reason=why)
    writing.write(
        lesson_id,
        request=request,
        live=lambda: _change_live(lesson_id, actor, why, request),
        stored=lambda: _change_stored(lesson_id, actor, why, request),
    )


def _kind(why: str) -> EventKind:
    return EventKind.LESSON_NOT_HELD if why else EventKind.LESSON_HELD


def _change_live(lesson_id: UUID, actor: Person, why: str, request: RequestKey) -> None:
    for _attempt in range(ATTEMPTS):
        lesson = store.read_lesson(lesson_id)
        if lesson.is_starting:
            raise LessonNotFound
        event = event_of(_kind(why), lesson, actor, why)
        # Also where nothing would change: the id may stand for another change.
        if store.is_repeated(lesson_id, request) or is_stored(lesson_id, request):
            return None
        if bool(why) == (lesson.data.not_held is not None):
            return None
        said_at = milliseconds(lesson.read_at)
        not_held = NotHeld(actor=event.actor, reason=why, said_at=said_at) if why else None
        data = msgspec.structs.replace(lesson.data, not_held=not_held)
        try:
            return store.change_data(lesson, data, request=request, event=event)
        except Conflict:
            continue
    raise Conflict


def _change_stored(lesson_id: UUID, actor: Person, why: str, request: RequestKey) -> None:
    with transaction.atomic():
        row = stored_lessons.lock_attendance(lesson_id, actor)
        if is_stored(lesson_id, request):
            return
        if bool(why) == (row.not_held_at is not None):
            return
        who = validation.clean_person(actor)
        actor_id = ensure_users([who])[who.school_number]
        row.not_held_at = timezone.now() if why else None
        row.not_held_by_id, row.not_held_reason = (actor_id, why) if why else (None, "")
        stored_lessons.save_with_event(row, _kind(why), actor, why, request)
        if why:
            _flag_system_marks(row)
        else:
            _bring_system_marks_back(row)
            if row.section_id is not None and row.roster_closed_at is None:
                closing.close_held(row)
        totals.recompute([row.pk])


def _flag_system_marks(row: Attendance) -> None:
    row.records.filter(source=Source.SYSTEM, deleted_at=None).update(
        deleted_at=row.not_held_at,
        deleted_by=row.not_held_by_id,
        deleted_reason=row.not_held_reason,
    )


def _bring_system_marks_back(row: Attendance) -> None:
    # Only this flags a mark of the system: a person's word makes it that person's.
    row.records.filter(source=Source.SYSTEM).exclude(deleted_at=None).update(
        deleted_at=None, deleted_by=None, deleted_reason=""
    )
