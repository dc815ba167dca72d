"""Tickets of the event stream: who may hear that a lesson has changed, for a minute.

The stream reads Redis and knows no users, so the site that has looked at
somebody's rights signs what it lets them hear.
"""

from uuid import UUID

from django.core import signing

SECONDS = 60
_SALT = "attn.stream"


def issue(lesson_id: UUID, key: str) -> str:
    """A ticket for the stream of one lesson."""
    return signing.TimestampSigner(key=key, salt=_SALT).sign(lesson_id.hex)


def is_valid(ticket: str, lesson_id: UUID, key: str) -> bool:
    """Whether a ticket opens the stream of this lesson now."""
    try:
        seen = signing.TimestampSigner(key=key, salt=_SALT).unsign(ticket, max_age=SECONDS)
    except signing.BadSignature:
        return False
    return seen == lesson_id.hex
