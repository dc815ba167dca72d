"""How the live store is set and how it does: read for system checks and readyz."""

import contextlib
from typing import Any, NamedTuple

import redis
from django.core.cache import caches
from django_redis import get_redis_connection

from attendance.errors import LiveStoreUnavailable
from attendance.live import client

UNKNOWN = "unknown"


class ServerState(NamedTuple):
    """What matters of a server; `unknown` where it does not tell."""

    run_id: str
    database: int
    eviction: str
    append_only: str
    fsync: str
    last_write: str

    @property
    def has_written(self) -> bool:
        """Whether the last write to the append-only file and the last rewrite went well."""
        return self.last_write in {"ok", UNKNOWN}


def live_state() -> ServerState:
    """The live store's settings and its last write. Raises LiveStoreUnavailable."""
    state = client.command(_read)
    if not isinstance(state, ServerState):
        raise LiveStoreUnavailable
    return state


def cache_identity() -> tuple[str, int] | None:
    """Which server and database the default cache uses, or None where it does not tell."""
    if not hasattr(caches["default"], "client"):
        return None
    try:
        connection = get_redis_connection("default")
        return _info(connection, "server").get("run_id", UNKNOWN), _database(connection)
    except (redis.exceptions.RedisError, OSError):
        return None


def _read(connection: redis.Redis) -> ServerState:
    settings = _settings(connection)
    persistence = _info(connection, "persistence")
    writes = [
        persistence.get("aof_last_write_status"),
        persistence.get("aof_last_bgrewrite_status"),
    ]
    bad = [str(status) for status in writes if status not in {None, "ok"}]
    return ServerState(
        run_id=str(_info(connection, "server").get("run_id", UNKNOWN)),
        database=_database(connection),
        eviction=settings.get("maxmemory-policy", UNKNOWN),
        append_only=settings.get("appendonly", UNKNOWN),
        fsync=settings.get("appendfsync", UNKNOWN),
        last_write=bad[0] if bad else "ok",
    )


def _info(connection: redis.Redis, section: str) -> dict[str, Any]:
    found: dict[str, Any] = connection.info(section)
    return found


def _settings(connection: redis.Redis) -> dict[str, str]:
    """CONFIG GET is forbidden on many managed servers: then nothing is known."""
    with contextlib.suppress(redis.exceptions.ResponseError):
        found = connection.config_get("maxmemory-policy", "appendonly", "appendfsync")
        return {_text(name): _text(value) for name, value in found.items()}
    return {}


def _text(value: bytes | str | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or UNKNOWN


def _database(connection: redis.Redis) -> int:
    return int(connection.connection_pool.connection_kwargs.get("db") or 0)
