"""Receipts: an acknowledgement that survives the loss of the live store itself.

redeeming    issuing one, and what its owner can make of it
data         what a receipt says, and its bytes
lessons      a lesson that neither store has, made of what a receipt says of it
waiting      receipts of lessons that nobody knows: staff decide
"""

from attendance.services.receipts.redeeming import (
    LONGEST,
    Found,
    Redeemed,
    is_expired,
    issue,
    open_receipt,
    redeem,
)

__all__ = ["LONGEST", "Found", "Redeemed", "is_expired", "issue", "open_receipt", "redeem"]
