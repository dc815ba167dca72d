"""Tickets of the event stream: whoever has one may listen to one lesson, for a minute.

The stream reads Redis and knows no users, so the site checks somebody's rights
and signs a ticket for the lesson that they may listen to.
"""

from collections.abc import Sequence
from uuid import UUID

from django.core import signing

SECONDS = 60
_SALT = "attn.stream"


def issue(lesson_id: UUID, key: str) -> str:
    """A ticket for the stream of one lesson."""
    return signing.TimestampSigner(key=key, salt=_SALT).sign(lesson_id.hex)


def is_valid(ticket: str, lesson_id: UUID, keys: Sequence[str]) -> bool:
    """Whether a ticket opens the stream of this lesson now; any of the keys may have signed it."""
    signer = signing.TimestampSigner(key=keys[0], fallback_keys=[*keys[1:]], salt=_SALT)
    try:
        signed_id = signer.unsign(ticket, max_age=SECONDS)
    except signing.BadSignature:
        return False
    return signed_id == lesson_id.hex
