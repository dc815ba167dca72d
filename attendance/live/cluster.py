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

# The server answers but does not serve the slot.
NOT_NOW = (redis.exceptions.ClusterDownError,)
# No server says where a slot is, or it was still moving after the last try: not executed.
# The client asks again which server holds which slots before it retries.
GONE = (redis.exceptions.RedisClusterException, redis.exceptions.ClusterError)
# The slot has moved, or is being moved: not executed either.
_REDIRECTS = (
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

    A forked child must not share its parent's locks and sockets. Raises
    RedisClusterException where none of the nodes answers.
    """
    nodes = [parse_url(url) for url in urls]
    options: dict[str, Any] = dict(nodes[0])
    is_tls = options.pop("connection_class", None) is not None
    for name in ("host", "port", "db"):
        options.pop(name, None)
    return RedisCluster(
        startup_nodes=[ClusterNode(node["host"], node.get("port", 6379)) for node in nodes],
        # Only `client.command` repeats: it knows what is safe to repeat.
        retry=Retry(NoBackoff(), 0),
        # A slot that no server serves affects only the lessons in it.
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

    Returns a reply or an error for each call, in order. A call whose slot has moved
    is sent again alone, through the client, which follows the slot.
    """
    replies: list[Any] = [None] * len(calls)
    for node, places in _places_by_node(client, calls).items():
        node_replies = send(client.get_redis_connection(node), [calls[i] for i in places])
        for place, reply in zip(places, node_replies, strict=True):
            replies[place] = reply
    for place, reply in enumerate(replies):
        if isinstance(reply, _REDIRECTS):
            (replies[place],) = send(client, [calls[place]])
    return replies


def look_again(client: RedisCluster) -> None:
    """Ask again which server holds which slots: one may have replaced a server that is gone.

    Raises RedisClusterException where no server answers.
    """
    client.nodes_manager.initialize()


def _places_by_node(client: RedisCluster, calls: Sequence[Keyed]) -> dict[ClusterNode, list[int]]:
    places: dict[ClusterNode, list[int]] = defaultdict(list)
    for place, call in enumerate(calls):
        slot = client.keyslot(call.keys[0])
        places[client.nodes_manager.get_node_from_slot(slot)].append(place)
    return places
