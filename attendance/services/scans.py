"""Keeping a scan: a code that was valid when it was seen stays so for five minutes.

Signing in takes longer than a code is valid. A kept scan extends the code, never
the lesson's window, which is checked when the student checks in.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.core import signing

from attendance.errors import CodeWrong
from attendance.live import codes, store
from attendance.rules import instants
from attendance.services import limits
from attendance.services.devices import Device
from attendance.services.limits import Scanner
from users.derived_keys import Purpose, signer_for
from users.errors import gettext_noop as _

KEPT = timedelta(minutes=5)
NOBODY = Scanner("")
_SALT = "attn.scan"


class KeptScan(NamedTuple):
    scan: str
    """Signed, to be given in place of a code."""
    valid_until: datetime


def keep_scan(lesson_id: UUID, code: str, *, scanner: Scanner = NOBODY) -> KeptScan:
    """Judge a code now, by the live store's clock, and sign that it was seen.

    Raises LessonNotFound, LessonClosed, CodeMissing, CodeWrong, CodeExpired,
    TooManyAttempts for typed codes of an account, or at an address, that guesses, and
    LiveStoreUnavailable.
    """
    clean_code = codes.clean_code(code)
    is_counted = limits.count_scan(clean_code, scanner)
    scanned_at = store.check_code(lesson_id, clean_code)
    if is_counted:
        limits.give_back_scan(scanner)
    said = f"{lesson_id}.{instants.milliseconds(scanned_at)}"
    return KeptScan(signer_for(Purpose.SCANS, salt=_SALT).sign(said), scanned_at + KEPT)


def scanner_of(address: str, device: Device, user_id: int | None) -> Scanner:
    """Who types: who has signed in, or else whoever did last on this device, or nobody known."""
    known = device.accounts[-1] if device.accounts else None
    return Scanner(address, known if user_id is None else user_id)


def open_scan(scan: str, lesson_id: UUID) -> int:
    """The instant of a kept scan of this lesson in epoch ms. Raises CodeWrong."""
    try:
        said = signer_for(Purpose.SCANS, salt=_SALT).unsign(scan)
    except signing.BadSignature:
        raise CodeWrong(_("This scan was not kept by this site. Scan the code again.")) from None
    signed_id, _dot, at = said.rpartition(".")
    if signed_id != str(lesson_id):
        raise CodeWrong(_("This scan is of another lesson. Scan the code of this one."))
    return int(at)
