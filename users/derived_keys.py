"""Keys that are derived from ATTN_SECRET_KEY, one for each purpose.

Whoever holds one of them can sign for that purpose and for no other, and learns nothing of the
secret. What a former key has signed or encrypted is read while ATTN_SECRET_KEY_FALLBACKS lists it.
"""

import hmac
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256

from django.conf import settings
from django.core.signing import Signer


class Purpose(StrEnum):
    """The label from which a key is derived: another text is another key."""

    RECEIPTS = "attn.receipts"
    SCANS = "attn.scans"
    STREAM = "attn.stream"
    ERASED_NUMBERS = "attn.erased_numbers"
    FACTORS = "attn.factors"
    SECURITY_LOG = "attn.security_log"
    WEBHOOKS = "attn.webhooks"
    PASSWORD_LINKS = "attn.password_links"  # noqa: S105 - a label


@lru_cache(maxsize=64)
def derive(secret: str, purpose: Purpose) -> str:
    """HMAC-SHA-256 of the label under the secret, in hex."""
    return hmac.new(secret.encode(), purpose.encode(), sha256).hexdigest()


def secrets() -> list[str]:
    """The secret of the site, and the former ones that are still listed."""
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


def keys_for(purpose: Purpose) -> list[str]:
    """The key of this purpose, then those of the former secrets."""
    return [derive(secret, purpose) for secret in secrets()]


def fingerprints(value: str, purpose: Purpose) -> list[str]:
    """A value under each key of a purpose: who has no key cannot find it by trying values."""
    keys = keys_for(purpose)
    return [hmac.new(key.encode(), value.encode(), sha256).hexdigest() for key in keys]


def signer_for(purpose: Purpose, *, salt: str) -> Signer:
    """Signs with the key of a purpose; accepts those of former secrets.

    Releases before there were derived keys signed with the secret itself: that is accepted too.
    """
    key, *former_keys = keys_for(purpose)
    return Signer(key=key, fallback_keys=[*former_keys, *secrets()], salt=salt)
