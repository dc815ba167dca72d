"""The database of these tests is reached through PgBouncer."""

from collections.abc import Iterator

import pytest
from django.db import connection

from tests.pooled import bouncer
from tests.pooled.bouncer import Bouncer


@pytest.fixture
def pooled(transactional_db: None) -> Iterator[Bouncer]:
    program = bouncer.binary()
    if program is None:
        pytest.skip("No pgbouncer here: apt install pgbouncer, or set ATTN_PGBOUNCER_BIN.")
    direct = dict(connection.settings_dict)
    with bouncer.pgbouncer(program) as running:
        connection.close()
        connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": str(running.port)}
        yield running
        connection.close()
        connection.settings_dict.update(direct)
