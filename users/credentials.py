"""Who a token or a session stands for, without asking PostgreSQL each time.

The cache has an entry for each token that was used in the last minutes, and one for
the user of each session. A reader adds an entry only where there is none, and a
revocation or a change replaces it, so that a slow reader cannot bring back what was
revoked. Where the cache does not answer, this process remembers entries for a minute.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache, partial
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.utils import timezone
from knox.crypto import hash_token

from users import cache_writes, caller_rows, last_use, origin, proofs, second_factor
from users.cache_writes import KNOWN_SECONDS
from users.caller_rows import TokenRow
from users.callers import Caller
from users.derived_keys import secrets
from users.digests import limit_name, short_digest
from users.models import User
from users.proofs import SignInProof
from users.session_store import StoredSession

logger = logging.getLogger(__name__)

REMEMBERED_SECONDS = 60
"""How long a process remembers entries, and so the longest delay of a revocation, without cache."""

MOST_REMEMBERED = 20_000
LONGEST_TOKEN = 128


class _TokenEntry(msgspec.Struct, frozen=True, kw_only=True):
    counted_as: str = ""
    """The digest under which what the person does is counted. It stands first, because a script
    finds it there (attendance/live/scripts/throttle_owner.lua)."""
    caller: Caller
    expires_at: datetime | None


_REVOKED = b"revoked"
_encode = msgspec.msgpack.Encoder().encode
_decode_token = msgspec.msgpack.Decoder(_TokenEntry).decode
_decode_caller = msgspec.msgpack.Decoder(Caller).decode


def caller_of_token(token: str) -> Caller | None:
    """Whose valid token this is, or None.

    Raises django.db.Error where neither the cache nor PostgreSQL answers.
    """
    if not _is_readable(token):
        return None
    digest = hash_token(token)
    return _caller_in(_cached(f"token:{digest}", lambda: _find_token(digest)), digest)


class TokenPlace(NamedTuple):
    """Where the cache has the entry of a token."""

    digest: str
    key: str
    """As the server knows it."""


def place_of_token(token: str) -> TokenPlace | None:
    """For whoever reads the entry with a script of their own; None for what is no token."""
    if not _is_readable(token):
        return None
    digest = hash_token(token)
    return TokenPlace(digest, cache.make_key(_key(f"token:{digest}")))


def learn_token(place: TokenPlace) -> None:
    """Ask PostgreSQL for a token that the cache does not have; it has it then, or that it is none.

    Raises django.db.Error.
    """
    _learn(f"token:{place.digest}", lambda: _find_token(place.digest))


def caller_in(stored: bytes, digest: str) -> Caller | None:
    """Whom an entry names, as the cache's server has it; None where it is not valid any more."""
    raw = msgspec.msgpack.decode(stored)
    return _caller_in(raw, digest) if isinstance(raw, bytes) else None


def _is_readable(token: str) -> bool:
    return 0 < len(token) <= LONGEST_TOKEN and token.isascii()


def _caller_in(raw: bytes, digest: str) -> Caller | None:
    """Whom an entry of a token names, if it is valid still."""
    if raw == _REVOKED:
        return None
    entry = _decode_token(raw)
    if entry.expires_at is not None and entry.expires_at <= timezone.now():
        return None
    caller = entry.caller
    if not proofs.holds(caller.proof, caller.session_hashes):
        return _acting(None)
    last_use.note_use(digest)
    return _acting(caller)


def caller_of_session(session: Any) -> Caller | None:
    """Who has signed in with this session, or None. Raises as `caller_of_token`."""
    data = _data_of(session)
    if data.get("_auth_user_id") is None:
        return None
    user_id = int(data["_auth_user_id"])
    proof = proof_of_session(data, user_id)
    caller = _while_it_holds(_cached(_user_key(user_id), lambda: _find_user(user_id)), proof)
    if caller is None:
        # The entry may be of a process that lists other keys; PostgreSQL has the last word.
        caller = _while_it_holds(_find_user(user_id), proof)
    if caller is not None and not proofs.holds(proof, caller.session_hashes[:1]):
        _renew(session, user_id, proof)
    if caller is not None and session.session_key:
        last_use.note_use(session.session_key)
    return _acting(caller)


def _acting(caller: Caller | None) -> Caller | None:
    origin.current().actor_id = caller.user_id if caller else None
    return caller


def proof_of_session(data: Mapping[str, Any], user_id: int) -> SignInProof:
    """What the data of a session of this user says that it stands on."""
    return SignInProof(
        data.get("_auth_user_hash", ""),
        data.get("_auth_user_backend", ""),
        has_factor=data.get(second_factor.SESSION_KEY) == user_id,
    )


def _while_it_holds(raw: bytes, proof: SignInProof) -> Caller | None:
    caller = None if raw == _REVOKED else _decode_caller(raw)
    if caller is None or not proofs.holds(proof, caller.session_hashes):
        return None
    return msgspec.structs.replace(caller, proof=proof)


