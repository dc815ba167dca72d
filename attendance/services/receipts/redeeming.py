"""Receipts: an acknowledgement that survives the loss of the live store itself.

Every accepted check-in is answered with one. It holds all values of a row, signed;
sent back, it restores the mark where neither store has it, and only there.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

import msgspec
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.utils import timezone

from attendance.errors import (
    InvalidReceipt,
    LessonDeleted,
    NotYourReceipt,
    PersonErased,
    ReceiptExpired,
)
from attendance.live import store
from attendance.live.payloads import EventData, RecordData, RequestKey
from attendance.models import Attendance, AttendanceRecord, LessonLedger
from attendance.rules import instants
from attendance.rules.verdicts import NO_RECORD, Change, Mark
from attendance.selectors import shapes
from attendance.selectors.seen_numbers import find_in_lesson
from attendance.selectors.shapes import LessonBrief, RegisterRecord
from attendance.services import claims, stored_records
from attendance.services.check_in import CheckedIn
from attendance.services.decisions import DecidedClaim
from attendance.services.ids import new_request_key
from attendance.services.receipts import waiting as waiting_receipts
from attendance.services.receipts.data import REASON, Receipt, decode, encode
from attendance.services.receipts.lessons import hold_or_make, is_known, is_teacher_erased
from attendance.services.request_keys import is_stored, request_key
from attendance.services.stores import lost_lessons, writing
from attendance.vocabulary import EventKind, Source, Status
from courses.selectors.sections import term_end
from users.derived_keys import Purpose, signer_for
from users.identity import Person, Role
from users.selectors import was_erased
from users.services import ensure_users

LONGEST = 4_096
_SALT = "attn.receipt"


class Found(StrEnum):
    KEPT = "kept"
    """The student has a record; the receipt was not needed."""
    RESTORED = "restored"
    """There was none, and the receipt has brought it back."""
    WAITS = "waits"
    """Nobody knows the lesson: staff decide, and it is in quarantine until then."""
    SET_ASIDE = "set_aside"
    """Staff have set it aside."""


class Redeemed(NamedTuple):
    outcome: Found
    record: RegisterRecord | None
    """None where there is no mark: the receipt waits for staff, or was set aside."""
    lesson: LessonBrief
    student: Person


def issue(check_in: CheckedIn) -> str:
    """The signed receipt of a check-in; '' where its record has no check-in instant, or is old."""
    record, lesson = check_in.record, check_in.lesson
    section_id = lesson.section.id if lesson.section else None
    if record.checked_in_at is None or is_expired(lesson.ends_at, section_id=section_id):
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
    body = signing.b64_encode(encode(receipt)).decode()
    return signer_for(Purpose.RECEIPTS, salt=_SALT).sign(body)


def open_receipt(text: str) -> Receipt:
    """Verify a receipt. Raises InvalidReceipt."""
    try:
        body = signer_for(Purpose.RECEIPTS, salt=_SALT).unsign(text)
        return decode(signing.b64_decode(body.encode()))
    except (signing.BadSignature, ValueError, msgspec.MsgspecError):
        raise InvalidReceipt from None


def is_expired(ends_at: datetime, *, section_id: int | None = None) -> bool:
    """Whether receipts of a lesson that ended then bring nothing back any more.

    Those of a section end with its term, after ATTN_RECEIPT_TERM_DAYS, if that is sooner.
    """
    now = timezone.now()
    if ends_at + timedelta(days=settings.RECEIPT_DAYS) < now:
        return True
    if section_id is None or ends_at > now:
        # A check-in costs no query: its lesson is not over, and no term is.
        return False
    end = term_end(section_id)
    return end is not None and end + timedelta(days=settings.RECEIPT_TERM_DAYS) < now


def redeem(text: str, *, caller: Person) -> Redeemed:
    """Make sure that the mark of a receipt is stored; sent again, it is stored once.

    Redis is read first, unless the ledger says that the lesson was stored and discarded.
    Raises InvalidReceipt, NotYourReceipt, ReceiptExpired after ATTN_RECEIPT_DAYS or the term,
    PersonErased, LessonDeleted, Conflict, LessonUnreadable and LiveStoreUnavailable.
    """
    receipt = open_receipt(text)
    is_own = caller.school_number == receipt.student.school_number
    if not is_own and caller.role is not Role.STAFF:
        raise NotYourReceipt
    section_id = _section_id(receipt)
    if is_expired(instants.instant(receipt.ends_at), section_id=section_id):
        raise ReceiptExpired
    _refuse_erased(receipt)
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
    return Redeemed(outcome, record, lesson, receipt.student)


def _section_id(receipt: Receipt) -> int | None:
    """The section of a receipt; one that a page gave does not name it, and the ledger does."""
    if receipt.section is not None:
        return receipt.section.id
    rows = LessonLedger.objects.filter(pk=receipt.lesson_id)
    return rows.values_list("section_id", flat=True).first()


def _refuse_erased(receipt: Receipt) -> None:
    """Nobody who was erased comes back by a receipt of before, whoever has the number now."""
    arrived_at = instants.instant(receipt.checked_in_at)
    if was_erased(receipt.student.school_number, after=arrived_at):
        raise PersonErased


def _find_or_restore(receipt: Receipt) -> tuple[Found, RegisterRecord | None]:
    """Choose the store as a correction does: of a discarded lesson, Redis has an older copy."""
    return writing.write(
        receipt.lesson_id,
        request=_request(receipt),
        live=lambda: _in_live_store(receipt),
        stored=lambda: _in_postgresql(receipt),
    )


def _in_live_store(receipt: Receipt) -> tuple[Found, RegisterRecord | None]:
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


def _in_postgresql(receipt: Receipt) -> tuple[Found, RegisterRecord | None]:
    with transaction.atomic():
        # Wait for a task that stores this lesson just now.
        claims.claim_in_turn(receipt.lesson_id)
        # Redis was read first and does not hold it, or PostgreSQL has the newest records.
        lost_lessons.mark_lost([receipt.lesson_id])
        if not is_known(receipt.lesson_id) or is_teacher_erased(receipt):
            is_open = waiting_receipts.keep(receipt)
            return (Found.WAITS if is_open else Found.SET_ASIDE), None
        users = ensure_users([receipt.student, receipt.the_teacher])
        # Who was deleted while we waited is seen now; who is held cannot be deleted any more.
        _refuse_erased(receipt)
        student_id = users[receipt.student.school_number]
        attendance = hold_or_make(receipt, users[receipt.teacher.school_number])
        rows = attendance.records.select_related("student")
        row = rows.filter(student_id=student_id).first()
        if row is not None and row.source != Source.SYSTEM:
            return Found.KEPT, shapes.record_of_stored(row)
        if attendance.is_deleted:
            raise LessonDeleted
        return Found.RESTORED, _restore(receipt, attendance, student_id, row)


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
