"""A connection that each thread holds, for one command after the other.

To take a connection from the pool and to give it back costs a thread about as much as the command
itself, and a check-in is two commands. Several commands at once go through the pool.
"""

import os
import threading
from typing import Any

import redis
from django.conf import settings
from django_redis import get_redis_connection
from redis.connection import AbstractConnection

_of_thread = threading.local()


def send(alias: str, *command: str | int | bytes) -> Any:
    """Send one command to the server of an alias, and return its reply; connects where needed.

    Raises what redis-py raises. After anything but an answer of the server the connection is
    closed: what is left of a reply must not be taken for the next one.
    """
    connection = _connection(alias)
    try:
        connection.send_command(*command)
        return connection.read_response()
    except redis.exceptions.ResponseError:
        raise
    except BaseException:
        connection.disconnect()
        raise


def _connection(alias: str) -> AbstractConnection:
    # A process that was forked must not share a socket with its parent.
    key = (os.getpid(), settings.CACHES[alias]["LOCATION"])
    connections: dict[Any, AbstractConnection] = _of_thread.__dict__.setdefault("by_place", {})
    if key not in connections:
        pool = get_redis_connection(alias).connection_pool
        connections[key] = pool.connection_class(**pool.connection_kwargs)
    return connections[key]
