"""Making a lesson that neither store has of what a receipt says of it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from attendance.errors import LessonDeleted, LessonNotFound, PersonErased
from attendance.live import store
from attendance.models import Attendance, LessonLedger
from attendance.rules import instants
from attendance.services import claims
from attendance.services.receipts.data import Receipt
from attendance.services.stores import lost_lessons
from attendance.services.stores.stored_revisions import LOST_LIFT
from attendance.vocabulary import LessonState
from courses.models import Section
from users.selectors import find_account, was_erased
from users.services import ensure_users


def is_known(lesson_id: UUID) -> bool:
    """Whether PostgreSQL has heard of a lesson: of any other, a receipt is the only word."""
    return (
        LessonLedger.objects.filter(pk=lesson_id).exists()
        or Attendance.objects.filter(pk=lesson_id).exists()
    )


def is_teacher_erased(receipt: Receipt) -> bool:
    """Whether the lesson would have to be made, and its teacher anew, who was erased."""
    teacher = receipt.teacher.school_number
    if Attendance.objects.filter(pk=receipt.lesson_id).exists() or find_account(teacher):
        return False
    return was_erased(teacher, after=instants.instant(receipt.starts_at))


def make_for_staff(receipt: Receipt) -> None:
    """Have the lesson of a receipt that staff take; inside the transaction that takes it.

    Raises LessonDeleted, PersonErased where it would bring somebody back who was erased,
    LessonUnreadable and LiveStoreUnavailable.
    """
    arrived_at = instants.instant(receipt.checked_in_at)
    if is_teacher_erased(receipt) or was_erased(receipt.student.school_number, after=arrived_at):
        raise PersonErased
    try:
        store.read_lesson(receipt.lesson_id)
    except LessonNotFound:
        pass
    else:
        # Its copy of Redis came back meanwhile: a correction finds its way by itself.
        return
    claims.claim_in_turn(receipt.lesson_id)
    lost_lessons.mark_lost([receipt.lesson_id])
    teacher = receipt.the_teacher
    hold_or_make(receipt, ensure_users([teacher])[teacher.school_number])


def hold_or_make(receipt: Receipt, teacher_id: int) -> Attendance:
    """The stored lesson, locked; one that is nowhere is made of what its receipt says.

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
    lost_lessons.enter_lost(
        receipt.lesson_id, receipt.lesson_name, receipt.teacher, window=(starts_at, ends_at)
    )
    return Attendance.objects.create(
        id=receipt.lesson_id,
        teacher_id=teacher_id,
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
