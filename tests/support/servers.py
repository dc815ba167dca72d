"""Each process of a test run has servers of its own, started when the first test needs them.

Their addresses have to be known before Django reads its settings: so this is loaded as a
plugin, by `-p` in pyproject.toml. Where the addresses were set by somebody else, as for a
pytest that a test starts, nothing is done here.
"""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from launcher import testing
from launcher.instance import VARIABLES, Instance
from launcher.problem import Problem
from launcher.project import Project
from launcher.servers import Server
from tests.support.migrated import KeptDatabase, make_test_database, name_as_migrated


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
_is_migrated = [False]


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
        if (own := _own_postgresql()) is not None:
            _is_migrated[0] = _kept().give(own)
        _SERVERS.start()
    except Problem as problem:
        pytest.exit(str(problem), returncode=problem.status)
    yield
    _SERVERS.stop()


def has_own_postgresql() -> bool:
    """Whether the PostgreSQL of this process is used by nobody else."""
    return _own_postgresql() is not None


@pytest.fixture(scope="session")
def migrated_database(servers: None, django_db_modify_db_settings: None) -> None:
    """The database of this process, as far as it need not be migrated anew."""
    from django.db import connection

    if _is_migrated[0]:
        name = connection.creation._get_test_db_name()
        make_test_database(os.environ[VARIABLES["postgres"]], name)


def keep_migrated_database() -> None:
    """Called when the database of this process is made: the next ones copy it."""
    from django.db import connections
    from django.db.backends.base.creation import TEST_DATABASE_PREFIX

    own = _own_postgresql()
    if own is None or _is_migrated[0]:
        return
    name = str(connections["default"].settings_dict["NAME"])
    if not name.startswith(TEST_DATABASE_PREFIX):
        # No test of this run asks for a database, so none was made.
        _kept().leave()
        return
    connections.close_all()
    url = os.environ[VARIABLES["postgres"]]
    name_as_migrated(url, name)
    _kept().keep(own)
    make_test_database(url, name)


@cache
def _kept() -> KeptDatabase:
    return KeptDatabase(Project())


def _own_postgresql() -> Server | None:
    return _SERVERS.servers.get("postgres") if _SERVERS else None
