"""Settings and state of the live store, for its alarms."""

import contextlib
from typing import Any, NamedTuple

import redis
from django.core.cache import caches
from django_redis import get_redis_connection
from redis.crc import REDIS_CLUSTER_HASH_SLOTS

from attendance.live import client
from attendance.rules import instants

UNKNOWN = "unknown"
_SETTINGS = ("maxmemory-policy", "appendonly", "appendfsync", "no-appendfsync-on-rewrite")


class ServerState(NamedTuple):
    """Settings and state of one server; `unknown` where it does not say."""

    name: str
    """Host and port where the live store is a cluster, else ''."""
    run_id: str
    database: int
    eviction: str
    append_only: str
    fsync: str
    pauses_syncs: str
    """`no-appendfsync-on-rewrite`: with `yes`, nothing is synced during a rewrite."""
    last_write: str
    cluster: str
    """`ok` where its cluster serves every slot, or it is in none."""
    now_ms: int
    """What its clock says."""

    @property
    def is_clock_wrong(self) -> bool:
        """Whether it is outside 2000 to 2100: no script stamps anything."""
        return not instants.is_sane(self.now_ms)

    @property
    def has_written(self) -> bool:
        """Whether the last write to the append-only file and the last rewrite went well."""
        return self.last_write in {"ok", UNKNOWN}


def live_states() -> list[ServerState]:
    """Settings and last write of the live store: of its server, or of every primary of a cluster.

    Raises LiveStoreUnavailable, also where one of them does not answer.
    """
    states: list[ServerState] = client.command(
        lambda _: [_server_state(server) for server in client.servers()]
    )
    return states


def cache_identity() -> tuple[str, int] | None:
    """Which server and database the default cache uses, or None where it does not say."""
    if not hasattr(caches["default"], "client"):
        return None
    try:
        connection = get_redis_connection("default")
        return _info(connection, "server").get("run_id", UNKNOWN), _database(connection)
    except (redis.exceptions.RedisError, OSError):
        return None


def _server_state(connection: redis.Redis) -> ServerState:
    settings = _settings(connection)
    is_clustered = bool(_info(connection, "cluster").get("cluster_enabled"))
    persistence = _info(connection, "persistence")
    writes = [
        persistence.get("aof_last_write_status"),
        persistence.get("aof_last_bgrewrite_status"),
    ]
    bad = [str(status) for status in writes if status not in {None, "ok"}]
    return ServerState(
        name=_address(connection) if is_clustered else "",
        run_id=str(_info(connection, "server").get("run_id", UNKNOWN)),
        database=_database(connection),
        eviction=settings.get("maxmemory-policy", UNKNOWN),
        append_only=settings.get("appendonly", UNKNOWN),
        fsync=settings.get("appendfsync", UNKNOWN),
        pauses_syncs=settings.get("no-appendfsync-on-rewrite", UNKNOWN),
        last_write=bad[0] if bad else "ok",
        cluster=_cluster_state(connection) if is_clustered else "ok",
        now_ms=int(connection.time()[0]) * 1_000,
    )


def _address(connection: redis.Redis) -> str:
    at = connection.connection_pool.connection_kwargs
    return f"{at.get('host')}:{at.get('port')}"


def _cluster_state(connection: redis.Redis) -> str:
    info: dict[str, str] = connection.cluster("INFO")
    served_slots = int(info["cluster_slots_ok"])
    if info["cluster_state"] == "ok" and served_slots == REDIS_CLUSTER_HASH_SLOTS:
        return "ok"
    return f"{info['cluster_state']}, {served_slots} of {REDIS_CLUSTER_HASH_SLOTS} slots"


def _info(connection: redis.Redis, section: str) -> dict[str, Any]:
    info: dict[str, Any] = connection.info(section)
    return info


def _settings(connection: redis.Redis) -> dict[str, str]:
    """CONFIG GET is forbidden on many managed servers: then nothing is known."""
    with contextlib.suppress(redis.exceptions.ResponseError):
        config = connection.config_get(*_SETTINGS)
        return {_text(name): _text(value) for name, value in config.items()}
    return {}


def _text(value: bytes | str | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or UNKNOWN


def _database(connection: redis.Redis) -> int:
    return int(connection.connection_pool.connection_kwargs.get("db") or 0)
