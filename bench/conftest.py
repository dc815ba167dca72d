"""The figures stand on the same real servers as the tests, emptied before."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from bench import figures, plans
from tests.support import live_store
from tests.support.lessons import forget_everything


@pytest.fixture(scope="session")
def django_db_setup(servers: None, django_db_setup: None) -> None:
    """The servers run, and the test database is there."""


@pytest.fixture(scope="session", autouse=True)
def live_server_is_for_tests(django_db_setup: None) -> None:
    live_store.refuse_one_in_use()


@pytest.fixture(autouse=True)
def empty_live_store(live_server_is_for_tests: None) -> None:
    forget_everything()
    cache.clear()


@pytest.fixture(scope="session", autouse=True)
def page(django_db_setup: None, live_server_is_for_tests: None) -> Iterator[None]:
    """What was measured is written down before the servers are gone."""
    yield
    figures.write_page()
    plans.write_page()
