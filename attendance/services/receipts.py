"""Receipts: an acknowledgement that survives the loss of the live store itself.

Every accepted check-in is answered with one. It holds all values of a row, signed;
sent back, it restores the mark where neither store has it, and only there.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.utils import timezone

from attendance.errors import InvalidReceipt, LessonDeleted, NotYourReceipt, ReceiptExpired
from attendance.live import store
from attendance.live.payloads import EventData, RecordData, RequestKey, SectionData
from attendance.models import Attendance, AttendanceRecord, LessonLedger
from attendance.rules import instants
from attendance.rules.status import NO_RULE, ArrivalRule
from attendance.rules.verdicts import NO_RECORD, Change, Mark
from attendance.selectors import shapes
from attendance.selectors.seen_numbers import find_in_lesson
from attendance.selectors.shapes import LessonBrief, RegisterRecord
from attendance.services import claims, ledger, stored_records, writing
from attendance.services.check_in import CheckedIn
from attendance.services.decisions import DecidedClaim
from attendance.services.ids import new_request_key
from attendance.services.request_keys import is_stored, request_key
from attendance.services.stored_revisions import LOST_LIFT
from attendance.vocabulary import EventKind, LessonState, Source, Status
from courses.models import Section
from users.derived_keys import Purpose, signer_for
from users.identity import Person, Role
from users.services import ensure_users

REASON = "brought back by the student's receipt"
LONGEST = 4_096
_SALT = "attn.receipt"


class Receipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a receipt says. Instants are epoch milliseconds."""

    lesson_id: UUID
    lesson_name: str
    teacher: Person
    starts_at: int
    ends_at: int
    student: Person
    status: Status
    checked_in_at: int
    revision: int
    section: SectionData | None = None
    rule: ArrivalRule = NO_RULE


class Found(StrEnum):
    KEPT = "kept"
    """The student has a record; the receipt was not needed."""
    RESTORED = "restored"
    """There was none, and the receipt has brought it back."""


class Redeemed(NamedTuple):
    outcome: Found
    record: RegisterRecord
    lesson: LessonBrief


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Receipt).decode


def issue(check_in: CheckedIn) -> str:
    """The signed receipt of a check-in; '' where its record has no check-in instant, or is old."""
    record, lesson = check_in.record, check_in.lesson
    if record.checked_in_at is None or is_expired(lesson.ends_at):
        return ""
    receipt = Receipt(
        lesson_id=lesson.id,
        lesson_name=lesson.lesson_name,
        teacher=lesson.teacher,
        starts_at=instants.milliseconds(lesson.starts_at),
        ends_at=instants.milliseconds(lesson.ends_at),
        student=Person(record.school_number, record.full_name),
        status=Status(record.status),
        checked_in_at=instants.milliseconds(record.checked_in_at),
        revision=record.revision,
        section=check_in.section,
        rule=lesson.rule,
    )
    body = signing.b64_encode(_encode(receipt)).decode()
    return signer_for(Purpose.RECEIPTS, salt=_SALT).sign(body)


def open_receipt(text: str) -> Receipt:
    """Verify a receipt. Raises InvalidReceipt."""
    try:
        body = signer_for(Purpose.RECEIPTS, salt=_SALT).unsign(text)
        return _decode(signing.b64_decode(body.encode()))
    except (signing.BadSignature, ValueError, msgspec.MsgspecError):
        raise InvalidReceipt from None


def is_expired(ends_at: datetime) -> bool:
    """Whether receipts of a lesson that ended then bring nothing back any more."""
    return ends_at + timedelta(days=settings.RECEIPT_DAYS) < timezone.now()


def redeem(text: str, *, caller: Person) -> Redeemed:
    """Make sure that the mark of a receipt is stored; sent again, it is stored once.

    Redis is read first, unless the ledger says that the lesson was stored and discarded.
    Raises InvalidReceipt, NotYourReceipt, ReceiptExpired after ATTN_RECEIPT_DAYS, LessonDeleted,
    Conflict, LessonUnreadable and LiveStoreUnavailable.
    """
    receipt = open_receipt(text)
    is_own = caller.school_number == receipt.student.school_number
    if not is_own and caller.role is not Role.STAFF:
        raise NotYourReceipt
    if is_expired(instants.instant(receipt.ends_at)):
        raise ReceiptExpired
    outcome, record = _find_or_restore(receipt)
    lesson = LessonBrief(
        id=receipt.lesson_id,
        lesson_name=receipt.lesson_name,
        teacher=receipt.teacher,
        starts_at=instants.instant(receipt.starts_at),
        ends_at=instants.instant(receipt.ends_at),
        section=shapes.section_of_data(receipt.section, instants.instant(receipt.starts_at)),
        rule=receipt.rule,
    )
    return Redeemed(outcome, record, lesson)


def _find_or_restore(receipt: Receipt) -> tuple[Found, RegisterRecord]:
    """Choose the store as a correction does: of a discarded lesson, Redis has an older copy."""
    return writing.write(
        receipt.lesson_id,
        request=_request(receipt),
        live=lambda: _in_live_store(receipt),
        stored=lambda: _in_postgresql(receipt),
    )


