"""The persistence task in the application's own life cycle.

One scheduler thread in each process that serves the site. Processes share the
work through the claims of the task, so nobody has to lead. `attn_project/wsgi.py`
calls `start_where_served()`; nothing else starts it, so `migrate`, `check` and
tests have none.

It wakes by the monotonic clock: one that was set back, after the start of a machine
that was a year ahead, would delay the next run by a year.
"""

import atexit
import logging
import os
import random
import threading
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, NamedTuple

from apscheduler.events import EVENT_ALL, EVENT_JOB_SUBMITTED, JobSubmissionEvent
from apscheduler.executors.base import BaseExecutor, run_job
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from django.conf import settings
from django.core.signals import request_started
from django.db import close_old_connections, connections
from django_apscheduler.jobstores import DjangoMemoryJobStore
from django_apscheduler.models import DjangoJob, DjangoJobExecution

from attendance.services import alarms
from attendance.services.persistence import Observer, unified_persistence_task
from attendance.services.persistence.candidates import RunOptions
from attendance.services.stores import words
from attendance.vocabulary import Trigger
from jobs import keeping
from reports import digest, totals, verifying
from reports.feed import thinning
from users import security_log
from users.services import clear_expired
from webhooks import keeping as webhooks

logger = logging.getLogger(__name__)

JOB_ID = "unified_persistence_task"
MINUTES_OF_AN_HOUR = 60
SECONDS_OF_A_MINUTE = 60
FIRST_RUN_SECONDS = (1.0, 5.0)
SECONDS_TO_STOP = 20.0
LONGEST_SLEEP_SECONDS = 5.0
LARGEST_STEP_SECONDS = 5.0
"""By how much the clock may move beside the monotonic one while the scheduler sleeps."""
EXECUTIONS_KEPT = timedelta(days=7)
LATE_AFTER_PERIODS = 3
"""A scheduler that has not run for longer is late."""


class SteadyScheduler(BackgroundScheduler):  # type: ignore[misc]
    """Never sleeps long, and plans its jobs anew where the clock was set."""

    _ahead = 0.0

    def start(self, *args: Any, **options: Any) -> None:
        self._ahead = _ahead_of_monotonic()
        super().start(*args, **options)

    def _process_jobs(self) -> float:
        before, self._ahead = self._ahead, _ahead_of_monotonic()
        if abs(self._ahead - before) > LARGEST_STEP_SECONDS:
            logger.warning("The clock was set by %d seconds: run soon", self._ahead - before)
            for job in self.get_jobs():
                job.modify(next_run_time=_soon())
        seconds: float | None = super()._process_jobs()
        return LONGEST_SLEEP_SECONDS if seconds is None else min(seconds, LONGEST_SLEEP_SECONDS)


def _ahead_of_monotonic() -> float:
    return datetime.now(UTC).timestamp() - monotonic()


def _soon() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=random.uniform(*FIRST_RUN_SECONDS))  # noqa: S311


class DaemonExecutor(BaseExecutor):  # type: ignore[misc]
    """Runs the job in a daemon thread.

    The library's pool is joined before any exit handler runs, so a run could
    not be told to stop between two chunks.
    """

    thread: threading.Thread | None = None

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        def work() -> None:
            try:
                events = run_job(job, job._jobstore_alias, run_times, self._logger.name)
            except BaseException as error:  # noqa: BLE001 - handed on to the scheduler
                self._run_job_error(job.id, error, error.__traceback__)
            else:
                self._run_job_success(job.id, events)

        self.thread = threading.Thread(target=work, name=JOB_ID, daemon=True)
        self.thread.start()


