"""Keeping a scan: a code that was valid when it was seen stays so for five minutes.

Signing in takes longer than a code is valid. A kept scan extends the code, never
the lesson's window, which is checked when the student checks in. It is no ticket to
hand round: the first mark that it makes claims it, it is of the person who had signed in
when it was made, and one that nobody in particular has made is worth no more from another
address than the code itself. The script of the check-in judges all of that.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.core import signing
from django.utils.crypto import salted_hmac

from attendance.errors import CodeLonger, CodeWrong
from attendance.live import codes, store
from attendance.live.payloads import RecordData
from attendance.live.store import Shown
from attendance.rules import instants
from attendance.rules.permissions import MAY_CHECK_IN
from attendance.services.access import limits
from attendance.services.access.devices import Device
from attendance.services.access.limits import Scanner
from attendance.vocabulary import Source
from users.callers import Caller
from users.derived_keys import Purpose, signer_for
from users.errors import gettext_noop as _

KEPT = timedelta(minutes=5)
NOBODY = Scanner("")
_SALT = "attn.scan.2"
_PARTS = 6
_ID_BYTES = 12
_MAPPED_IPV4 = "0" * 20 + "ffff"
_TYPED = "t"


class KeptScan(NamedTuple):
    scan: str
    """Signed, to be given in place of a code."""
    valid_until: datetime


def keep_scan(
    lesson_id: UUID, code: str, *, scanner: Scanner = NOBODY, caller: Caller | None = None
) -> KeptScan:
    """Judge a code now, by the live store's clock, and sign that it was seen.

    `scanner` is whose attempts are counted, `caller` whoever has signed in. Raises LessonNotFound,
    LessonClosed, CodeMissing, CodeWrong, CodeExpired, CodeLonger, TooManyWrongCodes,
    TooManyAttempts for typed codes of an account, or at an address, that guesses, and
    LiveStoreUnavailable.
    """
    clean_code = codes.clean_code(code)
    is_counted = limits.count_scan(clean_code, scanner)
    numbers = caller.numbers if caller else ()
    try:
        scanned_at = store.check_code(
            lesson_id, clean_code, numbers=numbers, student=_student(caller)
        )
    except CodeLonger:
        # A whole hall may have typed what its screen has just shown.
        limits.give_back_scan(scanner)
        raise
    if is_counted:
        limits.give_back_scan(scanner)
    scan_id = secrets.token_hex(_ID_BYTES)
    # Of somebody who has signed in it is theirs, wherever they go from here.
    owner = _digest(scan_id, caller.person.school_number) if caller else ""
    place = "" if caller else _digest(scan_id, _place(scanner.address))
    kind = _TYPED if codes.is_typed(clean_code) else ""
    parts = (lesson_id, instants.milliseconds(scanned_at), scan_id, kind, owner, place)
    said = ".".join(map(str, parts))
    return KeptScan(signer_for(Purpose.SCANS, salt=_SALT).sign(said), scanned_at + KEPT)


def scanner_of(address: str, device: Device, user_id: int | None) -> Scanner:
    """Who types: who has signed in, or else whoever did last on this device, or nobody known."""
    known = device.accounts[-1] if device.accounts else None
    return Scanner(address, known if user_id is None else user_id)


def open_scan(
    scan: str, lesson_id: UUID, *, numbers: Sequence[str] = (), address: str = ""
) -> Shown:
    """What a kept scan shows of somebody with these numbers at this address. Raises CodeWrong."""
    try:
        parts = signer_for(Purpose.SCANS, salt=_SALT).unsign(scan).split(".")
    except signing.BadSignature:
        raise CodeWrong(_("This scan was not kept by this site. Scan the code again.")) from None
    if len(parts) != _PARTS or parts[0] != str(lesson_id):
        raise CodeWrong(_("This scan is of another lesson. Scan the code of this one."))
    _lesson, at, scan_id, kind, owner, place = parts
    traits = {
        "typed": kind == _TYPED,
        "of_another": owner and owner not in [_digest(scan_id, each) for each in numbers],
        "elsewhere": place and place != _digest(scan_id, _place(address)),
    }
    held = ",".join(trait for trait, holds in traits.items() if holds)
    return Shown(scanned_at_ms=int(at), scan_id=scan_id, scan_traits=held)


def valid_until(scan: str, lesson_id: UUID) -> datetime | None:
    """When a kept scan of this lesson ends; None for one that opens nothing, whoever holds it."""
    try:
        shown = open_scan(scan, lesson_id)
    except CodeWrong:
        return None
    return instants.instant(int(shown.scanned_at_ms)) + KEPT


def _student(caller: Caller | None) -> RecordData | None:
    if caller is None or caller.person.role not in MAY_CHECK_IN:
        return None
    person = caller.person
    return RecordData(person.school_number, person.full_name, Source.STUDENT.value)


def _place(address: str) -> str:
    # A phone changes the second half of its IPv6 address as it likes.
    written = codes.hex_address(address)
    return written if written.startswith(_MAPPED_IPV4) else written[:16]


def _digest(scan_id: str, text: str) -> str:
    # Whoever uses this browser next reads neither a number nor an address out of the scan.
    return salted_hmac("attn.scan.of", f"{scan_id}|{text}", algorithm="sha256").hexdigest()[:16]
