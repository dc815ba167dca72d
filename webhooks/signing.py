"""Signatures as Standard Webhooks says: HMAC-SHA256 over id, timestamp and raw body.

The library of that name brings an HTTP client and five more packages for these lines.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from typing import NamedTuple

TOLERANCE_SECONDS = 300
SECRET_PREFIX = "whsec_"  # noqa: S105 - before each secret, none itself
SECRET_BYTES = 32


class Signature(NamedTuple):
    """The three headers of Standard Webhooks."""

    message_id: str
    timestamp: str
    signatures: str

    @property
    def headers(self) -> dict[str, str]:
        return {
            "webhook-id": self.message_id,
            "webhook-timestamp": self.timestamp,
            "webhook-signature": self.signatures,
        }


def new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def new_message_id() -> str:
    return f"msg_{secrets.token_hex(16)}"


def key_of(secret: str) -> bytes:
    """The bytes of a secret as it is handed out. Raises ValueError."""
    return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)


def sign(message_id: str, body: bytes, *, keys: Sequence[bytes]) -> Signature:
    """A signature of now under each key."""
    timestamp = str(int(time.time()))
    signatures = (signature(message_id, timestamp, body, key=key) for key in keys)
    return Signature(message_id, timestamp, " ".join(signatures))


def signature(message_id: str, timestamp: str, body: bytes, *, key: bytes) -> str:
    """One signature, as `v1,<base64>`."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def is_signed(headers: Signature, body: bytes, *, key: bytes) -> bool:
    """Whether one of the signatures is of this key; its age aside."""
    if not (key and headers.message_id and headers.timestamp.isdecimal()):
        return False
    expected = signature(headers.message_id, headers.timestamp, body, key=key).encode()
    candidates = [candidate.encode() for candidate in headers.signatures.split(" ")]
    return any(hmac.compare_digest(expected, candidate) for candidate in candidates)


def is_of_now(headers: Signature) -> bool:
    """Not more than five minutes old or ahead."""
    return abs(time.time() - int(headers.timestamp)) <= TOLERANCE_SECONDS
