"""Servers that are away, as this process sees it."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
import redis
from django.conf import settings
from django.db import connection
from redis.backoff import NoBackoff
from redis.retry import Retry

from attendance.live import client, held


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
    """The live store does not answer any more, whichever connection is used."""
    dead = redis.Redis(unix_socket_path="/nowhere/redis.sock", retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(client, "connection", lambda: dead)
    stop_held(monkeypatch, settings.LIVE_STORE_ALIAS)


def stop_held(monkeypatch: pytest.MonkeyPatch, alias: str) -> None:
    """The connection that a thread holds to the server of an alias leads to no server."""
    send = held.send

    def away(to: str, *command: str | int | bytes) -> object:
        if to == alias:
            raise redis.exceptions.ConnectionError("no server is there")
        return send(to, *command)

    monkeypatch.setattr(held, "send", away)
