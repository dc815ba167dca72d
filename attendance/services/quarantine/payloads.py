"""What staff can do with a quarantined payload: retry, replay, replace, set aside.

The raw bytes never change. A record goes through the same function as any correction, with an
event: the original, where the bytes still tell it, and else the word of whoever replays it. It
takes nobody's place unless somebody has seen both and decides so.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from uuid import UUID

import msgspec
from django.db import transaction
from django.utils import timezone

from attendance.errors import (
    AlreadySettled,
    InvalidInput,
    NotYourLesson,
    ReasonRequired,
    RecordExists,
    StillUnreadable,
)
from attendance.live import store
from attendance.models import QuarantinedPayload
from attendance.rules.verdicts import VERDICT_OF
from attendance.selectors.shapes import RegisterRecord
from attendance.services import validation
from attendance.services.corrections import Correction, correct_record
from attendance.services.decisions import Original
from attendance.services.persistence import unified_persistence_task
from attendance.services.persistence.candidates import RunOptions
from attendance.services.persistence.report import TROUBLE
from attendance.services.quarantine.events import take_event
from attendance.services.quarantine.records import (
    CorrectedCopy,
    arrival_of,
    copy_of,
    copy_of_receipt,
    find_standing,
    original_of,
    readable,
    receipt_of,
    says_the_same,
)
from attendance.services.receipts.lessons import make_for_staff
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


def retry_payload(payload_id: int, *, actor: Person) -> None:
    """Read the same bytes again, and replay what can be read now.

    Raises StillUnreadable, RecordExists, AlreadySettled, NotYourLesson, what `correct_record`
    raises, and what `take_event` raises.
    """
    payload = _open_payload(payload_id, actor)
    if payload.kind == PayloadKind.LESSON:
        _retry_lesson(payload, actor)
        return
    if payload.kind == PayloadKind.EVENT:
        with _held(payload_id, actor) as held:
            take_event(held)
            _settle(held, PayloadState.REPLAYED, actor)
        return
    receipt = receipt_of(payload)
    if receipt is not None:
        replay_payload(payload_id, corrected=copy_of_receipt(receipt), actor=actor)
        return
    record = readable(payload)
    if record is None:
        raise StillUnreadable(
            _("It still cannot be read: %(reason)s. Correct a copy, or set it aside."),
            reason=payload.reason,
        )
    replay_payload(payload_id, corrected=copy_of(record), actor=actor)


def replay_payload(payload_id: int, *, corrected: CorrectedCopy, actor: Person) -> RegisterRecord:
    """Restore a record in its lesson, where the student has none of a person's making.

    Where status and arrival are what the bytes say, it is the original; else a word of staff. A
    record that is what would be restored is there already: then the payload is settled.

    Raises RecordExists, AlreadySettled, InvalidInput, NotYourLesson and what
    `correct_record` raises.
    """
    with _held(payload_id, actor) as payload:
        _have_lesson(payload)
        standing = find_standing(payload, corrected.school_number)
        original = original_of(payload, corrected)
        found = standing.in_the_way
        if found is None:
            revision = standing.own.revision if standing.own else 0
            return _replay(payload, corrected, actor, revision)
        if original is None or not says_the_same(found, original):
            raise RecordExists(record=msgspec.to_builtins(found))
        _settle(payload, PayloadState.REPLAYED, actor, corrected=_text_of(corrected))
        return found


def replace_with_payload(
    payload_id: int, *, corrected: CorrectedCopy, actor: Person, seen_revision: int
) -> RegisterRecord:
    """Put a corrected copy in the place of the record at the revision that was seen.

    That may be one of another account of the same person. Raises Conflict where that record
    changed meanwhile, and as `replay_payload`.
    """
    with _held(payload_id, actor) as payload:
        found = find_standing(payload, corrected.school_number).in_the_way
        number = found.school_number if found else corrected.school_number
        return _replay(payload, corrected, actor, seen_revision, number=number)


def discard_payload(payload_id: int, *, actor: Person, reason: str) -> None:
    """Set a payload aside with a reason; its bytes stay.

    Raises ReasonRequired, AlreadySettled and NotYourLesson.
    """
    payload = _open_payload(payload_id, actor)
    reason = validation.clean_reason(reason)
    if not reason:
        raise ReasonRequired
    _settle(payload, PayloadState.DISCARDED, actor, reason=reason)


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


@contextmanager
def _held(payload_id: int, actor: Person) -> Iterator[QuarantinedPayload]:
    """An open payload that nobody else settles meanwhile. Raises as `_open_payload`.

    What is written in PostgreSQL is written with its settling, or not at all.
    """
    with transaction.atomic():
        _open_payload(payload_id, actor)
        # Whoever waits here finds it settled, and reads its state anew.
        QuarantinedPayload.objects.select_for_update(no_key=True).get(pk=payload_id)
        yield _open_payload(payload_id, actor)


def _have_lesson(payload: QuarantinedPayload) -> None:
    """The lesson of a receipt that nobody knew is made by who takes the receipt."""
    receipt = receipt_of(payload)
    if receipt is not None:
        make_for_staff(receipt)


def _replay(
    payload: QuarantinedPayload,
    corrected: CorrectedCopy,
    actor: Person,
    seen_revision: int,
    *,
    number: str = "",
) -> RegisterRecord:
    """`number` is that of the record whose place it takes, if that is another one."""
    if payload.kind not in {PayloadKind.RECORD, PayloadKind.RECEIPT}:
        raise InvalidInput(_("Only a record can be replayed. Set this payload aside."))
    original = original_of(payload, corrected)
    note = f"from quarantine: {corrected.reason or payload.reason}"[:LONGEST_REASON]
    record = correct_record(
        Correction(
            lesson_id=payload.lesson_id,
            school_number=number or corrected.school_number,
            verdict=_verdict(corrected, original),
            actor=actor,
            reason=validation.clean_reason(note),
            full_name=corrected.full_name,
            kept_arrival=None if original else arrival_of(payload, corrected),
            # After a crash the correction is repeated: the same id makes no second event.
            request_id=_request_id(payload, corrected, actor),
            expected_revision=seen_revision,
            original=original,
        )
    )
    _settle(payload, PayloadState.REPLAYED, actor, corrected=_text_of(corrected))
    return record


def _verdict(corrected: CorrectedCopy, original: Original | None) -> Verdict:
    if original is not None:
        return Verdict.ACCEPT
    verdict = VERDICT_OF.get(corrected.status)
    if verdict is None:
        raise InvalidInput(_("Decide: present, late, excused, absent or rejected."))
    return Verdict(verdict)


def _text_of(corrected: CorrectedCopy) -> str:
    return msgspec.json.encode(corrected._asdict()).decode()


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
