"""Limits that are exact under concurrency: one script counts and decides.

They are kept in the cache, not in the live store: losing them loses no mark.
"""

from hashlib import sha1, sha256
from pathlib import Path
from typing import NamedTuple

import redis
from django_redis import get_redis_connection

_TEXT = (Path(__file__).parent / "scripts" / "throttle.lua").read_text()
_GIVE_BACK = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('DECR', KEYS[1]) end"
_ONE_MORE = """
if redis.call('SADD', KEYS[1], ARGV[3]) == 0 then return 0 end
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if redis.call('SCARD', KEYS[1]) <= tonumber(ARGV[1]) then return 0 end
redis.call('SREM', KEYS[1], ARGV[3])
return math.max(1, math.ceil(redis.call('PTTL', KEYS[1]) / 1000))
"""
_SHA = sha1(_TEXT.encode(), usedforsecurity=False).hexdigest()


class Limit(NamedTuple):
    """At most `times` in `seconds`, counted from the first."""

    name: str
    times: int
    seconds: int


class Unavailable(Exception):
    """The server that counts does not answer."""


def wait_seconds(limit: Limit, *, of: str) -> int:
    """Count one attempt of somebody. Returns 0, or how many seconds to wait.

    Raises Unavailable; the caller decides whether to go on.
    """
    key = _key(limit, of)
    try:
        return int(_run(get_redis_connection("default"), key, limit))
    except (redis.exceptions.RedisError, OSError) as error:
        raise Unavailable from error


def wait_seconds_for_one_more(limit: Limit, *, of: str, one: str) -> int:
    """As `wait_seconds`, where each is counted once: whoever is among them already goes on."""
    values = (limit.times, limit.seconds * 1000, _digest(one))
    try:
        client = get_redis_connection("default")
        return int(client.eval(_ONE_MORE, 1, _key(limit, of), *values))
    except (redis.exceptions.RedisError, OSError) as error:
        raise Unavailable from error


def take_out(limit: Limit, *, of: str, one: str) -> None:
    """One of them is not counted any more. Best effort, as `forget`."""
    try:
        get_redis_connection("default").srem(_key(limit, of), _digest(one))
    except (redis.exceptions.RedisError, OSError):
        return


def give_back(limit: Limit, *, of: str) -> None:
    """Uncount one attempt. Best effort, as `forget`."""
    try:
        get_redis_connection("default").eval(_GIVE_BACK, 1, _key(limit, of))
    except (redis.exceptions.RedisError, OSError):
        return


def forget(limit: Limit, *, of: str) -> None:
    """Start the count again from 0. Best effort: a limit that stays ends by itself."""
    try:
        get_redis_connection("default").delete(_key(limit, of))
    except (redis.exceptions.RedisError, OSError):
        return


def _run(client: redis.Redis, key: str, limit: Limit) -> bytes:
    try:
        return client.evalsha(_SHA, 1, key, limit.times, limit.seconds * 1000)  # type: ignore[no-any-return]
    except redis.exceptions.NoScriptError:
        return client.eval(_TEXT, 1, key, limit.times, limit.seconds * 1000)  # type: ignore[no-any-return]


def _key(limit: Limit, of: str) -> str:
    return f"attn:throttle:{limit.name}:{_digest(of)}"


def _digest(text: str) -> str:
    # What somebody typed as their number may be long and strange.
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