def _renew(session: Any, user_id: int, proof: SignInProof) -> None:
    """Let a session of a former key go on when that key is not listed any more.

    Where it cannot be saved, or has ended meanwhile, the next request tries again.
    """
    try:
        now = User.objects.get(pk=user_id).get_session_auth_hash()
        present_hash = proofs.bound_hash(now, proof.backend)
        if present_hash == proof.auth_hash:
            return
        session["_auth_user_hash"] = present_hash
        session.save()
    except Exception as error:  # noqa: BLE001 - whatever cache and database raise
        logger.warning("A session could not be renewed with the present key: %s", error)
    session.modified = False


def user_of(caller: Caller) -> User:
    """The row of a caller, one query."""
    return User.objects.get(pk=caller.user_id)


def forget_token(digest: str) -> None:
    """A token was revoked: at once where the cache answers, else within a minute."""
    _put({f"token:{digest}": _REVOKED})


def forget_users(user_ids: Iterable[int]) -> None:
    """Users have changed: they are read again. Call it after the commit."""
    ids = list(user_ids)
    callers = caller_rows.callers_of(ids)
    entries = {_user_key(i): _encode(callers[i]) if i in callers else _REVOKED for i in ids}
    for token in caller_rows.tokens_of(ids):
        caller = callers.get(token.user_id)
        entries[f"token:{token.digest}"] = _token_entry(token, caller) if caller else _REVOKED
    if entries:
        _put(entries)


def put_new_user(user: User) -> Callable[[], None]:
    """What has to be called after the commit that adds a user.

    There is nothing to read: nobody new has a token, a notice or another number.
    """
    entry = _encode(caller_rows.caller_without_more(user)) if user.may_sign_in else _REVOKED
    return partial(_put, {_user_key(user.pk): entry})


def _user_key(user_id: int) -> str:
    return f"user:{user_id}"


def _find_token(digest: str) -> bytes:
    found = caller_rows.find_token(digest)
    if found is None:
        return _REVOKED
    token, caller = found
    return _token_entry(caller_rows.renewed(token, caller), caller)


def _token_entry(token: TokenRow, caller: Caller) -> bytes:
    if token.proof is None:
        return _REVOKED
    own = msgspec.structs.replace(caller, token_digest=token.digest, proof=token.proof)
    counted_as = short_digest(limit_name(caller.person.school_number))
    return _encode(_TokenEntry(counted_as=counted_as, caller=own, expires_at=token.expires_at))


def _find_user(user_id: int) -> bytes:
    caller = caller_rows.find_caller(user_id)
    return _encode(caller) if caller else _REVOKED


def _data_of(session: Any) -> dict[str, Any]:
    try:
        return dict(session.items())
    except Exception:  # noqa: BLE001 - whatever the cache's client raises when it cannot answer
        # PostgreSQL has the sessions as well.
        return dict(StoredSession(session.session_key).load())


class _Memory:
    """The entries that this process has read lately, for use while the cache does not answer."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[float, bytes]] = {}

    def get(self, name: str) -> bytes | None:
        at, raw = self._entries.get(name, (0.0, b""))
        return raw if raw and time.monotonic() - at < REMEMBERED_SECONDS else None

    def put(self, name: str, raw: bytes) -> None:
        if len(self._entries) >= MOST_REMEMBERED:
            self._entries.clear()
        self._entries[name] = (time.monotonic(), raw)


_memory = _Memory()


def _cached(name: str, find: Callable[[], bytes]) -> bytes:
    """The entry in the cache; where there is none, it is read from PostgreSQL and added."""
    try:
        raw: bytes | None = cache.get(_key(name))
    except Exception:  # noqa: BLE001 - whatever the cache's client raises when it cannot answer
        raw = _memory.get(name)
    if raw is None:
        return _learn(name, find)
    _memory.put(name, raw)
    return raw


def _learn(name: str, find: Callable[[], bytes]) -> bytes:
    raw = _add(_key(name), find())
    _memory.put(name, raw)
    return raw


def _add(key: str, raw: bytes) -> bytes:
    """Add an entry, and return it; a revocation that came first stays and is returned."""
    try:
        return raw if cache.add(key, raw, KNOWN_SECONDS) else cache.get(key) or raw
    except Exception:  # noqa: BLE001 - whatever the cache's client raises when it cannot answer
        return raw


def _put(entries: Mapping[str, bytes]) -> None:
    for name, raw in entries.items():
        _memory.put(name, raw)
    # Also for the processes that still have a former key, or have the next one already.
    cache_writes.put({_key(name, each): raw for name, raw in entries.items() for each in secrets()})


def _key(name: str, secret: str = "") -> str:
    at = connection.settings_dict
    return f"attn:identity:{_site(secret or settings.SECRET_KEY, at['HOST'], at['NAME'])}:{name}"


@lru_cache
def _site(secret: str, host: str, database: str) -> str:
    """Two sites that share a cache must not take each other's users for their own."""
    return sha256(f"{secret}|{host}|{database}".encode()).hexdigest()[:16]
