"""The model dies by exceptions, never by power: servers need not wait for the disk."""

from collections.abc import Iterator

import pytest
from django.db import connection

from attendance.live import client


@pytest.fixture(autouse=True)
def hurried_servers(transactional_db: None) -> Iterator[None]:
    """No fsync while the model runs; it is many times faster. Needs the throw-away servers."""
    redis = client.connection()
    _configure("ALTER SYSTEM SET fsync = off")
    redis.config_set("appendfsync", "no")
    yield
    redis.config_set("appendfsync", "always")
    _configure("ALTER SYSTEM RESET fsync")


def _configure(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if not cursor.fetchone()[0]:
            pytest.skip("The model needs a superuser of PostgreSQL. Unset DATABASE_URL.")
        cursor.execute(statement)
        cursor.execute("SELECT pg_reload_conf()")
