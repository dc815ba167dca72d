"""The connection to the live store, and how its scripts are run.

Every script is idempotent, so a run whose answer was lost may be repeated.
Nothing else is: the library's own retries are switched off.

The live store is one server, or a Redis Cluster: attendance/live/cluster.py.
"""

import contextlib
import os
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha1
from pathlib import Path
from typing import Any, NamedTuple, cast

import redis
from django.conf import settings
from django_redis import get_redis_connection
from redis.cluster import RedisCluster

from attendance.errors import LessonUnreadable, LiveStoreClock, LiveStoreUnavailable
from attendance.live import cluster, held
from users.errors import gettext_noop as _

ATTEMPTS = 3
_SCRIPTS = Path(__file__).parent / "scripts"
_PARTS = {
    "check_in": ("stamping", "codes", "guesses", "scans", "refusals", "requests"),
    "check_code": ("stamping", "codes", "guesses", "refusals"),
    "correct": ("stamping", "requests"),
    "find_request": ("requests",),
    "read_record": ("requests",),
    "change_data": ("stamping", "requests"),
    "set_end": ("stamping", "requests"),
}
"""The parts that some scripts need besides clock and prelude."""

# The server answers and refuses all work for now: treated as unavailable.
_NOT_NOW = (
    redis.exceptions.BusyLoadingError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.AuthenticationError,
    redis.exceptions.NoPermissionError,
    *cluster.NOT_NOW,
)
# A key of another type, or a value on which a script fails.
_UNREADABLE = ("WRONGTYPE", "user_script")
_GONE = (
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    OSError,
    *cluster.GONE,
)


class Call(NamedTuple):
    """One run of one script."""

    script: str
    keys: Sequence[str]
    args: Sequence[str | int | bytes] = ()


class Script(NamedTuple):
    text: str
    sha: str


def parts(name: str) -> list[Path]:
    """The files that a script is put together from, in their order."""
    return [_SCRIPTS / f"{part}.lua" for part in ("clock", "prelude", *_PARTS.get(name, ()), name)]


@cache
def script(name: str) -> Script:
    """The text of a script with the prelude before it, and its digest."""
    text = "\n".join(part.read_text() for part in parts(name))
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


def connection() -> redis.Redis:
    """The raw connection to the live store; replies are bytes.

    That of a cluster has the same commands, each sent to the server of its key.
    """
    if settings.LIVE_STORE_NODES:
        return cast(redis.Redis, cluster.connect(settings.LIVE_STORE_NODES, os.getpid()))
    return get_redis_connection(settings.LIVE_STORE_ALIAS)  # type: ignore[no-any-return]


def servers() -> list[redis.Redis]:
    """A connection to each server that holds lessons: one, or every primary of a cluster."""
    client: redis.Redis | RedisCluster = connection()
    return cluster.primaries(client) if isinstance(client, RedisCluster) else [client]


def time_at(key: str) -> tuple[int, int]:
    """TIME, in seconds and microseconds, by the server that holds a key.

    Raises LiveStoreUnavailable.
    """
    reply: tuple[int, int] = command(lambda client: client.time(**_server_of(client, key)))
    return reply


def _server_of(client: redis.Redis | RedisCluster, key: str) -> dict[str, Any]:
    if isinstance(client, RedisCluster):
        return {"target_nodes": client.get_node_from_key(key)}
    return {}


def run(name: str, keys: Sequence[str], args: Sequence[str | int | bytes] = ()) -> list[Any]:
    """Run one script and return its reply: an outcome word as bytes, then what it names.

    Raises LiveStoreUnavailable where the server cannot be reached, also when
    tried again, LiveStoreClock where its clock is wrong, and LessonUnreadable where a
    key has a type that no script wrote.
    """
    reply: list[Any] | LessonUnreadable = run_many([Call(name, keys, args)])[0]
    if isinstance(reply, LessonUnreadable):
        raise reply
    return reply


def run_many(calls: Sequence[Call]) -> list[Any]:
    """Run scripts in one round trip to each server; each is atomic, together they are not.

    Returns a reply for each call, in order; where one was refused, a
    LessonUnreadable stands in its place. Raises LiveStoreUnavailable.
    """
    replies: list[Any] = _repeated(lambda: _run(calls))
    return replies


