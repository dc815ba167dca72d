"""The tokens of one account: what is known of each, and ending one of them."""

import re
from datetime import datetime
from typing import Final, NamedTuple

from django.utils import timezone
from knox.models import AuthToken

from users import last_use, proofs, security_log
from users.callers import Caller
from users.errors import TokenNotFound
from users.models import SecurityKind

SHOWN_CHARACTERS: Final = 6
"""Of the token, so that its owner finds it again; the rest is as good as all of it."""

_ID = re.compile(r"[0-9a-f]{16}")


class OwnToken(NamedTuple):
    id: str
    """The beginning of its digest: names it to its owner, and opens nothing."""
    begins_with: str
    is_current: bool
    made_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    """By the hour; None where nobody knows."""
    has_factor: bool


def tokens_of(caller: Caller) -> list[OwnToken]:
    """The tokens that open the account now, the newest first; one query."""
    rows = AuthToken.objects.select_related("proof").filter(
        user_id=caller.user_id, proof__isnull=False
    )
    now = timezone.now()
    valid = [
        row
        for row in rows.order_by("-created", "digest")
        if (row.expiry is None or row.expiry > now)
        and proofs.holds(row.proof.as_proof(), caller.session_hashes)
    ]
    used = last_use.last_uses(row.digest for row in valid)
    return [
        OwnToken(
            id=row.digest[:16],
            begins_with=row.token_key[:SHOWN_CHARACTERS],
            is_current=row.digest == caller.token_digest,
            made_at=row.created,
            expires_at=row.expiry,
            used_at=used.get(row.digest),
            has_factor=row.proof.has_factor,
        )
        for row in valid
    ]


def end_token(user_id: int, token_id: str) -> None:
    """Let a token of this user be valid no more. Raises TokenNotFound where it is not theirs."""
    if not _ID.fullmatch(token_id):
        raise TokenNotFound
    own = AuthToken.objects.filter(user_id=user_id, digest__startswith=token_id)
    count, _ = own.delete()
    if not count:
        raise TokenNotFound
    security_log.write(SecurityKind.TOKEN_ENDED, subject_id=user_id)
