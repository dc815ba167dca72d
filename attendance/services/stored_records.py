"""Writing one record of a stored lesson, with the event that says by whom and why."""

from datetime import datetime
from typing import NamedTuple

from django.utils import timezone

from attendance.live.payloads import RequestKey
from attendance.models import Attendance, AttendanceEvent, AttendanceRecord
from attendance.rules.verdicts import UNDONE_REASON, Mark
from attendance.services import telling
from attendance.services.decisions import DecidedClaim
from attendance.services.rosters.system_marks import fill_blank, is_blank
from attendance.services.stores import stored_revisions
from attendance.vocabulary import EventKind
from reports import totals
from users.identity import Person


class Saying(NamedTuple):
    """Who said what of a record, and why."""

    kind: EventKind
    actor: Person
    actor_id: int
    source: str
    reason: str
    request: RequestKey
    at: datetime | None = None
    """Where that is not when the record was made what it is."""


def write_change(
    attendance: Attendance, row: AttendanceRecord, decided: DecidedClaim, *, actor_id: int
) -> None:
    """Make a record what was decided, at the next revision of its attendance.

    A record from quarantine that takes nobody's place keeps its own. The caller holds the
    attendance; `actor_id` is of whoever deleted the record, where it is deleted.
    """
    stored_revisions.count_up(attendance)
    attendance.save(update_fields=["revision"])
    change, is_deleted = decided.change, decided.change.mark != Mark.KEPT
    row.revision, row.changed_at = attendance.revision, timezone.now()
    if decided.stamp is not None and decided.stamp.revision < attendance.revision:
        # One that is ahead of PostgreSQL is of a copy that has gone on: it would beat later words.
        row.revision, row.changed_at = decided.stamp
    if not (decided.is_outranked and row.pk):
        row.source, row.reason = decided.source, decided.reason
        row.status, row.previous = change.status, change.previous
        row.checked_in_at, row.absence_id = decided.checked_in_at, None
        row.deleted_at = row.changed_at if is_deleted else None
        row.deleted_by_id = actor_id if is_deleted else None
        row.deleted_reason = (decided.reason or UNDONE_REASON) if is_deleted else ""
    if is_blank(attendance, row):
        fill_blank(attendance, row)
    row.save()


def write_event(
    attendance: Attendance, row: AttendanceRecord, saying: Saying, *, old: str, new: str
) -> None:
    """Tell of a change at the revision that the attendance has now; its totals follow.

    The last step of a transaction that changes one record.
    """
    event = new_event(attendance, row, saying, old=old, new=new)
    event.save()
    telling.tell_marks([(attendance, row, event)])
    totals.recompute([attendance.pk], user_ids=[row.student_id])


def new_event(
    attendance: Attendance, row: AttendanceRecord, saying: Saying, *, old: str, new: str
) -> AttendanceEvent:
    """The event of a change, for the caller to save."""
    return AttendanceEvent(
        attendance=attendance,
        revision=attendance.revision,
        kind=saying.kind,
        happened_at=saying.at or row.changed_at,
        student_id=row.student_id,
        actor_id=saying.actor_id,
        actor_name=saying.actor.full_name,
        source=saying.source,
        old=old,
        new=new,
        reason=saying.reason,
        request_id=saying.request.id,
        request_digest=saying.request.digest,
    )
