"""Correcting a record, in the store where its lesson lives: `selectors/whereabouts.py`."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from attendance.errors import (
    AttendanceError,
    Conflict,
    LessonNotFound,
    LessonUnreadable,
    ReasonRequired,
    RecordNotFound,
)
from attendance.live import store
from attendance.live.payloads import EventData, RecordData, RequestKey
from attendance.models import Attendance, AttendanceRecord
from attendance.rules import instants, verdicts
from attendance.selectors import access, shapes
from attendance.selectors.seen_numbers import find_in_lesson
from attendance.selectors.shapes import LessonBrief, RegisterRecord
from attendance.services import request_keys, stored_records, validation
from attendance.services.decisions import (
    Claim,
    DecidedClaim,
    Original,
    decide_claim,
    decide_restored,
    is_open_to_restoring,
)
from attendance.services.rosters.expected import hold_person
from attendance.services.stores import writing
from attendance.vocabulary import Source, Verdict
from users.errors import gettext_noop as _
from users.identity import Person, canonical_school_number, clean_full_name
from users.selectors import account_id
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
    arrived_at: datetime | None = None
    """When the student came: then the lesson's rule gives the status, whatever the verdict."""
    kept_arrival: datetime | None = None
    """When the student came, by a payload that was read again; kept beside the verdict."""
    original: Original | None = None
    """The record from quarantine that is accepted as it was: then it counts, and no verdict."""
    is_verdict: bool = False
    """Whether the external verifier decided it, which is nobody's teacher."""


def correct_record(correction: Correction) -> RegisterRecord:
    """Correct, add, delete or undo one record; the event says by whom and why.

    Returns the record as it is then. Raises InvalidSchoolNumber,
    InvalidFullName, InvalidInput, ReasonRequired, LessonNotFound,
    NotYourLesson, RequestIdReused, RecordNotFound, NothingToUndo, Conflict, LessonFull,
    LessonHasTooManyChanges, LessonUnreadable and LiveStoreUnavailable.
    """
    clean = _clean(correction)
    request = _request_of(clean)
    return writing.write(
        clean.lesson_id,
        request=request,
        live=lambda: _correct_live(clean, request),
        stored=lambda: _correct_stored(clean, request),
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
    )


def _request_of(correction: Correction) -> RequestKey:
    """Of what was asked for; the revision that the caller saw is no part of it."""
    return request_keys.request_key(
        request_id=correction.request_id,
        kind="verify" if correction.is_verdict else "correct",
        actor=correction.actor,
        school_number=correction.school_number,
        verdict=correction.verdict.value,
        reason=correction.reason,
        full_name=correction.full_name,
        arrived_at=correction.arrived_at,
        kept_arrival=correction.kept_arrival,
        **_of_original(correction.original),
    )


def _of_original(original: Original | None) -> dict[str, request_keys.Value]:
    """What is asked for where a record is restored; its revision is no part of it."""
    if original is None:
        return {}
    asked = original._replace(actor=None, stamp=None)._asdict()
    return {f"original_{name}": value for name, value in asked.items()}


def _full_name(before: RegisterRecord | None, correction: Correction) -> str:
    """A record keeps the name that was seen at the lesson; a new record needs one."""
    if before is not None:
        return before.full_name
    if not correction.full_name:
        raise RecordNotFound
    return correction.full_name


def _source(correction: Correction, lesson: LessonBrief) -> str:
    if correction.is_verdict:
        return Source.VERIFIER.value
    return access.check_may_change(correction.actor, lesson)


def _decide(
    correction: Correction, source: str, before: RegisterRecord | None, lesson: LessonBrief
) -> DecidedClaim:
    if correction.original is not None:
        return decide_restored(correction.original, before)
    claim = Claim(
        verdict=correction.verdict,
        source=source,
        reason=correction.reason,
        arrived_at=correction.arrived_at,
        kept_arrival=correction.kept_arrival,
    )
    return decide_claim(claim, before, lesson)


def _check_expected(before: RegisterRecord | None, expected: int | None) -> None:
    if expected is not None and expected != (before.revision if before else 0):
        raise Conflict


def _correct_live(correction: Correction, request: RequestKey) -> RegisterRecord:
    lesson = store.read_lesson(correction.lesson_id)
    if lesson.is_starting:
        raise LessonNotFound
    brief = shapes.brief_of_live(lesson)
    source = _source(correction, brief)
    for _attempt in range(ATTEMPTS):
        try:
            return _try_live(correction, request, brief, source)
        except Conflict:
            if correction.expected_revision is not None:
                raise
    raise Conflict


