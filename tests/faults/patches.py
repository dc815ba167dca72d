"""What the processes of fault tests have otherwise than in production, by their environment.

FAULTS_CHUNK_LESSONS   lessons in one chunk: 1 makes every run one of two lanes
FAULTS_IDLE            a transaction may be idle for so long, and a statement last a second
FAULTS_LEAVE           finishing a lesson stores nothing: the workers have to
FAULTS_TICK            a run of the scheduler every second, in all processes at once
FAULTS_FIRST           seconds until a scheduler's first run
FAULTS_SLOW            seconds that a run stands still after each commit
FAULTS_DIES            the scheduler's thread ends after each run
FAULTS_AHEAD           a file with the days by which the scheduler's wall clock is ahead
"""

import os
import time
from datetime import UTC, timedelta
from pathlib import Path

CHUNK_LESSONS, IDLE, LEAVE, TICK, FIRST, SLOW, DIES, AHEAD = (
    f"FAULTS_{name}"
    for name in ("CHUNK_LESSONS", "IDLE", "LEAVE", "TICK", "FIRST", "SLOW", "DIES", "AHEAD")
)


def install() -> None:
    """Change this process. Call it after django.setup() and before the site is made."""
    from attendance.services.persistence import candidates, failpoints

    if CHUNK_LESSONS in os.environ:
        candidates.CHUNK_LESSONS = int(os.environ[CHUNK_LESSONS])
    if IDLE in os.environ:
        _end_idle_sessions(os.environ[IDLE])
    if LEAVE in os.environ:
        _leave_to_workers()
    if SLOW in os.environ:
        pause = float(os.environ[SLOW])
        failpoints.installed("committed", lambda ids: time.sleep(pause)).__enter__()
    _change_the_scheduler()


def _change_the_scheduler() -> None:
    if TICK in os.environ:
        _tick_every_second()
    if FIRST in os.environ:
        _run_first_after(float(os.environ[FIRST]))
    if DIES in os.environ:
        _let_the_scheduler_die()
    if AHEAD in os.environ:
        _move_the_wall_clock(Path(os.environ[AHEAD]))


def _end_idle_sessions(after: str) -> None:
    from django.db import connection

    from attendance.services.persistence import chunks

    bound = chunks._bound_this_transaction

    def bound_shorter() -> None:
        bound()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('idle_in_transaction_session_timeout', %s, true)", [after]
            )

    # In the middle of a COPY no timeout is looked at: there another run ends the session.
    chunks.claims.STATEMENT_SECONDS = 1
    chunks._bound_this_transaction = bound_shorter


def _leave_to_workers() -> None:
    from attendance.services import lessons

    # As where the caller has a transaction of its own.
    lessons._persist_now = lambda lesson_id: None


def _tick_every_second() -> None:
    from apscheduler.triggers.cron import CronTrigger

    from attendance import scheduler

    scheduler.FIRST_RUN_SECONDS = (0.05, 0.1)
    scheduler._trigger = lambda minutes, *, jitter: CronTrigger(second="*", timezone=UTC)


def _run_first_after(seconds: float) -> None:
    from attendance import scheduler

    scheduler.FIRST_RUN_SECONDS = (seconds, seconds)


def _move_the_wall_clock(days: Path) -> None:
    from tests.support import wall_clock

    wall_clock.moved(lambda: timedelta(days=float(days.read_text()))).__enter__()


def _let_the_scheduler_die() -> None:
    from attendance import scheduler

    tick = scheduler._tick

    def last_tick() -> None:
        tick()
        serving = scheduler._serving.scheduler
        if serving is not None:
            serving.shutdown(wait=False)

    scheduler._tick = last_tick
