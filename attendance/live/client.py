"""The connection to the live store, and how its scripts are run.

Every script is idempotent, so a run whose answer was lost may be repeated.
Nothing else is: the library's own retries are switched off in the settings.
"""

from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha1
from pathlib import Path
from typing import Any, NamedTuple

import redis
from django.conf import settings
from django_redis import get_redis_connection

from attendance.errors import LessonUnreadable, LiveStoreUnavailable

ATTEMPTS = 3
_SCRIPTS = Path(__file__).parent / "scripts"
_PARTS = {
    "check_in": ("codes", "refusals"),
    "check_code": ("codes",),
    "correct": ("find_event",),
    "read_record": ("find_event",),
    "rename": ("find_event",),
    "set_end": ("find_event",),
}
"""What some scripts need before them, beside clock and prelude."""

# The server answers, and will not do any work now: as good as gone.
_NOT_NOW = (
    redis.exceptions.BusyLoadingError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.AuthenticationError,
    redis.exceptions.NoPermissionError,
)
# A key of another type, or a value that a script stumbles over.
_UNREADABLE = ("WRONGTYPE", "user_script")
_GONE = (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError)


class Call(NamedTuple):
    """One run of one script."""

    script: str
    keys: Sequence[str]
    args: Sequence[str | int | bytes] = ()


class Script(NamedTuple):
    text: str
    sha: str


@cache
def script(name: str) -> Script:
    """The text of a script with the prelude before it, and its digest."""
    parts = ["clock", "prelude", *_PARTS.get(name, ()), name]
    text = "\n".join((_SCRIPTS / f"{part}.lua").read_text() for part in parts)
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


def connection() -> redis.Redis:
    """The raw connection to the live store; replies are bytes."""
    return get_redis_connection(settings.LIVE_STORE_ALIAS)  # type: ignore[no-any-return]


def run(name: str, keys: Sequence[str], *args: str | int | bytes) -> list[Any]:
    """Run one script and return its reply: an outcome word as bytes, then what it names.

    Raises LiveStoreUnavailable where the server cannot be reached, also when
    tried again, and LessonUnreadable where a key has a type that no script wrote.
    """
    reply: list[Any] | LessonUnreadable = run_many([Call(name, keys, args)])[0]
    if isinstance(reply, LessonUnreadable):
        raise reply
    return reply


def run_many(calls: Sequence[Call]) -> list[Any]:
    """Run scripts in one round trip; each is atomic, together they are not.

    Returns a reply for each call, in order; where one was refused, a
    LessonUnreadable stands in its place. Raises LiveStoreUnavailable.
    """
    replies: list[Any] = command(lambda client: _pipeline(client, calls))
    return replies


def command(work: Callable[[redis.Redis], Any]) -> Any:
    """Do idempotent work with the connection, repeated where the answer was lost.

    Raises LiveStoreUnavailable.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return work(connection())
        except _NOT_NOW as error:
            raise LiveStoreUnavailable from error
        except _GONE as error:
            if attempt == ATTEMPTS:
                raise LiveStoreUnavailable from error
    raise AssertionError("unreachable")


def _pipeline(client: redis.Redis, calls: Sequence[Call]) -> list[Any]:
    replies = _send(client, calls)
    if any(isinstance(reply, redis.exceptions.NoScriptError) for reply in replies):
        for name in {call.script for call in calls}:
            client.script_load(script(name).text)
        missing = [
            i for i, r in enumerate(replies) if isinstance(r, redis.exceptions.NoScriptError)
        ]
        again = _send(client, [calls[i] for i in missing])
        for i, reply in zip(missing, again, strict=True):
            replies[i] = reply
    return [_checked(reply) for reply in replies]


def _send(client: redis.Redis, calls: Sequence[Call]) -> list[Any]:
    if len(calls) == 1:
        call = calls[0]
        try:
            return [client.evalsha(script(call.script).sha, len(call.keys), *call.keys, *call.args)]
        except redis.exceptions.NoScriptError as error:
            return [error]
        except redis.exceptions.ResponseError as error:
            return [error]
    pipe = client.pipeline(transaction=False)
    for call in calls:
        pipe.evalsha(script(call.script).sha, len(call.keys), *call.keys, *call.args)
    return pipe.execute(raise_on_error=False)


def _checked(reply: Any) -> Any:
    if isinstance(reply, (*_NOT_NOW, *_GONE)):
        raise reply
    if isinstance(reply, redis.exceptions.ResponseError):
        if str(reply).startswith(_UNREADABLE):
            return LessonUnreadable(f"{LessonUnreadable.default_detail} ({reply})")
        raise LiveStoreUnavailable(f"The live store refused: {reply}") from reply
    return reply
