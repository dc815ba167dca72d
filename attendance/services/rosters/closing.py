"""The roster of a stored lesson: closed by a person, and completed by staff.

Persistence closes the roster of every lesson that it stores. What is left for a person are
lessons that were rebuilt from receipts, and those that were not held and were held after all.
"""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from attendance.errors import Conflict, InvalidInput, ReasonRequired
from attendance.models import Attendance, AttendanceRecord
from attendance.rules import permissions
from attendance.rules.verdicts import NO_RECORD
from attendance.selectors import shapes, whereabouts
from attendance.selectors.shapes import RegisterRecord
from attendance.services import stored_lessons, validation
from attendance.services.request_keys import is_stored, request_key
from attendance.services.rosters import system_marks
from attendance.services.rosters.expected import LessonOfSection, find_expected, hold_person
from attendance.services.rosters.system_marks import Closed
from attendance.services.stored_records import Saying, write_event
from attendance.services.stores import stored_revisions
from attendance.vocabulary import EventKind, Source, Status
from reports import totals
from users.errors import gettext_noop as _
from users.identity import Person, canonical_school_number
from users.models import User
from users.selectors import find_account
from users.services import ensure_users


def close_roster(lesson_id: UUID, *, actor: Person, request_id: str = "") -> Closed:
    """Mark everybody absent who was expected at a stored lesson and has no mark; done once.

    Raises LessonNotFound, NotYourLesson, RequestIdReused, InvalidInput for a lesson without a
    section, and Conflict while the lesson is in the live store.
    """
    request = request_key(request_id=request_id, kind=EventKind.ROSTER_CLOSED, actor=actor)
    with transaction.atomic():
        row = stored_lessons.lock_attendance(lesson_id, actor)
        if not whereabouts.is_only_stored(lesson_id):
            raise stored_lessons.still_live()
        if is_stored(lesson_id, request):
            return Closed()
        if row.section_id is None:
            raise InvalidInput(_("This lesson belongs to no course, so nobody was expected."))
        closed = close_held(row)
        if closed is None:
            return Closed()
        stored_lessons.save_with_event(row, EventKind.ROSTER_CLOSED, actor, "", request)
        totals.recompute([row.pk])
    return closed


def close_held(row: Attendance) -> Closed | None:
    """Within a transaction that holds the attendance: close its roster, or None for nothing."""
    assert row.section_id is not None  # noqa: S101 - the callers have looked
    assert row.held_on is not None  # noqa: S101 - a constraint of the table
    lesson = LessonOfSection(
        lesson_id=row.pk,
        section_id=row.section_id,
        policy_id=row.policy_id,
        held_on=row.held_on,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        is_held=row.not_held_at is None,
    )
    closed = system_marks.close_rosters(find_expected([lesson]), at=timezone.now()).get(row.pk)
    row.refresh_from_db(fields=["roster_closed_at"])
    return closed


def add_expected(
    lesson_id: UUID, school_number: str, *, actor: Person, reason: str, request_id: str = ""
) -> RegisterRecord:
    """Staff says that somebody was expected at a stored lesson; without a mark, they were absent.

    For those who were enrolled later, for days before. Said again, it changes nothing. Raises
    NotYourLesson for others than staff, ReasonRequired, LessonNotFound, RequestIdReused,
    InvalidInput for somebody unknown, and Conflict where the roster is not closed yet, or the
    lesson is in the live store.
    """
    why = validation.clean_reason(reason)
    if not why:
        raise ReasonRequired
    number = canonical_school_number(school_number)
    request = request_key(
        request_id=request_id,
        kind=EventKind.ROSTER_ADDED,
        actor=actor,
        school_number=number,
        reason=why,
    )
    with transaction.atomic():
        hold_person(number)
        attendance = stored_lessons.lock_attendance(lesson_id, actor)
        permissions.check_is_staff(actor)
        if not whereabouts.is_only_stored(lesson_id):
            raise stored_lessons.still_live()
        if attendance.roster_closed_at is None:
            raise Conflict(_("The roster of this lesson is not closed yet. Enrol the student."))
        user = find_account(number)
        if user is None:
            raise InvalidInput(_("Nobody has this number. Correct it, or import the person."))
        rows = attendance.records.select_related("student")
        row = rows.filter(student=user).first()
        is_repeated = is_stored(lesson_id, request)
        if row is not None and (is_repeated or row.is_expected):
            return shapes.record_of_stored(row)
        who = validation.clean_person(actor)
        saying = Saying(
            kind=EventKind.ROSTER_ADDED,
            actor=who,
            actor_id=ensure_users([who])[who.school_number],
            source=Source.STAFF.value,
            reason=why,
            request=request,
        )
        return _expect(attendance, row, user, saying)


def _expect(
    attendance: Attendance, row: AttendanceRecord | None, user: User, saying: Saying
) -> RegisterRecord:
    old = row.status if row else NO_RECORD
    row = row or AttendanceRecord(
        attendance=attendance,
        student=user,
        school_number=user.school_number,
        full_name=user.full_name,
        status=Status.ABSENT,
        source=Source.SYSTEM,
        revision=system_marks.BLANK_REVISION,
    )
    row.is_expected, row.changed_at = True, timezone.now()
    if row.pk is None:
        system_marks.fill_blank(attendance, row)
    stored_revisions.count_up(attendance)
    attendance.save(update_fields=["revision"])
    row.save()
    write_event(attendance, row, saying, old=old, new=row.status)
    return shapes.record_of_stored(row)
