"""Limits that are exact under concurrency: one script counts and decides.

They are kept in the cache, not in the live store: losing them loses no mark.
"""

from hashlib import sha1
from pathlib import Path
from typing import NamedTuple

import redis
from django_redis import get_redis_connection

from attendance.live import held
from users.digests import short_digest

_SCRIPTS = Path(__file__).parent / "scripts"
_TEXT = (_SCRIPTS / "throttle.lua").read_text()
_OWNER_TEXT = (_SCRIPTS / "throttle_owner.lua").read_text()
_GIVE_BACK = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('DECR', KEYS[1]) end"
_ONE_MORE = """
if redis.call('SADD', KEYS[1], ARGV[3]) == 0 then return 0 end
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if redis.call('SCARD', KEYS[1]) <= tonumber(ARGV[1]) then return 0 end
redis.call('SREM', KEYS[1], ARGV[3])
return math.max(1, math.ceil(redis.call('PTTL', KEYS[1]) / 1000))
"""
_SHA = sha1(_TEXT.encode(), usedforsecurity=False).hexdigest()
_OWNER_SHA = sha1(_OWNER_TEXT.encode(), usedforsecurity=False).hexdigest()


class Limit(NamedTuple):
    """At most `times` in `seconds`, counted from the first."""

    name: str
    times: int
    seconds: int


class Unavailable(Exception):
    """The server that counts does not answer."""


class NotKept(Exception):
    """The server that counts has no such entry."""


def wait_seconds(limit: Limit, *, of: str) -> int:
    """Count one attempt of somebody. Returns 0, or how many seconds to wait.

    Raises Unavailable; the caller decides whether to go on.
    """
    key = _key(limit, of)
    known = (1, key, limit.times, limit.seconds * 1000)
    try:
        try:
            return int(held.send("default", "EVALSHA", _SHA, *known))
        except redis.exceptions.NoScriptError:
            return int(held.send("default", "EVAL", _TEXT, *known))
    except (redis.exceptions.RedisError, OSError) as error:
        raise Unavailable from error


class OwnerCounted(NamedTuple):
    entry: bytes
    """As the cache's server has it."""
    wait_seconds: int
    """0, or how long to wait."""
    counter: bytes
    """The key that was counted up."""


def count_owner(limit: Limit, *, entry_key: str) -> OwnerCounted | None:
    """Read the entry of a credential and count an attempt of its owner, in one step.

    None where the entry names nobody; then nothing was counted. Raises NotKept and Unavailable.
    """
    known = (1, entry_key, _prefix(limit), limit.times, limit.seconds * 1000)
    try:
        try:
            reply = held.send("default", "EVALSHA", _OWNER_SHA, *known)
        except redis.exceptions.NoScriptError:
            reply = held.send("default", "EVAL", _OWNER_TEXT, *known)
    except (redis.exceptions.RedisError, OSError) as error:
        raise Unavailable from error
    if reply is None:
        raise NotKept
    return OwnerCounted(*reply) if reply else None


def wait_seconds_for_one_more(limit: Limit, *, of: str, one: str) -> int:
    """As `wait_seconds`, where each is counted once: whoever is among them already goes on."""
    values = (limit.times, limit.seconds * 1000, short_digest(one))
    try:
        client = get_redis_connection("default")
        return int(client.eval(_ONE_MORE, 1, _key(limit, of), *values))
    except (redis.exceptions.RedisError, OSError) as error:
        raise Unavailable from error


def take_out(limit: Limit, *, of: str, one: str) -> None:
    """One of them is not counted any more. Best effort, as `forget`."""
    try:
        get_redis_connection("default").srem(_key(limit, of), short_digest(one))
    except (redis.exceptions.RedisError, OSError):
        return


def give_back(limit: Limit, *, of: str) -> None:
    """Uncount one attempt. Best effort, as `forget`."""
    _count_down(_key(limit, of))


def give_back_counted(counted: OwnerCounted) -> None:
    """As `give_back`."""
    _count_down(counted.counter)


def _count_down(key: str | bytes) -> None:
    try:
        get_redis_connection("default").eval(_GIVE_BACK, 1, key)
    except (redis.exceptions.RedisError, OSError):
        return


def forget(limit: Limit, *, of: str) -> None:
    """Start the count again from 0. Best effort: a limit that stays ends by itself."""
    try:
        get_redis_connection("default").delete(_key(limit, of))
    except (redis.exceptions.RedisError, OSError):
        return


def _key(limit: Limit, of: str) -> str:
    return f"{_prefix(limit)}{short_digest(of)}"


def _prefix(limit: Limit) -> str:
    return f"attn:throttle:{limit.name}:"
