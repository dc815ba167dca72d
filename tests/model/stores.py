"""Both stores as values: read at once, put back, and in a form that can be compared."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from redis import Redis

from attendance.live import client, keys
from tests.model import marks
from tests.model.marks import MarksOfBoth
from tests.model.rows import Rows, put_rows, read_rows
from tests.support.lessons import TEST_SERVER

_COUNTED = (keys.SITE.encode(), keys.DISCARDED.encode())
"""They count up with each run, and say nothing of a lesson: `marks.py`."""

RedisContent = Mapping[bytes, Any]


class Postgresql(NamedTuple):
    """What a backup of PostgreSQL holds."""

    rows: Rows
    marks: MarksOfBoth | None = None

    @property
    def canonical(self) -> str:
        return self.rows.canonical + marks.canonical({}, self.marks)


class State(NamedTuple):
    """Both stores at one instant, when nobody moves."""

    redis: RedisContent
    postgresql: Postgresql

    @property
    def rows(self) -> Rows:
        return self.postgresql.rows

    @property
    def marks(self) -> MarksOfBoth | None:
        return self.postgresql.marks

    @property
    def canonical(self) -> str:
        """Without what each run counts up."""
        redis = {name: value for name, value in self.redis.items() if name != marks.SITE}
        return canonical_redis(redis) + self.rows.canonical


def read_all() -> State:
    return State(read_redis(), read_postgresql())


def put_all(state: State) -> None:
    put_redis(state.redis)
    put_postgresql(state.postgresql)


def read_postgresql() -> Postgresql:
    return Postgresql(read_rows(), marks.read_marks())


def put_postgresql(content: Postgresql) -> None:
    put_rows(content.rows)
    if content.marks is not None:
        marks.put_marks(content.marks)


def read_redis() -> RedisContent:
    """Every key with its value; a hash as sorted pairs, because its order means nothing."""
    redis = client.connection()
    names = sorted(_names(redis))
    pipe = redis.pipeline(transaction=False)
    for name in names:
        _reader(name)(pipe, name)
    return dict(zip(names, map(_frozen, pipe.execute()), strict=True)) if names else {}


def _names(redis: Redis) -> list[bytes]:
    found: list[Any] = redis.keys()
    return [name for name in found if name not in _left_out()]


def _left_out() -> tuple[bytes, ...]:
    return (TEST_SERVER,) if marks.are_kept() else (TEST_SERVER, *_COUNTED)


def _reader(name: bytes) -> Any:
    if name.startswith(b"attn:{queue}") and name != marks.SITE:
        return lambda pipe, key: pipe.zrange(key, 0, -1, withscores=True)
    if name.startswith((b"attn:teacher", b"attn:code", b"attn:section")):
        return lambda pipe, key: pipe.get(key)
    if name.endswith((b":events", b":corrupt")):
        return lambda pipe, key: pipe.lrange(key, 0, -1)
    return lambda pipe, key: pipe.hgetall(key)


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple(sorted(value.items()))
    return value if isinstance(value, bytes) else tuple(map(_pair, value))


def _pair(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def put_redis(content: RedisContent) -> None:
    redis = client.connection()
    redis.delete(keys.SITE, keys.DISCARDED)
    pipe = redis.pipeline(transaction=True)
    old = _names(redis)
    if old:
        pipe.delete(*old)
    for name, value in content.items():
        if isinstance(value, bytes):
            pipe.set(name, value)
        elif name.startswith(b"attn:{queue}") and name != marks.SITE:
            pipe.zadd(name, dict(value))
        elif name.endswith((b":events", b":corrupt")):
            pipe.rpush(name, *value)
        else:
            pipe.hset(name, mapping=dict(value))
    if old or content:
        pipe.execute()


def canonical_redis(content: RedisContent) -> str:
    return repr(sorted(content.items()))
