"""Every commit of ATTN waits for the disk, on a server whose default is not to wait."""

import threading
from collections.abc import Iterator

import pytest
from django.core.checks import run_checks
from django.db import Error, connection
from pytest_django.fixtures import Settings

from attendance.selectors.health import database_state
from attendance.services.persistence import failpoints, unified_persistence_task
from attendance.services.persistence.candidates import RunOptions
from attendance.services.stores import durable_commits
from tests.support.lessons import ended_lesson, ended_lessons
from tests.support.processes import manage

pytestmark = pytest.mark.django_db(transaction=True)

SHOW = "SHOW synchronous_commit"
ASK = f"""
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("{SHOW}")
    print(cursor.fetchone())
"""


def setting() -> str:
    with connection.cursor() as cursor:
        cursor.execute(SHOW)
        return str(cursor.fetchone()[0])


def make_default(value: str | None) -> None:
    """What a session of this database begins with; the next one is opened when it is needed."""
    with connection.cursor() as cursor:
        name = connection.ops.quote_name(connection.settings_dict["NAME"])
        end = "RESET synchronous_commit" if value is None else f"SET synchronous_commit = {value}"
        cursor.execute(f"ALTER DATABASE {name} {end}")
        cursor.execute(f"ALTER ROLE current_user IN DATABASE {name} RESET synchronous_commit")
    connection.close()


@pytest.fixture
def lazy() -> Iterator[None]:
    make_default("off")
    yield
    make_default(None)


@pytest.mark.parametrize(
    ("default", "wanted"),
    [
        ("off", "on"),
        ("local", "on"),
        ("on", "on"),
        ("remote_write", "remote_write"),
        ("remote_apply", "remote_apply"),
    ],
)
def test_a_connection_is_raised_to_on_and_never_lowered(
    default: str, wanted: str, lazy: None
) -> None:
    make_default(default)

    assert setting() == wanted
    assert database_state().synchronous_commit == wanted


def test_a_command_has_it_too(lazy: None) -> None:
    name = connection.settings_dict["NAME"]
    url = f"postgresql://attn@{connection.settings_dict['HOST'].replace('/', '%2F')}/{name}"

    done = manage("shell", "--no-imports", "-c", ASK, env={"DATABASE_URL": url})

    assert "('on',)" in done.stdout, done.stderr


def test_the_lanes_of_a_run_have_it_in_connections_of_their_own(lazy: None) -> None:
    ended_lessons(6, students=3)
    seen: set[tuple[str, str]] = set()

    def look(claimed: object) -> None:
        seen.add((threading.current_thread().name, setting()))

    # After its commit nothing that held for the transaction alone is left.
    with failpoints.installed("committed", look):
        unified_persistence_task(options=RunOptions(chunk_records=3))

    assert {value for _, value in seen} == {"on"}
    assert threading.current_thread().name not in {name for name, _ in seen}


def test_the_persisting_transaction_raises_it_where_its_session_has_not(
    lazy: None, settings: Settings
) -> None:
    settings.DATABASE_POOLED = True
    ended_lesson(2)
    seen: list[str] = []

    with failpoints.installed("before_commit", lambda claimed: seen.append(setting())):
        unified_persistence_task()

    assert (seen, setting()) == (["on"], "off")


def test_a_connection_that_cannot_be_raised_is_not_used(
    lazy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(durable_commits, "RAISED", "1 / 0")
        for _ in range(2):
            with pytest.raises(Error):
                setting()


def test_a_connection_that_would_not_wait_is_told(lazy: None, settings: Settings) -> None:
    settings.DATABASE_POOLED = True

    assert {message.id for message in run_checks(tags=["servers"])} == {"attn.E021"}


def test_a_migration_makes_it_the_default_of_the_account(lazy: None, settings: Settings) -> None:
    settings.DATABASE_POOLED = True

    durable_commits.raise_for_role()

    connection.close()
    assert (setting(), database_state().synchronous_commit) == ("on", "on")


def test_a_stricter_default_of_the_account_stays(lazy: None, settings: Settings) -> None:
    settings.DATABASE_POOLED = True
    make_default("remote_apply")

    durable_commits.raise_for_role()

    connection.close()
    assert setting() == "remote_apply"
