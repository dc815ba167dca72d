"""A live store of several servers: Redis Cluster, through redis-py's own client.

The keys of a lesson are in one slot, so each script runs on one server. That
client follows a slot that has moved; what it does not do is here: scripts in a
pipeline, in one round trip for each server.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Protocol, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import parse_url
from redis.retry import Retry

SECONDS_TO_CONNECT, SECONDS_TO_ANSWER = 2, 10

# The server answers, and does not serve the slot.
NOT_NOW = (redis.exceptions.ClusterDownError,)
# Nobody tells where a slot is, or it was still moving when patience ended: not executed.
# The client asks anew who holds what before it tries again.
GONE = (redis.exceptions.RedisClusterException, redis.exceptions.ClusterError)
# The slot has moved, or is being moved: not executed either.
_SENT_ON = (
    redis.exceptions.MovedError,
    redis.exceptions.AskError,
    redis.exceptions.TryAgainError,
)


class Keyed(Protocol):
    """What runs on the server that holds its keys."""

    @property
    def keys(self) -> Sequence[str]: ...


Call = TypeVar("Call", bound=Keyed)


@cache
def connect(urls: tuple[str, ...], process: int) -> RedisCluster:
    """The client of a cluster that these nodes know, one for each process.

    Locks and sockets of a client are not those of a forked child. Raises
    RedisClusterException where none of the nodes answers.
    """
    nodes = [parse_url(url) for url in urls]
    options: dict[str, Any] = dict(nodes[0])
    is_tls = options.pop("connection_class", None) is not None
    for name in ("host", "port", "db"):
        options.pop(name, None)
    return RedisCluster(
        startup_nodes=[ClusterNode(node["host"], node.get("port", 6379)) for node in nodes],
        # `client.command` repeats what is safe to repeat, and nobody else does.
        retry=Retry(NoBackoff(), 0),
        # A slot that nobody serves concerns the lessons in it.
        require_full_coverage=False,
        ssl=is_tls,
        socket_connect_timeout=SECONDS_TO_CONNECT,
        socket_timeout=SECONDS_TO_ANSWER,
        protocol=2,
        **options,
    )


def primaries(client: RedisCluster) -> list[redis.Redis]:
    """A connection to each server that holds slots."""
    return [client.get_redis_connection(node) for node in client.get_primaries()]


def spread(
    client: RedisCluster,
    calls: Sequence[Call],
    send: Callable[[redis.Redis | RedisCluster, Sequence[Call]], list[Any]],
) -> list[Any]:
    """Send calls to the servers of their keys, in one round trip for each server.

    Returns replies in order, errors among them. A call whose slot has moved goes
    again by itself, through the client that follows it.
    """
    replies: list[Any] = [None] * len(calls)
    for node, places in _places_by_node(client, calls).items():
        found = send(client.get_redis_connection(node), [calls[i] for i in places])
        for place, reply in zip(places, found, strict=True):
            replies[place] = reply
    for place, reply in enumerate(replies):
        if isinstance(reply, _SENT_ON):
            (replies[place],) = send(client, [calls[place]])
    return replies


def look_again(client: RedisCluster) -> None:
    """Ask who holds the slots: a server has gone, and another may have taken its place.

    Raises RedisClusterException where no server tells.
    """
    client.nodes_manager.initialize()


def _places_by_node(client: RedisCluster, calls: Sequence[Keyed]) -> dict[ClusterNode, list[int]]:
    places: dict[ClusterNode, list[int]] = defaultdict(list)
    for place, call in enumerate(calls):
        slot = client.keyslot(call.keys[0])
        places[client.nodes_manager.get_node_from_slot(slot)].append(place)
    return places