def _try_live(
    correction: Correction, request: RequestKey, lesson: LessonBrief, source: str
) -> RegisterRecord:
    reply = find_in_lesson(correction.lesson_id, correction.school_number, request=request)
    number = reply.number
    before = shapes.record_of_live(reply.record) if reply.record else None
    if reply.is_repeated:
        return _first_answer(before, LessonUnreadable())
    if request_keys.is_stored(correction.lesson_id, request):
        # Redis has come back as an older copy: the first answer was given by PostgreSQL.
        return _first_answer(_stored_record(correction), Conflict())
    _check_expected(before, correction.expected_revision)
    decided = _decide(correction, source, before, lesson)
    name = _full_name(before, correction)
    actor = decided.restored.actor if decided.restored else correction.actor
    if decided.is_outranked and reply.record is not None and reply.record.actor is not None:
        actor = reply.record.actor
    live_record = store.correct(
        correction.lesson_id,
        store.CorrectedRecord(
            data=RecordData(number, name, decided.source, decided.reason, actor),
            status=decided.change.status,
            checked_in_at_ms=(
                instants.milliseconds(decided.checked_in_at) if decided.checked_in_at else ""
            ),
            previous=decided.change.previous,
            mark=decided.change.mark,
            seen_revision=before.revision if before else 0,
            request=request,
            event=EventData(
                decided.kind(is_verdict=correction.is_verdict).value,
                correction.actor,
                source,
                Person(number, name),
                correction.reason,
            ),
            old=decided.change.old,
            new=decided.change.new,
        ),
    )
    return shapes.record_of_live(live_record)


def _first_answer(record: RegisterRecord | None, problem: AttendanceError) -> RegisterRecord:
    """The record that the first request has left; it may be unreadable, or in quarantine."""
    if record is None:
        raise problem
    return record


def _correct_stored(correction: Correction, request: RequestKey) -> RegisterRecord:
    with transaction.atomic():
        hold_person(correction.school_number)
        attendance = hold_attendance(correction.lesson_id)
        source = _source(correction, shapes.brief_of_stored(attendance))
        row = _row(attendance, correction.school_number)
        before = shapes.record_of_stored(row) if row else None
        if request_keys.is_stored(attendance.pk, request):
            return _first_answer(before, Conflict())
        if attendance.is_deleted:
            raise Conflict(_("This lesson is flagged as deleted. Restore it first."))
        _check_expected(before, correction.expected_revision)
        request_keys.check_room(attendance, source=source)
        return shapes.record_of_stored(_write_stored(attendance, row, correction, request, source))


def hold_attendance(lesson_id: UUID) -> Attendance:
    """A stored lesson, locked until the commit. Raises LessonNotFound."""
    rows = Attendance.objects.select_for_update(of=("self",)).select_related("teacher", "section")
    attendance = rows.filter(pk=lesson_id).first()
    if attendance is None:
        raise LessonNotFound
    return attendance


def _write_stored(
    attendance: Attendance,
    row: AttendanceRecord | None,
    correction: Correction,
    request: RequestKey,
    source: str,
) -> AttendanceRecord:
    before = shapes.record_of_stored(row) if row else None
    lesson = shapes.brief_of_stored(attendance)
    decided = _decide(correction, source, before, lesson)
    name = _full_name(before, correction)
    maker = (decided.restored and decided.restored.actor) or correction.actor
    users = ensure_users([Person(correction.school_number, name), correction.actor, maker])
    actor_id = users[correction.actor.school_number]
    row = row or AttendanceRecord(
        attendance=attendance,
        student_id=users[correction.school_number],
        school_number=correction.school_number,
        full_name=name,
        is_expected=False if attendance.roster_closed_at else None,
    )
    if decided.restored and is_open_to_restoring(before):
        # Number and name that were seen, where the system had those of the roster.
        row.school_number, row.full_name = correction.school_number, correction.full_name or name
    maker_id = users[maker.school_number]
    stored_records.write_change(attendance, row, decided, actor_id=maker_id)
    saying = stored_records.Saying(
        kind=decided.kind(is_verdict=correction.is_verdict),
        actor=correction.actor,
        actor_id=actor_id,
        source=source,
        reason=correction.reason,
        request=request,
        at=timezone.now() if decided.restored else None,
    )
    # Where nobody's word is left, the absences that are approved now say what the mark is.
    new = row.status if row.source == Source.SYSTEM else decided.change.new
    stored_records.write_event(attendance, row, saying, old=decided.change.old, new=new)
    return row


def _stored_record(correction: Correction) -> RegisterRecord | None:
    row = _row(Attendance(pk=correction.lesson_id), correction.school_number)
    return shapes.record_of_stored(row) if row else None


def _row(attendance: Attendance, school_number: str) -> AttendanceRecord | None:
    rows = attendance.records.select_related("student")
    return rows.filter(student=account_id(school_number)).first()
