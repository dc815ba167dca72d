"""How each alarm comes on, on real servers where they can be brought to it, and ends."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import redis
from django.conf import settings
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone
from redis.backoff import NoBackoff
from redis.retry import Retry

from attendance import scheduler
from attendance.live import client as live
from attendance.live import health as live_health
from attendance.live import keys
from attendance.models import KnownSite, LessonLedger, QuarantinedPayload
from attendance.selectors import health
from attendance.services.stores.sites import find_sites, settle_disagreement
from attendance.vocabulary import LessonState
from jobs.models import Job
from reports.models import TotalsCheck
from tests.support.callers import account
from tests.support.factories import LessonLedgerFactory, QuarantinedPayloadFactory
from users.identity import Person

Scene = Callable[[], AbstractContextManager[Any]]


@contextmanager
def live_setting(name: str, value: str) -> Iterator[None]:
    # The last one: in a cluster each server counts.
    server = live.servers()[-1]
    before: Any = server.config_get(name)
    server.config_set(name, value)
    try:
        yield
    finally:
        server.config_set(name, before[name])


@contextmanager
def live_rule(off: str, on: str) -> Iterator[None]:
    """What the account of the site may not ask the live store."""
    server = live.servers()[-1]
    server.execute_command("ACL", "SETUSER", "default", off)
    try:
        yield
    finally:
        server.execute_command("ACL", "SETUSER", "default", on)


@contextmanager
def patched(target: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(target, name)
    setattr(target, name, value)
    try:
        yield
    finally:
        setattr(target, name, before)


def live_state(**changes: Any) -> AbstractContextManager[None]:
    """For what no server can be brought to say."""
    real = live_health.live_states
    return patched(
        live_health, "live_states", lambda: [state._replace(**changes) for state in real()]
    )


def dead_live_store() -> AbstractContextManager[None]:
    dead = redis.Redis(unix_socket_path="/nowhere", retry=Retry(NoBackoff(), 0))
    return patched(live, "connection", lambda: dead)


@contextmanager
def dead_postgresql() -> Iterator[None]:
    before = connection.settings_dict["HOST"]
    connection.close()
    connection.settings_dict["HOST"] = f"/nowhere/{uuid4()}"
    try:
        yield
    finally:
        connection.settings_dict["HOST"] = before
        connection.close()


@contextmanager
def postgresql_setting(name: str, value: str) -> Iterator[None]:
    """ALTER SYSTEM and a reload, and back."""
    _alter(f"SET {name} = {value}", name, value)
    try:
        yield
    finally:
        _alter(f"RESET {name}", name, "on")


def _alter(change: str, name: str, wanted: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER SYSTEM {change}")
        cursor.execute("SELECT pg_reload_conf()")
        until = time.monotonic() + 10
        found = ""
        while found != wanted and time.monotonic() < until:
            cursor.execute(f"SHOW {name}")
            (found,) = cursor.fetchone()
        assert found == wanted


@contextmanager
def session_commits(value: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"SET synchronous_commit = {value}")
    try:
        yield
    finally:
        connection.close()


@contextmanager
def ledger(**values: Any) -> Iterator[LessonLedger]:
    row: Any = LessonLedgerFactory(lesson_name="Secret lesson", **values)
    yield row
    LessonLedger.objects.filter(pk=row.pk).update(
        state=LessonState.DISCARDED, last_error="", attempts=0
    )


@contextmanager
def payload() -> Iterator[QuarantinedPayload]:
    row: Any = QuarantinedPayloadFactory()
    LessonLedgerFactory(
        lesson_id=row.lesson_id, lesson_name="Secret lesson", state=LessonState.DISCARDED
    )
    yield row
    QuarantinedPayload.objects.filter(lesson_id=row.lesson_id).update(
        state="discarded",
        settled_at=timezone.now(),
        settled_by=QuarantinedPayloadFactory(settled=True, state="discarded").settled_by,
    )


@contextmanager
def stopped_scheduler() -> Iterator[None]:
    with (
        patched(scheduler, "is_wanted", lambda: True),
        patched(scheduler, "is_alive", lambda: False),
    ):
        yield


def standby() -> AbstractContextManager[None]:
    real = health.database_state
    return patched(health, "database_state", lambda: real()._replace(is_standby=True))


def _late() -> AbstractContextManager[LessonLedger]:
    return ledger(ends_at=timezone.now() - timedelta(minutes=20))


def _no_folder() -> AbstractContextManager[Any]:
    return override_settings(EVIDENCE_FOLDER=str(Path(settings.BASE_DIR, "manage.py")))


@contextmanager
def _late_job() -> Iterator[None]:
    job = Job.objects.create(kind="a.b", enqueued_at=timezone.now() - timedelta(minutes=20))
    try:
        yield
    finally:
        job.delete()


@contextmanager
def another_site() -> Iterator[None]:
    find_sites()
    live.connection().hset(keys.SITE, "id", str(uuid4()))
    try:
        yield
    finally:
        live.connection().delete(keys.SITE)


@contextmanager
def older_store() -> Iterator[None]:
    find_sites()
    rows = KnownSite.objects.filter(is_own=True)
    rows.update(disagreement="Redis is older.", disagreed_at=timezone.now())
    yield
    settle_disagreement()


@contextmanager
def incomplete() -> Iterator[LessonLedger]:
    with ledger(state=LessonState.PERSISTED, incomplete_since=timezone.now()) as row:
        LessonLedger.objects.filter(pk=row.pk).update(last_error="incomplete: 1 records")
        yield row
    LessonLedger.objects.filter(pk=row.pk).update(incomplete_since=None)


@contextmanager
def totals_check(days_ago: int = 0, **found: int) -> Iterator[TotalsCheck]:
    at = timezone.now() - timedelta(days=days_ago)
    row = TotalsCheck.objects.create(checked_at=at, seconds=1, **{"pairs": 9, "wrong": 0, **found})
    yield row
    row.delete()


def late_scheduler() -> AbstractContextManager[None]:
    state = scheduler.SchedulerState(is_wanted=False, is_alive=False, age_seconds=1e6)
    return patched(scheduler, "state", lambda: state)


SCENES: dict[str, Scene] = {
    "live_store_clock_wrong": lambda: live_state(now_ms=0),
    "foreign_site": another_site,
    "stores_disagree": older_store,
    "lesson_incomplete": incomplete,
    "scheduler_late": late_scheduler,
    "live_store_unreachable": dead_live_store,
    "live_store_evicts": lambda: live_setting("maxmemory-policy", "allkeys-lru"),
    "live_store_keeps_nothing": lambda: live_setting("appendonly", "no"),
    "live_store_write_failed": lambda: live_state(last_write="err"),
    "live_store_slots_missing": lambda: live_state(cluster="fail, 7 of 16384 slots"),
    "live_store_syncs_late": lambda: live_setting("appendfsync", "everysec"),
    "live_store_pauses_syncs": lambda: live_setting("no-appendfsync-on-rewrite", "yes"),
    "live_store_tells_nothing": lambda: live_rule("-config|get", "+config|get"),
    "postgresql_unreachable": dead_postgresql,
    "postgresql_standby": standby,
    "postgresql_fsync_off": lambda: postgresql_setting("fsync", "off"),
    "postgresql_pages_tear": lambda: postgresql_setting("full_page_writes", "off"),
    "postgresql_commits_early": lambda: session_commits("off"),
    "migrations_missing": lambda: patched(health, "missing_migrations", lambda: ["x.0009_y"]),
    "lesson_late": _late,
    "lesson_lost": lambda: ledger(state=LessonState.LOST),
    "lesson_unreadable": lambda: ledger(state=LessonState.QUARANTINED, last_error="5 counted"),
    "lesson_rewound": lambda: ledger(state=LessonState.DISCARDED, last_error="rewound: older"),
    "lesson_failed": lambda: ledger(state=LessonState.FAILED, last_error="Error 55P03: locked"),
    "quarantine_open": payload,
    "totals_wrong": lambda: totals_check(wrong=3, repaired=1),
    "totals_unverified": lambda: totals_check(days_ago=3),
    "scheduler_stopped": stopped_scheduler,
    "evidence_not_kept": _no_folder,
    "jobs_late": _late_job,
}


def ready() -> tuple[int, Any]:
    """Status and body of /readyz."""
    answer = Client().get("/readyz", secure=True)
    return answer.status_code, answer.json()


def told(code: str) -> Any:
    """What /readyz says of one kind of alarm, or None."""
    return next((each for each in ready()[1]["alarms"] if each["code"] == code), None)


def browser_of(person: Person) -> Client:
    client = Client()
    client.force_login(account(person), "users.backends.AccountBackend")
    return client


def page_of(answer: Any) -> str:
    """Its text, with single spaces."""
    return " ".join(answer.content.decode().split())
