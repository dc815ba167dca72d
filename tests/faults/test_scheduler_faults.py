"""The scheduler of the site: many at one tick, threads that die, workers that come and go."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from tests.faults import patches
from tests.faults.processes import LEFT_TO_WORKERS, SITE, backlog, worker
from tests.faults.rig import Rig
from tests.faults.school import School
from tests.support.rig.servers import children_of
from tests.support.waiting import wait_until

TICKING = {**LEFT_TO_WORKERS, patches.TICK: "1"}


def count_of(rig: Rig, condition: str) -> int:
    """How many runs of the scheduler are so."""
    with rig.sql() as sql:
        row = sql.execute(
            "SELECT count(*) FROM attendance_persistencerun"
            f" WHERE trigger = 'scheduler' AND {condition}"
        ).fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def ticking(
    rig: Rig,
    seed: int,
    *,
    workers: int = 2,
    server: str = "gunicorn",
    env: Mapping[str, str] = TICKING,
) -> Iterator[School]:
    """A school whose lessons only the site's own schedulers store."""
    with (
        rig.site(app=SITE, scheduler=True, workers=workers, server=server, env=env) as site,
        closing(School(rig, site, seed)) as school,
    ):
        with school.at_work(workers=0) as load:
            yield school
            load.acknowledged(40)
            wait_until(lambda: count_of(rig, "inserted > 0"), "a run that stores")
        assert "Traceback" not in site.log.read_text()
    school.holds()


def test_six_schedulers_at_one_tick_store_each_mark_once(rig: Rig, seed: int) -> None:
    other = rig.site(app=SITE, scheduler=True, workers=3, env=TICKING)
    with other, ticking(rig, seed, workers=3):
        wait_until(lambda: count_of(rig, "finished_at IS NOT NULL") >= 18, "three ticks of six")


def test_a_finish_a_tick_and_a_command_at_once_store_each_mark_once(rig: Rig, seed: int) -> None:
    env = {patches.TICK: "1"}
    with (
        rig.site(app=SITE, scheduler=True, env=env) as site,
        closing(School(rig, site, seed)) as school,
        school.at_work(workers=0) as load,
    ):
        for _ in range(3):
            with worker(rig, "command") as command:
                backlog(school, lessons=2)
                assert command.child.wait(30) == 0
        load.acknowledged(20)
    school.holds()

    with rig.sql() as sql:
        triggers = sql.execute("SELECT DISTINCT trigger FROM attendance_persistencerun").fetchall()
    assert {"finish", "scheduler", "command"} <= {row[0] for row in triggers}


def test_a_scheduler_thread_that_dies_is_revived_by_the_next_request(rig: Rig, seed: int) -> None:
    with ticking(rig, seed, workers=1, env={**TICKING, patches.DIES: "1"}):
        # Each run is the last one of its thread.
        wait_until(lambda: count_of(rig, "finished_at IS NOT NULL") >= 3, "three threads")


def test_workers_recycled_faster_than_the_period_still_persist(rig: Rig, seed: int) -> None:
    # The period is a minute; a worker lives for about 40 requests.
    recycled = {"GUNICORN_CMD_ARGS": "--max-requests 40 --max-requests-jitter 10"}
    env = {**LEFT_TO_WORKERS, patches.FIRST: "0.2", **recycled}
    with ticking(rig, seed, server="gunicorn", env=env) as school:
        before = set(children_of(school.site.child.pid))
        wait_until(lambda: not before & set(children_of(school.site.child.pid)), "new workers")


def test_a_preloading_gunicorn_has_a_scheduler_in_each_worker(rig: Rig, seed: int) -> None:
    preloading = {"GUNICORN_CMD_ARGS": "--preload"}
    with ticking(rig, seed, server="gunicorn", env={**TICKING, **preloading}) as school:
        for pid in children_of(school.site.child.pid):
            # A worker that dies is replaced by another fork of the same master.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_a_worker_of_granian_that_is_killed_is_replaced_with_its_scheduler(
    rig: Rig, seed: int
) -> None:
    with ticking(rig, seed, server="granian") as school:
        before = set(children_of(school.site.child.pid))
        for pid in before:
            os.kill(pid, signal.SIGKILL)
            wait_until(
                lambda pid=pid: (
                    pid not in children_of(school.site.child.pid)  # type: ignore[misc]
                    and len(children_of(school.site.child.pid)) >= len(before)
                ),
                "a new worker",
            )


@pytest.mark.parametrize(("at_start", "then"), [("365", "0"), ("0", "365")], ids=["back", "ahead"])
def test_a_host_whose_clock_is_set_by_a_year_goes_on_with_its_scheduled_runs(
    at_start: str, then: str, rig: Rig, seed: int, tmp_path: Path
) -> None:
    days = tmp_path / "days"
    days.write_text(at_start)
    with ticking(rig, seed, env={**TICKING, patches.AHEAD: str(days)}):
        wait_until(lambda: count_of(rig, "finished_at IS NOT NULL") >= 4, "runs by the old clock")
        # A rename, so that no process reads half a file.
        days.with_suffix(".new").write_text(then)
        days.with_suffix(".new").rename(days)
        before = count_of(rig, "finished_at IS NOT NULL")
        wait_until(
            lambda: count_of(rig, "finished_at IS NOT NULL") >= before + 6, "runs by the new clock"
        )
