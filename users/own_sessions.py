"""The sessions of one account: where it is signed in, and ending one of them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

from django.utils import timezone

from users import last_use, proofs, security_log
from users.callers import Caller
from users.credentials import proof_of_session
from users.models import SecurityKind, SignInSession
from users.session_store import SessionStore
from users.user_agents import Browser

SESSION_KEY: Final = "attn_signed_in"
"""In a session: when and where from it was signed in."""

MOST_SHOWN: Final = 100


class OwnSession(NamedTuple):
    id: str
    """Names it to its owner, and opens nothing."""
    is_current: bool
    browser: Browser
    address: str
    """Shortened; '' where nobody knew it."""
    signed_in_at: datetime | None
    used_at: datetime | None
    """By the hour."""
    has_factor: bool


def describe(*, browser: Browser, address: str) -> dict[str, Any]:
    """What a session keeps of where it was signed in, under SESSION_KEY."""
    at = int(timezone.now().timestamp())
    return {"at": at, "browser": [*browser], "address": address}


def sessions_of(caller: Caller, *, current: str) -> list[OwnSession]:
    """The sessions that open the account now, the one with the key `current` first; one query."""
    rows = SignInSession.objects.filter(account_id=caller.user_id, expire_date__gt=timezone.now())
    stored = {
        row.session_key: SessionStore(row.session_key).decode(row.session_data)
        for row in rows.order_by("-expire_date")[:MOST_SHOWN]
    }
    valid = {
        key: data
        for key, data in stored.items()
        if proofs.holds(proof_of_session(data, caller.user_id), caller.session_hashes)
    }
    used = last_use.last_uses(valid)
    shown = [
        _shown(caller, data, key=key, is_current=key == current, used_at=used.get(key))
        for key, data in valid.items()
    ]
    return sorted(shown, key=lambda each: (each.is_current, _newest_of(each)), reverse=True)


def key_of(user_id: int, session_id: str) -> str | None:
    """The key of a session of this user, or None where they have none with this id."""
    keys = SignInSession.objects.filter(account_id=user_id).values_list("session_key", flat=True)
    return next((key for key in keys if _id_of(key) == session_id), None)


def end_session(user_id: int, session_key: str) -> None:
    """The next request with this session of a user is nobody's."""
    SessionStore(session_key).delete()
    security_log.write(SecurityKind.SIGNED_OUT, subject_id=user_id)


def _shown(
    caller: Caller,
    data: Mapping[str, Any],
    *,
    key: str,
    is_current: bool,
    used_at: datetime | None,
) -> OwnSession:
    told = data.get(SESSION_KEY) or {}
    at = told.get("at")
    return OwnSession(
        id=_id_of(key),
        is_current=is_current,
        browser=Browser(*told.get("browser", ())),
        address=told.get("address", ""),
        signed_in_at=None if at is None else datetime.fromtimestamp(at, UTC),
        used_at=used_at,
        has_factor=proof_of_session(data, caller.user_id).has_factor,
    )


def _newest_of(session: OwnSession) -> datetime:
    known = filter(None, (session.used_at, session.signed_in_at))
    return max(known, default=datetime.min.replace(tzinfo=UTC))


def _id_of(session_key: str) -> str:
    return sha256(f"users.own_sessions:{session_key}".encode()).hexdigest()[:16]
