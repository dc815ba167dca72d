"""Receipts of lessons that nobody knows: they are no row by themselves, and wait for staff.

Whoever had the key of the site could write any receipt. One of a lesson that neither store, nor
the ledger, has ever seen is kept in quarantine, once, and staff take it or set it aside.
"""

from hashlib import sha256

from attendance.models import QuarantinedPayload
from attendance.services.receipts.data import Receipt, encode
from attendance.vocabulary import PayloadKind, PayloadState

WHY = (
    "a receipt of a lesson that is in no store and not in the ledger: ask the teacher whether it "
    "was held"
)


def keep(receipt: Receipt) -> bool:
    """Keep a receipt for staff, once, however often it is sent. Returns whether it still waits."""
    # What it says, not its signature: with another key the same mark is signed otherwise.
    said = encode(receipt)
    row, _is_new = QuarantinedPayload.objects.get_or_create(
        lesson_id=receipt.lesson_id,
        kind=PayloadKind.RECEIPT,
        field=receipt.student.school_number,
        sha256=sha256(said).hexdigest(),
        defaults={"payload": said, "reason": WHY},
    )
    return row.state == PayloadState.OPEN
