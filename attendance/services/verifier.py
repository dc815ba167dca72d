"""The external verifier: check-ins that are sent to it, and verdicts that it sends back.

Both ways are signed as Standard Webhooks says: `webhooks.signing`.
"""

import hashlib
import logging
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from typing import Any
from urllib.request import HTTPRedirectHandler, Request, build_opener
from uuid import UUID

import msgspec
from django.conf import settings

from attendance.errors import (
    AlreadySettled,
    Conflict,
    InvalidSignature,
    LessonNotFound,
    RecordNotFound,
    VerificationNotFound,
)
from attendance.live import outbox
from attendance.live.outbox import OutboxEntry
from attendance.rules.precedence import is_outranked
from attendance.selectors.registers import find_record
from attendance.selectors.shapes import RegisterRecord
from attendance.services.corrections import Correction, correct_record
from attendance.vocabulary import Source, Status, Verdict
from users.errors import InvalidSchoolNumber
from users.errors import gettext_noop as _
from users.identity import Person
from webhooks import signing
from webhooks.signing import Signature

logger = logging.getLogger(__name__)

VERIFIER = Person("ATTN-VERIFIER", "External verifier")
SECONDS_TO_ANSWER = 10
BATCH = 20
DEFAULT_REASON = "verdict of the external verifier"
_SUCCESS = range(200, 300)


def check_signature(headers: Signature, body: bytes) -> None:
    """Raises InvalidSignature for a wrong one, and one more than five minutes old or ahead."""
    if not signing.is_signed(headers, body, key=settings.VERIFIER_SECRET):
        raise InvalidSignature
    if not signing.is_of_now(headers):
        raise InvalidSignature(_("The timestamp is more than five minutes away. Sign it anew."))


def apply_verdict(
    verification_id: str, *, is_accepted: bool, reason: str, message_id: str
) -> RegisterRecord:
    """Let a verdict decide a pending record, live or stored; the same message decides once.

    Raises VerificationNotFound, AlreadySettled where the record is not pending
    any more, RequestIdReused where the message has decided another one, InvalidInput and
    LiveStoreUnavailable.
    """
    lesson_id, number, revision = _parse_id(verification_id)
    # A hash, because a message id may be long and hold any characters.
    request_id = f"~verdict-{hashlib.sha256(message_id.encode()).hexdigest()[:48]}"
    try:
        before = find_record(lesson_id, number)
    except (LessonNotFound, InvalidSchoolNumber):
        raise VerificationNotFound from None
    if before is None:
        raise VerificationNotFound
    is_decided = is_outranked(Source.VERIFIER.value, by=before.source)
    correction = Correction(
        lesson_id=lesson_id,
        school_number=number,
        verdict=Verdict.ACCEPT if is_accepted else Verdict.REJECT,
        actor=VERIFIER,
        reason=reason or DEFAULT_REASON,
        request_id=request_id,
        # Where a person has decided meanwhile, the verdict is kept in the history all the same.
        expected_revision=None if is_decided else revision,
        is_verdict=True,
    )
    decided = AlreadySettled(
        _("This check-in was decided before. The verdict is not needed any more.")
    )
    try:
        record = correct_record(correction)
    except (Conflict, RecordNotFound):
        raise decided from None
    if is_decided:
        raise decided
    return record


def verification_id(entry: OutboxEntry) -> str:
    """The id of one check-in; its revision distinguishes it from a later one of the student."""
    record = entry.record
    return f"{entry.lesson_id}.{record.school_number}.{record.revision}"


def _parse_id(text: str) -> tuple[UUID, str, int]:
    lesson, _, tail = text.partition(".")
    number, _, revision = tail.rpartition(".")
    try:
        return UUID(lesson), number, int(revision)
    except ValueError:
        raise VerificationNotFound from None


def send_waiting() -> int:
    """Post what waits in the outbox to the verifier. Returns how many it has taken.

    What it does not take is tried again, for 24 hours. Raises LiveStoreUnavailable.
    """
    entries = outbox.take(most=BATCH)
    if not entries:
        return 0
    # Beside one another: one that is slow, or answers nonsense, holds up no other.
    with ThreadPoolExecutor(len(entries), "verifier-post") as posts:
        return sum(posts.map(_send, entries))


def _send(entry: OutboxEntry) -> bool:
    message_id = verification_id(entry)
    body = _body(message_id, entry)
    signed = signing.sign(message_id, body, keys=[settings.VERIFIER_SECRET])
    request = Request(  # noqa: S310 - an address that staff has set
        settings.VERIFIER_URL,
        data=body,
        method="POST",
        headers={"Content-Type": "application/json", **signed.headers},
    )
    try:
        with _OPENER.open(request, timeout=SECONDS_TO_ANSWER) as answer:
            is_taken = answer.status in _SUCCESS
    except (OSError, ValueError, HTTPException) as error:
        logger.warning("The verifier does not take %s: %r", message_id, error)
        return False
    if is_taken:
        outbox.settle(entry)
    return is_taken


class _NoRedirects(HTTPRedirectHandler):
    """A redirect would be followed by a GET without the message: its 200 takes nothing."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = build_opener(_NoRedirects)


def _body(message_id: str, entry: OutboxEntry) -> bytes:
    record = entry.record
    return msgspec.json.encode(
        {
            "type": "check_in.pending",
            "data": {
                "verification_id": message_id,
                "lesson_id": entry.lesson_id,
                "school_number": record.school_number,
                "full_name": record.full_name,
                "checked_in_at": record.checked_in_at,
                "status": Status.PENDING.value,
            },
        }
    )
