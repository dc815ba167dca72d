"""The live store and the protocol on a Redis Cluster: the tests of one server, unchanged."""

import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection

from tests.cluster.nodes import Cluster
from tests.processes import database_url, environment

INTEGRATION = (
    *("test_check_in", "test_corrections", "test_damage", "test_health", "test_live_store"),
    *("test_losses", "test_persistence", "test_starting", "test_steps"),
)
OTHERS = (
    "tests/api/test_receipts.py",
    "tests/api/test_verifications.py",
    "tests/faults/test_kills.py",
)
NEEDS_ONE_SERVER = "a_cache_that_shares_the_live_database"


@pytest.mark.timeout(300)
@pytest.mark.django_db
def test_what_holds_on_one_server_holds_on_a_cluster(cluster: Cluster) -> None:
    url = database_url().replace(f"/{connection.settings_dict['NAME']}", "/attn_cluster")
    assert "/attn_cluster" in url

    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--create-db"),
            *("-k", f"not {NEEDS_ONE_SERVER}"),
            *(f"tests/integration/{name}.py" for name in INTEGRATION),
            *OTHERS,
        ],
        cwd=settings.BASE_DIR,
        env=environment(REDIS_URL=cluster.url, DATABASE_URL=url),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
    # Nothing was skipped, and the keys were where a cluster keeps them.
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