class _Serving:
    """The scheduler of this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.is_wanted = False
        self.scheduler: BackgroundScheduler | None = None
        self.ran_at = monotonic()
        """When a run began, went on or ended, or this process began to serve."""
        self.executor: DaemonExecutor | None = None

    def is_alive(self) -> bool:
        thread = getattr(self.scheduler, "_thread", None)
        return thread is not None and thread.is_alive()

    def start(self) -> None:
        with self.lock:
            if self.is_wanted and not self.is_alive():
                self.stopping.clear()
                self.executor = DaemonExecutor()
                self.scheduler = _make_scheduler(self.executor)
                self.scheduler.start()
                # After the library's own listeners: they leave connections open.
                self.scheduler.add_listener(_close_connections, EVENT_ALL)

    def stop(self) -> None:
        with self.lock:
            self.stopping.set()
            scheduler, self.scheduler = self.scheduler, None
            if scheduler is not None and scheduler.running:
                scheduler.shutdown(wait=False)
            thread = self.executor.thread if self.executor else None
            if thread is not None and thread is not threading.current_thread():
                thread.join(SECONDS_TO_STOP)

    def should_stop(self) -> bool:
        """Asked by a run between two chunks."""
        self.ran_at = monotonic()
        return self.stopping.is_set()


_serving = _Serving()


def start_where_served() -> None:
    """Start the scheduler of a process that serves the site, unless it is switched off.

    A master that forks its workers is left without one, and each worker gets
    its own before its first request. A dead thread is revived by a request.
    """
    if settings.SCHEDULER == "off" or _serving.is_wanted:
        return
    _serving.is_wanted = True
    _serving.ran_at = monotonic()
    os.register_at_fork(before=_serving.stop, after_in_child=_start_in_child)
    atexit.register(_serving.stop)
    request_started.connect(_revive, dispatch_uid=JOB_ID)
    _serving.start()


def is_wanted() -> bool:
    """Whether this process serves the site and should have a scheduler."""
    return _serving.is_wanted


def is_alive() -> bool:
    """Whether this process has a living scheduler thread."""
    return _serving.is_alive()


class _Elsewhere:
    """The schedulers of other processes, by what they write down: no clock is compared."""

    known: datetime | None = None
    has_looked = False
    changed_at: float | None = None

    def age_seconds(self) -> float | None:
        """Since this process saw that another one has run; None where it never did."""
        rows = DjangoJob.objects.filter(id=JOB_ID)
        told = rows.values_list("next_run_time", flat=True).first()
        if self.has_looked and told != self.known:
            self.changed_at = monotonic()
        self.known, self.has_looked = told, True
        return None if self.changed_at is None else monotonic() - self.changed_at


_elsewhere = _Elsewhere()


class SchedulerState(NamedTuple):
    """What the scheduler of this process does, or of those beside it where this one has none."""

    is_wanted: bool
    is_alive: bool
    age_seconds: float | None
    """Since a run began, went on or ended, by the monotonic clock; None where nobody knows."""

    @property
    def is_late(self) -> bool:
        """Whether it should have run, and did not: no request revives a thread that hangs."""
        period = settings.PERSIST_MINUTES * SECONDS_OF_A_MINUTE
        return self.age_seconds is not None and self.age_seconds > LATE_AFTER_PERIODS * period


def state() -> SchedulerState:
    """What the scheduler does, for /readyz. Raises django.db.Error in a process without one."""
    age = monotonic() - _serving.ran_at if is_wanted() else _elsewhere.age_seconds()
    return SchedulerState(is_wanted(), is_alive(), age)


def _start_in_child() -> None:
    # The thread that held the lock in the parent does not exist here.
    _serving.lock = threading.Lock()
    _serving.scheduler = None
    _serving.executor = None
    _serving.ran_at = monotonic()
    _serving.start()


def _revive(**kwargs: Any) -> None:
    if not _serving.is_alive():
        _serving.start()


def _make_scheduler(executor: DaemonExecutor) -> BackgroundScheduler:
    period = timedelta(minutes=settings.PERSIST_MINUTES)
    scheduler = SteadyScheduler(timezone=UTC, executors={"default": executor})
    scheduler.add_jobstore(DjangoMemoryJobStore(), "default")
    # Before the library's own listeners: their rows point to this one.
    scheduler.add_listener(_enter_job, EVENT_JOB_SUBMITTED)
    scheduler.add_job(
        _tick,
        _trigger(settings.PERSIST_MINUTES, jitter=int(period.total_seconds() * 0.1)),
        id=JOB_ID,
        name=JOB_ID,
        next_run_time=_soon(),
        max_instances=1,
        coalesce=True,
        misfire_grace_time=int(period.total_seconds() * 0.8),
    )
    return scheduler


def _trigger(minutes: int, *, jitter: int) -> CronTrigger:
    # A fixed minute, not an interval: workers that are recycled faster than the
    # interval would never come to their first run.
    minute = f"*/{minutes}" if minutes < MINUTES_OF_AN_HOUR else "0"
    return CronTrigger(minute=minute, timezone=UTC, jitter=jitter)


def _tick() -> None:
    """One scheduled run. It never raises: the library's log breaks on long texts."""
    close_old_connections()
    _serving.ran_at = monotonic()
    try:
        report = unified_persistence_task(
            options=RunOptions(trigger=Trigger.SCHEDULER),
            observer=Observer(should_stop=_serving.should_stop),
        )
        if report.totals.lessons or report.unavailable:
            outcomes = ", ".join(f"{n} {outcome}" for outcome, n in report.totals.outcomes.items())
            logger.info("Persistence run: %s. %s", outcomes or "nothing", report.unavailable)
        alarms.look()
        _remove_old_executions()
        clear_expired()
        security_log.remove_old(now=datetime.now(UTC))
        keeping.remove_old(now=datetime.now(UTC))
        webhooks.remove_old(now=datetime.now(UTC))
        _once_a_day()
        totals.judge_by_the_clock(at=datetime.now(UTC))
        digest.enqueue_daily(at=datetime.now(UTC))
    except Exception:
        logger.exception("The scheduled persistence run failed")
    finally:
        _serving.ran_at = monotonic()
        connections.close_all()


def _once_a_day() -> None:
    """Once a day, in one of the processes; what is wrong is an alarm of the next run."""
    found = verifying.verify_daily(now=datetime.now(UTC))
    if found is None:
        return
    if found.wrong:
        logger.error("%d of %d totals are wrong", len(found.wrong), found.pairs)
    thinning.remove_superseded()
    words.remove_known()


def _remove_old_executions() -> None:
    """The library writes a row for each tick, and removes none."""
    old = datetime.now(UTC) - EXECUTIONS_KEPT
    DjangoJobExecution.objects.filter(run_time__lt=old).delete()


def _enter_job(event: JobSubmissionEvent) -> None:
    scheduler = _serving.scheduler
    job = scheduler.get_job(event.job_id) if scheduler else None
    # While the process stops, the scheduler knows its jobs no more. Another
    # process may have told the next run meanwhile: that stays.
    next_run = {"next_run_time": job.next_run_time} if job else {}
    DjangoJob.objects.update_or_create(id=event.job_id, defaults=next_run)


def _close_connections(event: object) -> None:
    connections.close_all()
