"""The live store and the protocol on a Redis Cluster: the tests of one server, unchanged."""

import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection

from tests.support.cluster_nodes import Cluster
from tests.support.processes import database_url, environment

MODULES = (
    *("test_check_in", "test_corrections", "test_damage", "test_live_store", "test_losses"),
    *("test_persistence", "test_starting", "test_steps"),
)
# Of what mostly looks at HTTP, what looks at Redis.
OTHERS = (
    "tests/api/test_verifications.py::test_a_check_in_is_posted_signed_and_once",
    "tests/api/test_verifications.py::test_the_outbox_outlives_its_lesson",
    "tests/api/test_verifications.py::test_an_empty_outbox_of_an_old_lesson_is_left_out",
    "tests/api/test_receipts.py::test_an_emptied_live_store_is_healed_by_receipts",
    "tests/api/test_receipts.py::test_a_copy_that_comes_back_replaces_nothing",
    "tests/faults/test_kills.py",
    "tests/integration/test_many_processes.py::"
    "test_every_lesson_is_persisted_by_exactly_one_process[4]",
)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.django_db
def test_what_holds_on_one_server_holds_on_a_cluster(cluster: Cluster) -> None:
    url = database_url().replace(f"/{connection.settings_dict['NAME']}", "/attn_cluster")
    assert "/attn_cluster" in url

    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--create-db"),
            *(f"tests/integration/{name}.py" for name in MODULES),
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
