"""Each process of a test run has servers of its own, started when the first test needs them.

Their addresses have to be known before Django reads its settings: so this is loaded as a
plugin, by `-p` in pyproject.toml. Where the addresses were set by somebody else, as for a
pytest that a test starts, nothing is done here.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher import testing
from launcher.instance import VARIABLES, Instance
from launcher.problem import Problem
from launcher.project import Project


def _named() -> Instance | None:
    """The servers of this process, not started; their addresses are in the environment."""
    folder = os.environ.get(testing.SERVERS)
    if not folder:
        return None
    given = os.environ.get(testing.GIVEN, "").split()
    # A process of xdist has inherited the addresses of the one that started it.
    kept = {name: os.environ[name] for name in VARIABLES.values() if name in given}
    process = os.environ.get("PYTEST_XDIST_WORKER", "main")
    servers = testing.servers_of(Project(), Path(folder), process, kept)
    os.environ.update(servers.urls)
    return servers


_SERVERS = _named()


def pytest_configure(config: pytest.Config) -> None:
    """What tests start is no part of this run: it has neither its servers nor its options."""
    is_handing_out = bool(config.getoption("numprocesses", None))
    if not is_handing_out:
        for name in (testing.SERVERS, testing.GIVEN, "PYTEST_ADDOPTS"):
            os.environ.pop(name, None)


@pytest.fixture(scope="session")
def servers() -> Iterator[None]:
    """PostgreSQL, live store and cache; where this process is killed, the launcher stops them."""
    if _SERVERS is None:
        yield
        return
    try:
        _SERVERS.start()
    except Problem as problem:
        pytest.exit(str(problem), returncode=problem.status)
    yield
    _SERVERS.stop()
