"""Correcting a record, in the store where its lesson lives: `selectors/whereabouts.py`."""

from dataclasses import dataclass, replace
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from attendance.errors import (
    Conflict,
    LessonNotFound,
    ReasonRequired,
    RecordNotFound,
)
from attendance.live import store
from attendance.live.payloads import EventData, RecordData
from attendance.models import Attendance, AttendanceEvent, AttendanceRecord
from attendance.rules import instants, permissions, verdicts
from attendance.rules.verdicts import UNDONE_REASON, Change, Mark
from attendance.selectors import shapes, whereabouts
from attendance.selectors.shapes import RegisterRecord
from attendance.services import validation
from attendance.vocabulary import EventKind, Source, Verdict
from users.errors import gettext_noop as _
from users.identity import Person, canonical_school_number, clean_full_name
from users.services import ensure_users

ATTEMPTS = 5
"""How often a correction is tried where other corrections come in between."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """What a teacher or staff says of one student in one lesson."""

    lesson_id: UUID
    school_number: str
    verdict: Verdict
    actor: Person
    reason: str = ""
    """Needed for every verdict but accept and undo."""
    full_name: str = ""
    """Needed where the student has no record yet."""
    request_id: str = ""
    """A second correction with the same id changes nothing."""
    expected_revision: int | None = None
    """The record's revision that the caller saw, or None where any revision may be corrected."""
    is_verdict: bool = False
    """Whether the external verifier decided it, which is nobody's teacher."""


def correct_record(correction: Correction) -> RegisterRecord:
    """Correct, add, delete or undo one record; the event says by whom and why.

    Returns the record as it is then. Raises InvalidSchoolNumber,
    InvalidFullName, InvalidInput, ReasonRequired, LessonNotFound,
    NotYourLesson, RecordNotFound, NothingToUndo, Conflict, LessonFull,
    LessonUnreadable and LiveStoreUnavailable.
    """
    clean = _clean(correction)
    return whereabouts.write(
        clean.lesson_id,
        live=lambda: _correct_live(clean),
        stored=lambda: _correct_stored(clean),
    )


def _clean(correction: Correction) -> Correction:
    reason = validation.clean_reason(correction.reason)
    if not reason and correction.verdict not in verdicts.NEEDS_NO_REASON:
        raise ReasonRequired
    name = correction.full_name
    return replace(
        correction,
        school_number=canonical_school_number(correction.school_number),
        actor=validation.clean_person(correction.actor),
        reason=reason,
        full_name=clean_full_name(name) if name else "",
        request_id=validation.clean_request_id(correction.request_id),
    )


def _full_name(before: RegisterRecord | None, correction: Correction) -> str:
    """A record keeps the name that was seen at the lesson; a new record needs one."""
    if before is not None:
        return before.full_name
    if not correction.full_name:
        raise RecordNotFound
    return correction.full_name


def _reason(change: Change, correction: Correction) -> str:
    return UNDONE_REASON if change.mark == Mark.UNDONE else correction.reason


def _source(correction: Correction, teacher_number: str) -> str:
    if correction.is_verdict:
        return Source.VERIFIER.value
    return permissions.check_may_change(correction.actor, teacher_number=teacher_number)


def _kind(correction: Correction) -> EventKind:
    return EventKind.RECORD_VERIFIED if correction.is_verdict else EventKind.RECORD_CORRECTED


def _check_expected(before: RegisterRecord | None, expected: int | None) -> None:
    if expected is not None and expected != (before.revision if before else 0):
        raise Conflict


def _correct_live(correction: Correction) -> RegisterRecord:
    lesson = store.read_lesson(correction.lesson_id)
    if lesson.is_starting:
        raise LessonNotFound
    source = _source(correction, lesson.data.teacher.school_number)
    for _attempt in range(ATTEMPTS):
        try:
            return _try_live(correction, source)
        except Conflict:
            if correction.expected_revision is not None:
                raise
    raise Conflict


def _try_live(correction: Correction, source: str) -> RegisterRecord:
    number = correction.school_number
    reply = store.read_record(correction.lesson_id, number, request_id=correction.request_id)
    before = shapes.record_of_live(reply.record) if reply.record else None
    if reply.is_repeated and before is not None:
        return before
    _check_expected(before, correction.expected_revision)
    change = verdicts.decide(before.standing if before else None, correction.verdict)
    reason = _reason(change, correction)
    name = _full_name(before, correction)
    checked_in_at = before.checked_in_at if before else None
    live_record = store.correct(
        correction.lesson_id,
        store.CorrectedRecord(
            data=RecordData(number, name, source, reason, correction.actor),
            status=change.status,
            checked_in_at_ms=instants.milliseconds(checked_in_at) if checked_in_at else "",
            previous=change.previous,
            mark=change.mark,
            seen_revision=before.revision if before else 0,
            request_id=correction.request_id,
            event=EventData(
                _kind(correction).value,
                correction.actor,
                source,
                Person(number, name),
                correction.reason,
            ),
            old=change.old,
            new=change.new,
        ),
    )
    return shapes.record_of_live(live_record)


def _correct_stored(correction: Correction) -> RegisterRecord:
    with transaction.atomic():
        attendance = (
            Attendance.objects.select_for_update(of=("self",))
            .select_related("teacher")
            .filter(pk=correction.lesson_id)
            .first()
        )
        if attendance is None:
            raise LessonNotFound
        source = _source(correction, attendance.teacher.school_number)
        if attendance.is_deleted:
            raise Conflict(_("This lesson is flagged as deleted. Restore it first."))
        row = _row(attendance, correction.school_number)
        before = shapes.record_of_stored(row) if row else None
        is_repeated = attendance.events.filter(request_id=correction.request_id).exists()
        if is_repeated and before is not None:
            return before
        _check_expected(before, correction.expected_revision)
        change = verdicts.decide(before.standing if before else None, correction.verdict)
        return _write_stored(attendance, row, change, correction, source)


def _row(attendance: Attendance, school_number: str) -> AttendanceRecord | None:
    rows = attendance.records.select_related("student")
    return rows.filter(student__school_number=school_number).first()


def _write_stored(
    attendance: Attendance,
    row: AttendanceRecord | None,
    change: Change,
    correction: Correction,
    source: str,
) -> RegisterRecord:
    name = _full_name(shapes.record_of_stored(row) if row else None, correction)
    student = Person(correction.school_number, name)
    users = ensure_users([student, correction.actor])
    attendance.revision += 1
    attendance.save(update_fields=["revision"])
    row = row or AttendanceRecord(
        attendance=attendance, student_id=users[student.school_number], full_name=name
    )
    row.revision, row.changed_at, row.source = attendance.revision, timezone.now(), source
    _change_row(row, change, _reason(change, correction), users[correction.actor.school_number])
    AttendanceEvent.objects.create(
        attendance=attendance,
        revision=attendance.revision,
        kind=_kind(correction),
        happened_at=row.changed_at,
        student_id=row.student_id,
        actor_id=users[correction.actor.school_number],
        actor_name=correction.actor.full_name,
        source=source,
        old=change.old,
        new=change.new,
        reason=correction.reason,
        request_id=correction.request_id,
    )
    return shapes.record_of_stored(row)


def _change_row(row: AttendanceRecord, change: Change, reason: str, actor_id: int) -> None:
    is_deleted = change.mark != Mark.KEPT
    row.status, row.previous, row.reason = change.status, change.previous, reason
    row.deleted_at = row.changed_at if is_deleted else None
    row.deleted_by_id = actor_id if is_deleted else None
    row.deleted_reason = (reason or UNDONE_REASON) if is_deleted else ""
    row.save()
