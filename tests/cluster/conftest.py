"""A cluster for the tests here; all other tests run on one server."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from attn_project.settings import cluster_nodes
from tests.support import cluster_nodes as nodes
from tests.support.cluster_nodes import Cluster, wait_until
from tests.support.lessons import forget_everything


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    with nodes.cluster() as made:
        yield made


@pytest.fixture
def on_cluster(cluster: Cluster, settings: Settings) -> Cluster:
    """The live store of this test is the cluster, and it is empty."""
    settings.LIVE_STORE_NODES = cluster_nodes(cluster.url)
    for node in cluster.nodes:
        node.start()
    wait_until(cluster.serves, "the cluster does not come together")
    forget_everything()
    return cluster
