"""The figures stand on the same real servers as the tests, emptied before."""

from collections.abc import Iterator

import pytest

from bench import figures
from tests.conftest import empty_live_store, live_server_is_for_tests

__all__ = ["empty_live_store", "live_server_is_for_tests"]


@pytest.fixture(scope="session", autouse=True)
def page(django_db_setup: None, live_server_is_for_tests: None) -> Iterator[None]:
    """What was measured is written down before the servers are gone."""
    yield
    figures.write_page()