def command(work: Callable[[redis.Redis], Any], *, key: str = "") -> Any:
    """Do idempotent work with the connection, repeated where the answer was lost.

    Raises LiveStoreUnavailable, also where the server refuses, as with a key of
    another type; it names `key`.
    """
    return _repeated(lambda: work(connection()), key=key)


def _repeated(work: Callable[[], Any], *, key: str = "") -> Any:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return work()
        except _NOT_NOW as error:
            raise LiveStoreUnavailable from error
        except _GONE as error:
            if attempt == ATTEMPTS:
                raise LiveStoreUnavailable from error
            _look_again()
        except redis.exceptions.ResponseError as error:
            raise _refusal(str(error), key) from error
    raise AssertionError("unreachable")


def _refusal(reply: str, key: str) -> LiveStoreUnavailable:
    if not key:
        return LiveStoreUnavailable(_("The live store refused: %(reply)s."), reply=reply)
    return LiveStoreUnavailable(
        _(
            "The live store refused: %(reply)s. Ask whoever runs the site to look at the key "
            "%(key)s."
        ),
        reply=reply,
        key=key,
    )


def _look_again() -> None:
    """In a cluster, another server may hold the slots of one that does not answer."""
    with contextlib.suppress(*_GONE):
        client: redis.Redis | RedisCluster = connection()
        if isinstance(client, RedisCluster):
            cluster.look_again(client)


def _run(calls: Sequence[Call]) -> list[Any]:
    if len(calls) == 1 and not settings.LIVE_STORE_NODES:
        return [_check_reply(_send_held(calls[0]))]
    client: redis.Redis | RedisCluster = connection()
    # The cluster's own client finds the server of a single call.
    if isinstance(client, RedisCluster) and len(calls) > 1:
        return [_check_reply(reply) for reply in cluster.spread(client, calls, _send)]
    return [_check_reply(reply) for reply in _send(client, calls)]


def _send(client: redis.Redis | RedisCluster, calls: Sequence[Call]) -> list[Any]:
    """A reply or an error for each call. Several calls must be for one server."""
    if len(calls) == 1:
        return [_send_one(client, calls[0])]
    replies = _pipeline(client, calls)
    unloaded = [i for i, r in enumerate(replies) if isinstance(r, redis.exceptions.NoScriptError)]
    if unloaded:
        for name in {calls[i].script for i in unloaded}:
            client.script_load(script(name).text)
        later_replies = _pipeline(client, [calls[i] for i in unloaded])
        for i, reply in zip(unloaded, later_replies, strict=True):
            replies[i] = reply
    return replies


def _send_one(client: redis.Redis | RedisCluster, call: Call) -> Any:
    source = script(call.script)
    try:
        try:
            return client.evalsha(source.sha, len(call.keys), *call.keys, *call.args)
        except redis.exceptions.NoScriptError:
            # Runs and loads it on the very server that does not know it.
            return client.eval(source.text, len(call.keys), *call.keys, *call.args)
    except redis.exceptions.ResponseError as error:
        return error


def _send_held(call: Call) -> Any:
    source, alias = script(call.script), settings.LIVE_STORE_ALIAS
    known = (len(call.keys), *call.keys, *call.args)
    try:
        try:
            return held.send(alias, "EVALSHA", source.sha, *known)
        except redis.exceptions.NoScriptError:
            return held.send(alias, "EVAL", source.text, *known)
    except redis.exceptions.ResponseError as error:
        return error


def _pipeline(client: redis.Redis | RedisCluster, calls: Sequence[Call]) -> list[Any]:
    pipe = client.pipeline(transaction=False)
    for call in calls:
        pipe.evalsha(script(call.script).sha, len(call.keys), *call.keys, *call.args)
    replies: list[Any] = pipe.execute(raise_on_error=False)
    return replies


def _check_reply(reply: Any) -> Any:
    if isinstance(reply, list) and reply and reply[0] == b"clock_wrong":
        raise LiveStoreClock
    if isinstance(reply, (*_NOT_NOW, *_GONE)):
        raise reply
    if isinstance(reply, redis.exceptions.ResponseError):
        if str(reply).startswith(_UNREADABLE):
            return LessonUnreadable(
                _(
                    "The live data of this lesson is damaged. Tell your staff: they can see it. "
                    "(%(reply)s)"
                ),
                reply=str(reply),
            )
        raise LiveStoreUnavailable(
            _("The live store refused: %(reply)s"), reply=str(reply)
        ) from reply
    return reply
