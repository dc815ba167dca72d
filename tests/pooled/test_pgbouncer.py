"""PgBouncer with transaction pooling: what ATTN does in it, and what its setting is for."""

import gc
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.db.utils import ProgrammingError
from django.test import Client
from pytest_django.fixtures import Settings

from attendance.models import AttendanceRecord, LessonLedger
from attendance.selectors.health import database_state
from attendance.services.persistence import failpoints, unified_persistence_task
from attendance.services.stores import durable_commits
from attendance.vocabulary import LessonState
from tests.pooled.bouncer import POOL, Bouncer
from tests.support.factories import UserFactory
from tests.support.lessons import ended_lesson, ended_lessons
from tests.support.processes import environment
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

SERVED = "test_a_lesson_that_waits_is_persisted_as_soon_as_the_site_is_live"
MODULES = (
    *("tests/integration/test_persistence.py", "tests/integration/test_steps.py"),
    *("tests/integration/test_many_processes.py", "tests/faults/test_kills.py"),
    # A site, as it is served, and its API.
    *(f"tests/acceptance/test_scheduler.py::{SERVED}", "tests/api/test_lessons.py"),
)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_what_holds_at_postgresql_holds_behind_a_pooler(pooled: Bouncer) -> None:
    url = f"postgresql://{connection.settings_dict['USER']}@127.0.0.1:{pooled.port}/attn_pooled"

    done = subprocess.run(
        [
            # The pooler keeps connections to the database, so it is dropped below.
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *(
                "--create-db",
                "--reuse-db",
                "-k",
                "not granian and not runserver and not each_worker",
                *MODULES,
            ),
        ],
        cwd=django_settings.BASE_DIR,
        env=environment(DATABASE_URL=url, ATTN_DATABASE_POOLED="true"),
        capture_output=True,
        text=True,
        check=False,
    )
    with connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS test_attn_pooled WITH (FORCE)")

    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


@contextmanager
def others_in_transactions(pooled: Bouncer, count: int) -> Iterator[list[psycopg.Connection]]:
    """Other clients, each of whom holds a server connection by an open transaction."""
    at = connection.settings_dict
    with ExitStack() as stack:
        found = []
        for _ in range(count):
            other = psycopg.connect(
                host="127.0.0.1", port=pooled.port, user=at["USER"], dbname=at["NAME"]
            )
            stack.enter_context(closing(other))
            # Whoever leaves in the middle of a transaction takes the server connection along.
            stack.callback(other.rollback)
            other.execute("SELECT 1")
            found.append(other)
        yield found


def test_a_probe_leaves_no_limit_behind_for_the_next(pooled: Bouncer, client: Client) -> None:
    with ExitStack() as others:
        left = iter(range(POOL - 2))

        def take_turns(execute: Any, *args: Any) -> Any:
            # After each statement, somebody else has the server connection that is free.
            done = execute(*args)
            if next(left, None) is not None:
                others.enter_context(others_in_transactions(pooled, 1))
            return done

        with connection.execute_wrapper(take_turns):
            assert client.get("/readyz", secure=True).status_code == 200

    with others_in_transactions(pooled, POOL) as everybody:
        limits = [other.execute("SHOW statement_timeout").fetchone() for other in everybody]
    assert limits == [("0",)] * POOL


# psycopg sees that the cursor, which nobody knows any more, was not closed.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("is_told", [False, True])
def test_rows_that_are_read_in_pieces_need_the_setting(pooled: Bouncer, is_told: bool) -> None:
    UserFactory.create_batch(30)
    connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] = is_told

    assert read_in_pieces(pooled) == ("" if is_told else "does not exist")

    gc.collect()


def read_in_pieces(pooled: Bouncer) -> str:
    rows = User.objects.order_by("pk").iterator(chunk_size=10)
    next(rows)
    # The server connection that knows the cursor is somebody else's now.
    with others_in_transactions(pooled, POOL - 1):
        try:
            assert len(list(rows)) == 29
        except (ProgrammingError, psycopg.Error) as error:
            return str(error).strip()[-len("does not exist") :]
    return ""


@pytest.mark.parametrize("step", ["rows_written", "before_commit", "committed"])
def test_a_pooler_that_dies_ends_the_run_and_the_next_completes_it(
    pooled: Bouncer, step: str
) -> None:
    lessons = ended_lessons(3)

    with failpoints.installed(step, lambda claimed: pooled.kill()):
        report = unified_persistence_task()
    assert report.exit_status == 75
    pooled.start()
    report = unified_persistence_task()

    assert (report.exit_status, report.sums_agree) == (0, True)
    assert AttendanceRecord.objects.count() == 9
    states = LessonLedger.objects.filter(pk__in=[lesson.id for lesson in lessons])
    assert {row.state for row in states} == {LessonState.DISCARDED}


def test_a_claim_is_gone_with_its_transaction_and_not_with_its_session(pooled: Bouncer) -> None:
    lesson = ended_lesson(2)

    unified_persistence_task()

    with others_in_transactions(pooled, POOL) as everybody:
        held = everybody[0].execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        assert held.fetchone() == (0,)
    assert LessonLedger.objects.get(pk=lesson.id).state == LessonState.DISCARDED


def test_a_pooled_commit_waits_for_the_disk_by_the_default_of_the_account(
    pooled: Bouncer, settings: Settings
) -> None:
    settings.DATABASE_POOLED = True
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    try:
        _open_anew(pooled)
        assert (database_state().synchronous_commit, _commits(pooled)) == ("off", {"off"})

        durable_commits.raise_for_role()

        _open_anew(pooled)
        assert (database_state().synchronous_commit, _commits(pooled)) == ("on", {"on"})
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {name} RESET synchronous_commit")
            cursor.execute(f"ALTER ROLE current_user IN DATABASE {name} RESET synchronous_commit")


def _open_anew(pooled: Bouncer) -> None:
    """What the pooler has open keeps the default that it began with."""
    connection.close()
    pooled.kill()
    pooled.start()


def _commits(pooled: Bouncer) -> set[str]:
    """What each connection of the pool has."""
    with others_in_transactions(pooled, POOL - 1) as everybody:
        found = [other.execute("SHOW synchronous_commit").fetchone() for other in everybody]
    return {str(row[0]) for row in found if row}
