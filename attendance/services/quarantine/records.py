"""What a quarantined record says, and which record of the lesson is in its way."""

from datetime import datetime
from typing import NamedTuple

import msgspec

from attendance.live import decoding
from attendance.live.envelope import Corrupt
from attendance.live.payloads import LiveRecord
from attendance.live.salvage import Salvaged, salvage
from attendance.models import QuarantinedPayload
from attendance.rules.effective import effective
from attendance.rules.instants import instant
from attendance.rules.verdicts import Mark
from attendance.selectors.registers import find_record
from attendance.selectors.shapes import RegisterRecord
from attendance.services.decisions import Original, Stamp, is_open_to_restoring
from attendance.services.persistence.row_values import reason_of
from attendance.services.receipts.data import REASON, Receipt, decode
from attendance.vocabulary import PayloadKind, Source
from users.identity import canonical_school_number
from users.selectors import find_account, numbers_of


class CorrectedCopy(NamedTuple):
    """A record as somebody has read it in the bytes, and supplied what cannot be read there."""

    school_number: str
    full_name: str
    status: str
    reason: str = ""
    """Why it is replayed; a record that is restored keeps the reason that it had."""
    checked_in_at: datetime | None = None
    """When the student came; None for what the payload says."""


class HeldRecords(NamedTuple):
    """What the register says of a student whose record is in quarantine."""

    own: RegisterRecord | None
    """Of the very account."""
    in_the_way: RegisterRecord | None
    """A mark of a person's making, of any account of the student; None where there is none."""


def readable(payload: QuarantinedPayload) -> LiveRecord | None:
    """The record in a payload's bytes, where it can be read now."""
    if payload.kind != PayloadKind.RECORD:
        return None
    try:
        return decoding.decode_record(payload.lesson_id, payload.field, bytes(payload.payload))
    except Corrupt:
        return None


def receipt_of(payload: QuarantinedPayload) -> Receipt | None:
    """The receipt in a payload's bytes, where it is one and can be read now."""
    if payload.kind != PayloadKind.RECEIPT:
        return None
    try:
        return decode(bytes(payload.payload))
    except msgspec.MsgspecError:
        return None


def made_out(payload: QuarantinedPayload) -> Salvaged:
    """What a payload's bytes say, or still seem to say, of a record."""
    receipt = receipt_of(payload)
    if receipt is not None:
        return _said_by(receipt)
    record = readable(payload)
    if record is None:
        said = salvage(bytes(payload.payload))
        return said if said.school_number else said._replace(school_number=payload.field)
    return Salvaged(
        school_number=record.school_number,
        full_name=record.full_name,
        status=record.status,
        checked_in_at=record.checked_in_at,
        source=record.source,
        reason=record.reason,
        mark=record.mark,
    )


def _said_by(receipt: Receipt) -> Salvaged:
    return Salvaged(
        school_number=receipt.student.school_number,
        full_name=receipt.student.full_name,
        status=receipt.status.value,
        checked_in_at=instant(receipt.checked_in_at),
        source=Source.RECEIPT.value,
        reason=REASON,
        mark=Mark.KEPT.value,
    )


def copy_of_receipt(receipt: Receipt) -> CorrectedCopy:
    """The mark of a receipt, with nothing supplied."""
    said = _said_by(receipt)
    return CorrectedCopy(
        said.school_number, said.full_name, said.status, checked_in_at=said.checked_in_at
    )


def copy_of(record: LiveRecord) -> CorrectedCopy:
    """A copy of a record that can be read, with nothing supplied."""
    return CorrectedCopy(
        record.school_number, record.full_name, record.status, checked_in_at=record.checked_in_at
    )


def arrival_of(payload: QuarantinedPayload, copy: CorrectedCopy) -> datetime | None:
    """When the student came: as the payload has it, to the millisecond, or as somebody says."""
    said = made_out(payload).checked_in_at
    if copy.checked_in_at is None or _is_same_second(copy.checked_in_at, said):
        return said
    return copy.checked_in_at


def original_of(payload: QuarantinedPayload, copy: CorrectedCopy) -> Original | None:
    """The original record, where status and arrival of a copy are what its bytes say.

    None where they say nothing of them, or somebody else than the copy: then it is the word of
    whoever supplied them. Number and name may have been supplied.
    """
    said, record = made_out(payload), readable(payload)
    at = arrival_of(payload, copy)
    is_said = bool(said.status) and (copy.status, at) == (said.status, said.checked_in_at)
    if not is_said or said.source in {"", Source.SYSTEM}:
        return None
    if record is not None:
        return Original(
            status=record.status,
            source=record.source,
            reason=reason_of(record),
            checked_in_at=at,
            previous=record.previous,
            mark=record.mark,
            actor=record.actor,
            stamp=_stamp_of(record) if _is_unchanged(record, copy) else None,
        )
    # Who deleted it, damaged bytes do not tell; and a student who came has come at some time.
    is_whole = said.mark == Mark.KEPT and (at is not None or said.source != Source.STUDENT)
    return Original(said.status, said.source, said.reason, at) if is_whole else None


def _stamp_of(record: LiveRecord) -> Stamp:
    return Stamp(record.revision, record.changed_at)


def _is_unchanged(record: LiveRecord, copy: CorrectedCopy) -> bool:
    number = canonical_school_number(copy.school_number)
    return (number, copy.full_name) == (record.school_number, record.full_name)


def _is_same_second(typed: datetime, said: datetime | None) -> bool:
    """A form has no milliseconds."""
    return said is not None and typed.replace(microsecond=0) == said.replace(microsecond=0)


def find_standing(payload: QuarantinedPayload, school_number: str) -> HeldRecords:
    """What the lesson has of whoever has or had a number, under any of their accounts.

    Raises InvalidSchoolNumber, and as `registers.find_record`.
    """
    number = canonical_school_number(school_number)
    own = find_record(payload.lesson_id, number)
    if not is_open_to_restoring(own):
        return HeldRecords(own, own)
    account = find_account(number)
    numbers = numbers_of(account.pk) if account else ()
    found = [find_record(payload.lesson_id, other) for other in numbers if other != number]
    others = [record for record in found if record and not is_open_to_restoring(record)]
    return HeldRecords(own, effective(others) if others else None)


def says_the_same(record: RegisterRecord, original: Original) -> bool:
    """Whether a record is what would be restored: it was brought back before, or by a receipt."""
    return (record.status, record.checked_in_at, record.source, record.mark) == (
        original.status,
        original.checked_in_at,
        original.source,
        original.mark,
    )
