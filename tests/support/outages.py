"""Servers that are away, as this process sees it."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
import redis
from django.db import connection
from redis.backoff import NoBackoff
from redis.retry import Retry

from attendance.live import client


@pytest.fixture
def no_postgresql(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Every new connection goes to an address where no server is."""

    def stop() -> None:
        connection.close()
        monkeypatch.setattr(connection, "get_new_connection", connect_to_nobody)

    yield stop
    monkeypatch.undo()
    connection.close()


def connect_to_nobody(parameters: object) -> psycopg.Connection:
    return psycopg.connect(host="/nowhere", connect_timeout=2)


def stop_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = redis.Redis(unix_socket_path="/nowhere/redis.sock", retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(client, "connection", lambda: dead)
