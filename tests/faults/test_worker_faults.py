"""Workers that die, stand still and are told to stop, in one lane and in two."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from attendance.services.persistence import failpoints
from tests.faults import patches
from tests.faults.processes import (
    LEFT_TO_WORKERS,
    SITE,
    TWO_LANES,
    Process,
    backlog,
    is_left,
    worker,
)
from tests.faults.rig import NOTHING, Rig, Site
from tests.faults.school import School
from tests.support.rig.servers import children_of
from tests.support.waiting import wait_until

LANES = pytest.mark.parametrize("env", [NOTHING, TWO_LANES], ids=["one lane", "two lanes"])
BEFORE_THE_COMMIT = failpoints.STEPS[: failpoints.STEPS.index("committed")]
IDLE = {patches.IDLE: "700ms"}


@pytest.fixture(scope="module")
def site(shared_rig: Rig) -> Iterator[Site]:
    """A site that leaves every lesson to the workers."""
    with shared_rig.site(app=SITE, env=LEFT_TO_WORKERS) as served:
        yield served


@LANES
@pytest.mark.parametrize("step", failpoints.STEPS)
def test_a_worker_killed_at_any_step_under_load_loses_nothing(
    step: str, env: dict[str, str], school: School
) -> None:
    with school.at_work(workers=0) as load:
        desks = backlog(school)
        with worker(school.rig, "die", step, env=env) as victim:
            assert victim.child.wait(30) == -signal.SIGKILL
        # The claims of a dead process are free at once.
        with worker(school.rig, "loop", "0.05", env=env):
            wait_until(lambda: not any(is_left(school, desk) for desk in desks), "a next run")
            load.acknowledged(10)

    school.holds()


@LANES
@pytest.mark.parametrize("step", failpoints.STEPS)
def test_a_worker_that_stood_still_undoes_and_doubles_nothing(
    step: str, env: dict[str, str], school: School
) -> None:
    desks = backlog(school)
    with worker(school.rig, "pause", step, env={**env, **IDLE}) as sleeper:
        wait_until(sleeper.is_stopped, "the pause")
        # Somebody else does what it holds, once PostgreSQL or they have ended its session.
        with worker(school.rig, "loop", "0.1", env=IDLE):
            wait_until(lambda: not any(is_left(school, each) for each in desks), "another run")
        for desk in desks:
            desk.correct_somebody()
        sleeper.send(signal.SIGCONT)
        wait_until(lambda: len(sleeper.reports()) > 1, "two more reports")

    first, second = sleeper.reports()[:2]
    # After the commit nothing is open, unless in the other lane.
    if step in BEFORE_THE_COMMIT:
        assert first["unavailable"].startswith("PostgreSQL: ")
    elif not env:
        assert first["unavailable"] == ""
    assert second["unavailable"] == ""
    school.holds()


@pytest.mark.parametrize("step", failpoints.STEPS)
def test_a_correction_over_http_at_any_step_of_a_worker_is_the_newest_word(
    step: str, school: School
) -> None:
    (desk,) = backlog(school, lessons=1)
    with worker(school.rig, "pause", step) as sleeper:
        wait_until(sleeper.is_stopped, "the pause")
        desk.correct_somebody()
        desk.correct_somebody()
        sleeper.send(signal.SIGCONT)
        wait_until(lambda: not is_left(school, desk), "its next run")

    assert not school.journal.given_up
    school.holds()


def test_six_workers_killed_at_random_lose_and_double_nothing(school: School) -> None:
    with school.at_work(workers=0) as load, ExitStack() as stack:
        alive = [_looping(school.rig, stack) for _ in range(6)]
        for _ in range(10):
            time.sleep(school.chance.uniform(0.05, 0.5))
            victim = alive.pop(school.chance.randrange(len(alive)))
            with contextlib.suppress(ProcessLookupError):
                victim.send(signal.SIGKILL)
            alive.append(_looping(school.rig, stack))
            load.acknowledged(3)

    school.holds()


def _looping(rig: Rig, stack: ExitStack) -> Process:
    return stack.enter_context(worker(rig, "loop", "0", env=TWO_LANES))


@LANES
def test_a_command_that_is_told_to_stop_in_mid_run_leaves_the_rest(
    env: dict[str, str], school: School
) -> None:
    with school.at_work(workers=0):
        desks = backlog(school)
        # Long enough that the signal comes while the command is at work, however slow the machine.
        with worker(school.rig, "command", env={**env, patches.SLOW: "3"}) as command:
            wait_until(lambda: _stored(school.rig), "a first chunk")
            command.send(signal.SIGTERM)
            # With one chunk the signal may find a command that has done its work, and is leaving.
            wanted = {130} if env else {0, 130, -signal.SIGTERM}
            assert command.child.wait(30) in wanted
        assert not env or any(is_left(school, desk) for desk in desks)

    school.holds()


def test_a_site_that_is_told_to_stop_in_mid_run_closes_its_books(rig: Rig, seed: int) -> None:
    env = {**LEFT_TO_WORKERS, **TWO_LANES, patches.TICK: "1", patches.SLOW: "0.2"}
    with (
        rig.site(app=SITE, scheduler=True, env=env) as site,
        closing(School(rig, site, seed)) as school,
        school.at_work(workers=0) as load,
    ):
        for _ in range(3):
            backlog(school, lessons=2)
            for pid in children_of(site.child.pid):
                os.kill(pid, signal.SIGTERM)
            load.acknowledged(20)
    school.holds()
    _every_book_is_closed(rig)


def _runs(rig: Rig) -> tuple[int, int]:
    """How many runs of the schedulers are open, and how many have stored something."""
    with rig.sql() as sql:
        row = sql.execute(
            "SELECT count(*) FILTER (WHERE finished_at IS NULL),"
            " count(*) FILTER (WHERE inserted > 0)"
            " FROM attendance_persistencerun WHERE trigger = 'scheduler'"
        ).fetchone()
    assert row is not None
    return row[0], row[1]


def _every_book_is_closed(rig: Rig) -> None:
    still_open, useful = _runs(rig)
    assert still_open == 0
    assert useful > 0


def _stored(rig: Rig) -> bool:
    with rig.sql() as sql:
        return bool(sql.execute("SELECT 1 FROM attendance_attendance LIMIT 1").fetchall())
