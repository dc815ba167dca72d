"""What every test stands on: real servers, emptied before each test.

tests/unit and tests/repository have none: see support/without_servers.py.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone, translation
from pytest_django import DjangoDbBlocker

from tests.support import live_store, tables
from tests.support.lessons import forget_everything
from tests.support.servers import has_own_postgresql, keep_migrated_database
from users.identity import Person, Role

pytest_plugins = [
    "tests.support.clock",
    "tests.support.outages",
    "tests.support.totals",
    "tests.support.served_way",
]


@pytest.fixture(scope="session")
def django_db_keepdb(request: pytest.FixtureRequest) -> bool:
    """Of servers of its own nothing is left: a database that is there was made for this process."""
    return has_own_postgresql() or bool(request.config.getoption("reuse_db"))


@pytest.fixture(scope="session")
def django_db_setup(
    migrated_database: None, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """The servers run, and the test database is there."""
    with django_db_blocker.unblock():
        keep_migrated_database()
        tables.remember_kept_rows()
    tables.install()


@pytest.fixture(scope="session")
def live_server_is_for_tests(django_db_setup: None) -> None:
    """Tests empty the live store: refuse one that holds somebody's lessons."""
    live_store.refuse_one_in_use()


@pytest.fixture(autouse=True)
def empty_live_store(live_server_is_for_tests: None) -> None:
    forget_everything()
    cache.clear()


@pytest.fixture(scope="module", autouse=True)
def unmeasured_victims(request: pytest.FixtureRequest) -> Iterator[None]:
    """Processes that are killed leave damaged files of coverage: those tests have none measured."""
    with pytest.MonkeyPatch.context() as patch:
        if request.node.nodeid.startswith(("tests/acceptance/", "tests/faults/")):
            patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        yield


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    """A password is hashed a million times in use; a suite with thousands of sign-ins need not."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def quick_static_files(settings: Any) -> None:
    """Each client has a site of its own, which would look for all files before its first page."""
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(autouse=True)
def nobodys_language() -> Iterator[None]:
    """A page leaves the language of its reader behind, in the thread that has served it."""
    yield
    translation.deactivate()
    timezone.deactivate()


@pytest.fixture(autouse=True)
def patient_codes(settings: Any) -> None:
    """A code of a second factor is right for half a minute, which may end while a test types it."""
    settings.MFA_TOTP_TOLERANCE = 1


@pytest.fixture
def teacher() -> Person:
    return Person("T-1", "Ayşe Yılmaz", Role.TEACHER)


@pytest.fixture
def other_teacher() -> Person:
    return Person("T-2", "Teacher 2", Role.TEACHER)


@pytest.fixture
def staff() -> Person:
    return Person("STAFF-1", "Staff 1", Role.STAFF)
