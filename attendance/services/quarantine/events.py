"""Taking a quarantined event into the history of its lesson, once.

An event tells what somebody has said; it changes no record. What it says came in by another way,
or is in quarantine beside it.
"""

from uuid import UUID

from django.db import transaction

from attendance.errors import Conflict, StillUnreadable
from attendance.live import decoding, store
from attendance.live.envelope import Corrupt
from attendance.live.payloads import LiveEvent, RequestKey
from attendance.models import Attendance, AttendanceEvent, QuarantinedPayload
from attendance.selectors import whereabouts
from attendance.services import request_keys
from attendance.services.corrections import hold_attendance
from attendance.services.rosters.expected import hold_person
from attendance.services.stores import sites, stored_revisions
from users.errors import gettext_noop as _
from users.services import ensure_users

_REDIS_HOLDS_IT = _("Redis holds this lesson still. Try again when it has left it.")


def take_event(payload: QuarantinedPayload) -> None:
    """Add the event to its stored lesson; where it is there already, nothing is added.

    Raises StillUnreadable, RequestIdReused where another change was made under its request id,
    LessonNotFound, Conflict where Redis holds the lesson still, and LiveStoreUnavailable.
    """
    try:
        event = decoding.decode_event(payload.lesson_id, bytes(payload.payload))
    except Corrupt as error:
        raise StillUnreadable(
            _("It still cannot be read: %(reason)s. Set it aside."), reason=str(error)
        ) from error
    whereabouts.write(
        payload.lesson_id,
        live=lambda: _take_beside_redis(payload.lesson_id, event),
        stored=lambda: _take(payload.lesson_id, event, is_only_here=True),
    )


def _request_of(event: LiveEvent) -> RequestKey:
    return RequestKey(event.request_id, event.request_digest)


def _take_beside_redis(lesson_id: UUID, event: LiveEvent) -> None:
    """Add it to a lesson that is stored, and stays in Redis for a while or for a person."""
    store.read_lesson(lesson_id)
    if not Attendance.objects.filter(pk=lesson_id).exists():
        raise Conflict(_REDIS_HOLDS_IT)
    _take(lesson_id, event, is_only_here=False)


def _take(lesson_id: UUID, event: LiveEvent, *, is_only_here: bool) -> None:
    with transaction.atomic():
        if event.data.student is not None:
            hold_person(event.data.student.school_number)
        attendance = hold_attendance(lesson_id)
        if request_keys.is_stored(lesson_id, _request_of(event)):
            return
        if attendance.is_deleted:
            raise Conflict(_("This lesson is flagged as deleted. Restore it first."))
        _add(attendance, event, _revision(attendance, event, is_only_here=is_only_here))
        sites.number_word()


def _revision(attendance: Attendance, event: LiveEvent, *, is_only_here: bool) -> int:
    """Its own, or the next one where another word stands there, or may come there still."""
    is_taken = attendance.events.filter(revision=event.revision).exists()
    is_own = event.revision <= attendance.revision and not is_taken
    if is_only_here:
        # Whoever follows the lesson sees by this that something has come.
        stored_revisions.count_up(attendance)
        attendance.save(update_fields=["revision"])
    elif not is_own:
        # A revision of PostgreSQL's own would make the lesson in Redis look like an older copy.
        raise Conflict(_REDIS_HOLDS_IT)
    return event.revision if is_own else attendance.revision


def _add(attendance: Attendance, event: LiveEvent, revision: int) -> None:
    data = event.data
    users = ensure_users([data.actor, *([data.student] if data.student else [])])
    AttendanceEvent.objects.create(
        attendance=attendance,
        revision=revision,
        kind=data.kind,
        happened_at=event.happened_at,
        student_id=users[data.student.school_number] if data.student else None,
        actor_id=users[data.actor.school_number],
        actor_name=data.actor.full_name,
        source=data.source,
        old=event.old,
        new=event.new,
        reason=data.reason,
        request_id=event.request_id,
        request_digest=event.request_digest,
    )
