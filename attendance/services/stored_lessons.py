"""Changing a lesson that is in PostgreSQL: its name, and whether it is flagged as deleted."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from attendance.errors import Conflict, LessonNotFound, ReasonRequired
from attendance.live import store
from attendance.live.payloads import RequestKey
from attendance.models import Attendance, AttendanceEvent, LessonLedger
from attendance.selectors import access, shapes, whereabouts
from attendance.services import ids, request_keys, telling, validation
from attendance.services.stores import stored_revisions
from attendance.vocabulary import EventKind
from reports import totals
from users.errors import gettext_noop as _
from users.identity import Person
from users.services import ensure_users


def still_live() -> Conflict:
    """The error of a change that only a lesson in PostgreSQL alone can have."""
    return Conflict(_("This lesson is still live. Finish it and wait until it is stored."))


def find_attendance(lesson_id: UUID, actor: Person) -> Attendance:
    """The stored lesson, for somebody who may change it.

    Raises LessonNotFound and NotYourLesson.
    """
    rows = Attendance.objects.select_related("teacher", "section")
    attendance = rows.filter(pk=lesson_id).first()
    if attendance is None:
        raise LessonNotFound
    access.check_may_change(actor, shapes.brief_of_stored(attendance))
    return attendance


def rename_attendance(lesson_id: UUID, name: str, *, actor: Person, request: RequestKey) -> None:
    """Give a stored lesson another name; the same name or request changes nothing.

    Raises LessonNotFound, NotYourLesson, RequestIdReused and LessonHasTooManyChanges.
    """
    with transaction.atomic():
        row = lock_attendance(lesson_id, actor)
        if request_keys.is_stored(lesson_id, request) or row.lesson_name == name:
            return
        change = f"{row.lesson_name} → {name}"
        row.lesson_name = name
        save_with_event(row, EventKind.LESSON_RENAMED, actor, change, request)
        LessonLedger.objects.filter(pk=lesson_id).update(lesson_name=name)


def delete_attendance(lesson_id: UUID, *, actor: Person, reason: str) -> None:
    """Flag a stored lesson as deleted; nothing is removed.

    Raises ReasonRequired, LessonNotFound, NotYourLesson, and Conflict where the
    lesson is still in the live store or flagged already.
    """
    _flag(lesson_id, actor, reason, EventKind.LESSON_DELETED)


def restore_attendance(lesson_id: UUID, *, actor: Person, reason: str) -> None:
    """Take back `delete_attendance`. Raises as that does."""
    _flag(lesson_id, actor, reason, EventKind.LESSON_RESTORED)


def _flag(lesson_id: UUID, actor: Person, reason: str, kind: EventKind) -> None:
    reason = validation.clean_reason(reason)
    if not reason:
        raise ReasonRequired
    is_deleting = kind is EventKind.LESSON_DELETED
    with transaction.atomic():
        try:
            row = lock_attendance(lesson_id, actor)
        except LessonNotFound:
            live = store.read_lesson(lesson_id)
            access.check_may_delete(actor, shapes.brief_of_live(live))
            raise still_live() from None
        if not whereabouts.is_discarded(lesson_id):
            raise still_live()
        access.check_may_delete(actor, shapes.brief_of_stored(row))
        if row.is_deleted == is_deleting:
            raise Conflict
        who = validation.clean_person(actor)
        row.deleted_at = timezone.now() if is_deleting else None
        row.deleted_by_id = ensure_users([who])[who.school_number] if is_deleting else None
        row.deleted_reason = reason if is_deleting else ""
        save_with_event(row, kind, actor, reason, ids.new_request_key())
        totals.recompute([row.pk])


def lock_attendance(lesson_id: UUID, actor: Person) -> Attendance:
    """The stored lesson, held until the commit, for somebody who may change it.

    Raises LessonNotFound and NotYourLesson.
    """
    find_attendance(lesson_id, actor)
    rows = Attendance.objects.select_for_update(of=("self",)).select_related("teacher", "section")
    return rows.get(pk=lesson_id)


def save_with_event(
    row: Attendance, kind: EventKind, actor: Person, reason: str, request: RequestKey
) -> None:
    """Save a held attendance at its next revision, with the event that says why.

    Raises LessonHasTooManyChanges.
    """
    who = validation.clean_person(actor)
    source = access.check_may_change(actor, shapes.brief_of_stored(row))
    request_keys.check_room(row, source=source)
    stored_revisions.count_up(row)
    row.save()
    AttendanceEvent.objects.create(
        attendance=row,
        revision=row.revision,
        kind=kind,
        happened_at=timezone.now(),
        actor_id=ensure_users([who])[who.school_number],
        actor_name=who.full_name,
        source=source,
        reason=reason,
        request_id=request.id,
        request_digest=request.digest,
    )
    telling.tell_lesson(row, kind)
