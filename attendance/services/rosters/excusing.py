"""Approved absences in stored lessons: they soften what the system said, and nothing else.

An approval that comes after the lesson was stored excuses the mark; a withdrawn one makes it
absent again. Each change is an event. A word of a person is never touched.

Of a lesson that Redis still holds, the register goes on there, and with it the numbering of
events and revisions: its marks are restated as if the decision had come before them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from attendance.models import Attendance, AttendanceEvent, AttendanceRecord, LessonLedger
from attendance.services import telling
from attendance.services.ids import new_request_key
from attendance.services.rosters import system_marks
from attendance.services.stored_records import Saying, new_event
from attendance.services.stores.stored_revisions import lift_lost
from attendance.vocabulary import LONGEST_REASON, EventKind, Source
from courses.models import Absence
from courses.selectors.expected import excuses_at
from reports import totals
from users.models import User
from users.selectors import accounts_of


class Cause(NamedTuple):
    """Whose absence was decided, by whom and why."""

    user_ids: frozenset[int]
    """Of the person: every account."""
    starts_at: datetime
    ends_at: datetime
    actor: User
    reason: str


def follow_absence(absence_id: int) -> int:
    """After an absence was decided or withdrawn, in the same transaction: restate the marks.

    The caller holds the absent person's row. Returns how many marks have changed.
    """
    absence = Absence.objects.select_related("user", "reason", "decided_by", "withdrawn_by").get(
        pk=absence_id
    )
    actor = absence.withdrawn_by or absence.decided_by
    if actor is None:
        return 0
    cause = Cause(
        user_ids=accounts_of(absence.user_id),
        starts_at=absence.starts_at,
        ends_at=absence.ends_at,
        actor=actor,
        reason=f"{absence.reason.label}: {absence.get_state_display()}"[:LONGEST_REASON],
    )
    return restate_system_marks(cause)


def restate_system_marks(cause: Cause) -> int:
    """Bring the system's marks of one person in line with the absences that are approved now.

    Call it inside the transaction of the decision, which holds the person's row. Returns how
    many have changed. A fixed number of statements for any number of lessons.
    """
    attendances = _hold_attendances(cause)
    # Read once the attendances are held: a correction may just have taken a mark's place.
    marks = list(_marks(cause).filter(attendance_id__in=list(attendances)))
    meetings = {mark.pk: system_marks.meeting_of(attendances[mark.attendance_id]) for mark in marks}
    excuses = excuses_at({meeting: list(cause.user_ids) for meeting in meetings.values()})
    changed: list[tuple[AttendanceRecord, str]] = []
    for mark in marks:
        old = mark.status, mark.absence_id
        system_marks.fill(mark, excuses.get((meetings[mark.pk], mark.student_id)))
        if (mark.status, mark.absence_id) != old:
            changed.append((mark, old[0]))
    _write(attendances, changed, cause)
    return len(changed)


def _marks(cause: Cause) -> QuerySet[AttendanceRecord]:
    return AttendanceRecord.objects.filter(
        student_id__in=cause.user_ids,
        source=Source.SYSTEM,
        # Also where the lesson was not held: it may yet turn out that it was.
        attendance__section__isnull=False,
        attendance__starts_at__lt=cause.ends_at,
        attendance__ends_at__gt=cause.starts_at,
    )


def _hold_attendances(cause: Cause) -> dict[UUID, Attendance]:
    ids = _marks(cause).values_list("attendance_id", flat=True)
    rows = Attendance.objects.select_for_update().filter(pk__in=list(ids)).order_by("pk")
    return {row.pk: row for row in rows}


def _write(
    attendances: Mapping[UUID, Attendance],
    changed: Sequence[tuple[AttendanceRecord, str]],
    cause: Cause,
) -> None:
    now = timezone.now()
    live = LessonLedger.objects.open().filter(pk__in=[mark.attendance_id for mark, _ in changed])
    in_redis = set(live.values_list("pk", flat=True))
    told = []
    lift_lost(attendances[mark.attendance_id] for mark, _ in changed)
    for mark, old in changed:
        # The mark keeps its revision: it yields to any word.
        mark.changed_at = now
        if mark.attendance_id in in_redis:
            continue
        attendance = attendances[mark.attendance_id]
        attendance.revision += 1
        saying = Saying(
            kind=EventKind.RECORD_EXCUSED,
            actor=cause.actor.as_person(),
            actor_id=cause.actor.pk,
            source=Source.SYSTEM.value,
            reason=cause.reason,
            request=new_request_key(),
        )
        event = new_event(attendance, mark, saying, old=old, new=mark.status)
        told.append((attendance, mark, event))
    touched = {mark.attendance_id: attendances[mark.attendance_id] for mark, _ in changed}
    Attendance.objects.bulk_update(touched.values(), ["revision"])
    AttendanceRecord.objects.bulk_update(
        [mark for mark, _ in changed], ["status", "reason", "absence", "changed_at"]
    )
    AttendanceEvent.objects.bulk_create([event for _, _, event in told])
    telling.tell_marks(told)
    totals.recompute(list(touched), user_ids=list(cause.user_ids))