def _in_live_store(receipt: Receipt) -> tuple[Found, RegisterRecord]:
    """Restore the record in Redis: a lesson without it is an older copy."""
    student, request = receipt.student, _request(receipt)
    found = find_in_lesson(receipt.lesson_id, student.school_number, request=request)
    if found.record is not None:
        return Found.KEPT, shapes.record_of_live(found.record)
    if found.is_repeated:
        # It was brought back before, and its bytes were damaged since.
        request = new_request_key()
    source = Source.RECEIPT.value
    live_record = store.correct(
        receipt.lesson_id,
        store.CorrectedRecord(
            data=RecordData(student.school_number, student.full_name, source, REASON, student),
            status=receipt.status,
            checked_in_at_ms=receipt.checked_in_at,
            previous="",
            mark=Mark.KEPT,
            seen_revision=0,
            request=request,
            event=EventData(EventKind.RECORD_RESTORED.value, student, source, student, REASON),
            old=NO_RECORD,
            new=receipt.status,
            was_counted=True,
        ),
    )
    return Found.RESTORED, shapes.record_of_live(live_record)


def _in_postgresql(receipt: Receipt) -> tuple[Found, RegisterRecord]:
    with transaction.atomic():
        # Wait for a task that stores this lesson just now.
        claims.claim_in_turn(receipt.lesson_id)
        # Redis was read first and does not hold it, or PostgreSQL has the newest records.
        ledger.mark_lost([receipt.lesson_id])
        users = ensure_users([receipt.student, _teacher(receipt)])
        student_id = users[receipt.student.school_number]
        attendance = _attendance(receipt, users)
        rows = attendance.records.select_related("student")
        row = rows.filter(student_id=student_id).first()
        if row is not None and row.source != Source.SYSTEM:
            return Found.KEPT, shapes.record_of_stored(row)
        if attendance.is_deleted:
            raise LessonDeleted
        return Found.RESTORED, _restore(receipt, attendance, student_id, row)


def _attendance(receipt: Receipt, users: dict[str, int]) -> Attendance:
    """The stored lesson, locked; a lost one is created from its receipt.

    Raises LessonDeleted where it was stored, and somebody has erased it since.
    """
    row = Attendance.objects.select_for_update().filter(pk=receipt.lesson_id).first()
    if row is not None:
        return row
    # A PostgreSQL that came back older does not know that it was stored, or calls it lost.
    if LessonLedger.objects.filter(pk=receipt.lesson_id, state=LessonState.DISCARDED).exists():
        raise LessonDeleted
    starts_at = instants.instant(receipt.starts_at)
    ends_at = instants.instant(receipt.ends_at)
    ledger.enter_lost(
        receipt.lesson_id, receipt.lesson_name, receipt.teacher, window=(starts_at, ends_at)
    )
    return Attendance.objects.create(
        id=receipt.lesson_id,
        teacher_id=users[receipt.teacher.school_number],
        teacher_name=receipt.teacher.full_name,
        lesson_name=receipt.lesson_name,
        starts_at=starts_at,
        ends_at=ends_at,
        opens_before_s=receipt.rule.opens_before_s,
        late_after_s=receipt.rule.late_after_s,
        absent_after_s=receipt.rule.absent_after_s,
        **_section_of(receipt, starts_at),
        # Above any copy of the lesson that comes back.
        revision=LOST_LIFT,
    )


def _section_of(receipt: Receipt, starts_at: datetime) -> dict[str, Any]:
    """The section of a lost lesson, where it is still there; who was missing, a person decides."""
    section = receipt.section
    if section is None or not Section.objects.filter(pk=section.id).exists():
        return {}
    held_on = section.day_of(starts_at)
    return {"section_id": section.id, "policy_id": section.policy_id, "held_on": held_on}


def _restore(
    receipt: Receipt, attendance: Attendance, student_id: int, row: AttendanceRecord | None
) -> RegisterRecord:
    """Bring the mark back where there is none, or one of the system."""
    old = row.status if row else NO_RECORD
    row = row or AttendanceRecord(
        attendance=attendance,
        student_id=student_id,
        school_number=receipt.student.school_number,
        full_name=receipt.student.full_name,
        is_expected=False if attendance.roster_closed_at else None,
    )
    change = Change(receipt.status, "", Mark.KEPT, old, receipt.status)
    arrived_at = instants.instant(receipt.checked_in_at)
    decided = DecidedClaim(
        change=change, source=Source.RECEIPT.value, reason=REASON, checked_in_at=arrived_at
    )
    stored_records.write_change(attendance, row, decided, actor_id=student_id)
    request = _request(receipt)
    if is_stored(attendance.pk, request):
        # It was brought back before, and what came of it is in quarantine.
        request = new_request_key()
    saying = stored_records.Saying(
        kind=EventKind.RECORD_RESTORED,
        actor=receipt.student,
        actor_id=student_id,
        source=Source.RECEIPT.value,
        reason=REASON,
        request=request,
    )
    stored_records.write_event(attendance, row, saying, old=change.old, new=change.new)
    return shapes.record_of_stored(row)


def _teacher(receipt: Receipt) -> Person:
    return Person(receipt.teacher.school_number, receipt.teacher.full_name, Role.TEACHER)


def _request(receipt: Receipt) -> RequestKey:
    """One id for all that a receipt says: sent twice, the mark is brought back once."""
    student = receipt.student
    said = (student.school_number, receipt.revision, receipt.checked_in_at, receipt.status)
    return request_key(
        request_id=f"~receipt-{sha256(msgspec.json.encode(said)).hexdigest()[:32]}",
        kind=EventKind.RECORD_RESTORED,
        actor=student,
        school_number=student.school_number,
    )
