"""What staff can do with a quarantined payload: retry, replay, replace, set aside.

The raw bytes never change. A replay goes through the same function as any
correction, with an event, and adds a record only where the student has none.
"""

from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

import msgspec
from django.utils import timezone

from attendance.errors import (
    AlreadySettled,
    InvalidInput,
    NotYourLesson,
    ReasonRequired,
    RecordExists,
    StillUnreadable,
)
from attendance.live import decoding, store
from attendance.live.envelope import Corrupt
from attendance.live.payloads import LiveRecord
from attendance.models import QuarantinedPayload
from attendance.rules.precedence import is_blank
from attendance.rules.verdicts import VERDICT_OF
from attendance.selectors.registers import find_record
from attendance.selectors.shapes import RegisterRecord
from attendance.services import validation
from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import unified_persistence_task
from attendance.services.persistence.candidates import RunOptions
from attendance.services.persistence.report import TROUBLE
from attendance.vocabulary import (
    LONGEST_REASON,
    PayloadKind,
    PayloadState,
    Trigger,
    Verdict,
)
from users.errors import gettext_noop as _
from users.identity import Person, Role
from users.selectors import find_account


class CorrectedCopy(NamedTuple):
    """A readable copy of a record, as somebody has typed it."""

    school_number: str
    full_name: str
    status: str
    reason: str = ""
    checked_in_at: datetime | None = None
    """When the student came, as the payload has it."""


def retry_payload(payload_id: int, *, actor: Person) -> None:
    """Read the same bytes again, and replay what can be read now.

    Raises StillUnreadable, RecordExists, AlreadySettled, NotYourLesson and what
    `correct_record` raises.
    """
    payload = _open_payload(payload_id, actor)
    if payload.kind == PayloadKind.LESSON:
        _retry_lesson(payload, actor)
        return
    record = readable(payload)
    if record is None:
        raise StillUnreadable(
            _("It still cannot be read: %(reason)s. Correct a copy, or set it aside."),
            reason=payload.reason,
        )
    at = record.checked_in_at
    reason = f"checked in at {at.isoformat()}" if at else ""
    copy = CorrectedCopy(record.school_number, record.full_name, record.status, reason, at)
    replay_payload(payload_id, corrected=copy, actor=actor)


def replay_payload(payload_id: int, *, corrected: CorrectedCopy, actor: Person) -> RegisterRecord:
    """Add a corrected copy to its lesson, where the student has no record of a person's making.

    Raises RecordExists, AlreadySettled, InvalidInput, NotYourLesson and what
    `correct_record` raises.
    """
    payload = _open_payload(payload_id, actor)
    record = find_record(payload.lesson_id, corrected.school_number)
    if record is not None and not (record.is_deleted or is_blank(record.source)):
        raise RecordExists(record=msgspec.to_builtins(record))
    return _replay(payload, corrected, actor, record.revision if record else 0)


def replace_with_payload(
    payload_id: int, *, corrected: CorrectedCopy, actor: Person, seen_revision: int
) -> RegisterRecord:
    """Put a corrected copy in the place of the record at the revision that was seen.

    Raises Conflict where that record changed meanwhile, and as `replay_payload`.
    """
    return _replay(_open_payload(payload_id, actor), corrected, actor, seen_revision)


def discard_payload(payload_id: int, *, actor: Person, reason: str) -> None:
    """Set a payload aside with a reason; its bytes stay.

    Raises ReasonRequired, AlreadySettled and NotYourLesson.
    """
    payload = _open_payload(payload_id, actor)
    reason = validation.clean_reason(reason)
    if not reason:
        raise ReasonRequired
    _settle(payload, PayloadState.DISCARDED, actor, reason=reason)


def readable(payload: QuarantinedPayload) -> LiveRecord | None:
    """The record in a payload's bytes, where it can be read now."""
    if payload.kind != PayloadKind.RECORD:
        return None
    try:
        return decoding.decode_record(payload.lesson_id, payload.field, bytes(payload.payload))
    except Corrupt:
        return None


def _open_payload(payload_id: int, actor: Person) -> QuarantinedPayload:
    if actor.role is not Role.STAFF:
        raise NotYourLesson(_("Only staff settles what is in quarantine."))
    payload = QuarantinedPayload.objects.filter(pk=payload_id, state=PayloadState.OPEN).first()
    if payload is None:
        raise AlreadySettled
    return payload


def _retry_lesson(payload: QuarantinedPayload, actor: Person) -> None:
    lesson_id: UUID = payload.lesson_id
    store.unpark([lesson_id])
    report = unified_persistence_task(
        lesson_ids=[lesson_id], options=RunOptions(trigger=Trigger.ADMIN)
    )
    failures = [lesson for lesson in report.lessons if lesson.outcome in TROUBLE]
    if failures or report.unavailable:
        why = failures[0].error if failures else report.unavailable
        raise StillUnreadable(_("The lesson cannot be persisted yet: %(why)s"), why=why)
    _settle(payload, PayloadState.REPLAYED, actor)


def _replay(
    payload: QuarantinedPayload, corrected: CorrectedCopy, actor: Person, seen_revision: int
) -> RegisterRecord:
    if payload.kind != PayloadKind.RECORD:
        raise InvalidInput(_("Only a record can be replayed. Set this payload aside."))
    verdict = VERDICT_OF.get(corrected.status)
    if verdict is None:
        raise InvalidInput(_("Decide: present, late, excused, absent or rejected."))
    note = f"from quarantine: {corrected.reason or payload.reason}"[:LONGEST_REASON]
    record = correct_record(
        Correction(
            lesson_id=payload.lesson_id,
            school_number=corrected.school_number,
            verdict=Verdict(verdict),
            actor=actor,
            reason=validation.clean_reason(note),
            full_name=corrected.full_name,
            kept_arrival=corrected.checked_in_at,
            # After a crash the correction is repeated: the same id makes no second event.
            request_id=_request_id(payload, corrected, actor),
            expected_revision=seen_revision,
        )
    )
    copy = msgspec.json.encode(corrected._asdict()).decode()
    _settle(payload, PayloadState.REPLAYED, actor, corrected=copy)
    return record


def _request_id(payload: QuarantinedPayload, corrected: CorrectedCopy, actor: Person) -> str:
    """One id for one copy: somebody may correct it once more, or otherwise."""
    text = msgspec.json.encode((actor.school_number, corrected._asdict()))
    return f"~quarantine-{payload.pk}-{sha256(text).hexdigest()[:16]}"


def _settle(
    payload: QuarantinedPayload,
    state: PayloadState,
    actor: Person,
    *,
    reason: str = "",
    corrected: str = "",
) -> None:
    changed_rows = QuarantinedPayload.objects.filter(pk=payload.pk, state=PayloadState.OPEN).update(
        state=state,
        corrected=corrected,
        settled_at=timezone.now(),
        settled_by=find_account(actor.school_number),
        settled_reason=reason,
    )
    if not changed_rows:
        raise AlreadySettled
