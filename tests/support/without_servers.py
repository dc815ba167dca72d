"""Fixtures of tests without a server: the loop of seconds stays one of seconds."""

import socket
from typing import Any, NoReturn

import pytest

from tests.support.processes import DEAD_DATABASE, DEAD_REDIS

MOVE_IT = (
    "A test of tests/unit or tests/repository speaks to a server. Move it to tests/integration, "
    "tests/api or tests/pages, where there are some; or let it do without."
)


@pytest.fixture(autouse=True)
def empty_live_store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of emptying a server: refuse any, also to what a test starts."""
    if "django_db_setup" in request.fixturenames or request.node.get_closest_marker("django_db"):
        pytest.fail(MOVE_IT, pytrace=False)
    # Whoever ran before in this process has left connections.
    for name in ("connect", "send", "sendall"):
        monkeypatch.setattr(socket.socket, name, _refuse)
    monkeypatch.setenv("DATABASE_URL", DEAD_DATABASE)
    monkeypatch.setenv("REDIS_URL", DEAD_REDIS)
    monkeypatch.setenv("CACHE_URL", DEAD_REDIS)


@pytest.fixture(autouse=True)
def quick_passwords() -> None:
    """Here and below: what a site needs, and a rule does not."""


@pytest.fixture(autouse=True)
def quick_static_files() -> None:
    """No client, no files."""


@pytest.fixture(autouse=True)
def patient_codes() -> None:
    """No second factor."""


def _refuse(self: socket.socket, *args: Any) -> NoReturn:
    self.close()
    pytest.fail(MOVE_IT)
