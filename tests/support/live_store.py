"""The live store that the tests share and empty."""

import pytest

from attendance.live import client
from tests.support.lessons import TEST_SERVER


def refuse_one_in_use() -> None:
    """End the run where the live store holds somebody's lessons: tests empty it."""
    is_empty = not any(server.dbsize() for server in client.servers())
    if not is_empty and not client.connection().exists(TEST_SERVER):
        pytest.exit(
            "REDIS_URL names a server that is not empty, and tests empty it. "
            "Unset REDIS_URL, or name an empty database.",
            returncode=2,
        )
