"""System checks, /healthz and /readyz."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.conf import settings as django_settings
from django.core.checks import run_checks
from django.db import connection, connections, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from attendance.live import client as live
from attendance.selectors import health as books
from attendance.vocabulary import LessonState
from attendance.web import health
from tests.support.factories import LessonLedgerFactory
from tests.support.processes import DEAD_DATABASE, DEAD_REDIS, manage

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def rolled_back() -> Iterator[None]:
    """For what no later test may find."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def ids() -> set[str]:
    return {message.id or "" for message in run_checks() if (message.id or "").startswith("attn")}


def set_live(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The last one: in a cluster each server counts.
    server = live.servers()[-1]
    restores.append((server, name, server.config_get(name)[name]))
    server.config_set(name, value)


restores: list[tuple[redis.Redis, str, Any]] = []


@pytest.fixture(autouse=True)
def restored() -> Any:
    yield
    while restores:
        server, name, before = restores.pop()
        server.config_set(name, before)


def test_servers_that_are_set_right_need_no_word() -> None:
    assert ids() == set()


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("maxmemory-policy", "allkeys-lru", "attn.E011"),
        ("appendfsync", "everysec", "attn.W012"),
        ("appendonly", "no", "attn.E012"),
    ],
)
def test_a_live_store_that_could_forget_is_told(
    name: str, value: str, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_live(name, value, monkeypatch)

    assert ids() == {wanted}


def test_a_cache_that_shares_the_live_database_is_refused(settings: Settings) -> None:
    shared = {**django_settings.CACHES["default"], "LOCATION": settings.CACHES["live"]["LOCATION"]}
    settings.CACHES = {**settings.CACHES, "default": shared}

    assert "attn.E010" in ids()


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("PERSIST_MINUTES", 7, "attn.E001"),
        ("PERSIST_MINUTES", 0, "attn.E001"),
        ("DISCARD_AFTER_MINUTES", -1, "attn.E002"),
        ("EVIDENCE_DAYS", 0, "attn.E005"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    name: str, value: int, wanted: str, settings: Settings
) -> None:
    setattr(settings, name, value)

    assert ids() == {wanted}


def test_a_folder_in_which_no_file_can_be_kept_is_refused(
    settings: Settings, tmp_path: Path
) -> None:
    settings.EVIDENCE_FOLDER = str(tmp_path / "evidence")
    assert ids() == set()
    assert list((tmp_path / "evidence").iterdir()) == []
    (tmp_path / "file").touch()
    settings.EVIDENCE_FOLDER = str(tmp_path / "file" / "evidence")
    assert ids() == {"attn.E004"}


def test_atomic_requests_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(django_settings.DATABASES["default"], "ATOMIC_REQUESTS", True)

    assert "attn.E003" in ids()


@pytest.mark.parametrize(
    ("gone", "wanted"),
    [({"REDIS_URL": DEAD_REDIS}, "attn.W010"), ({"DATABASE_URL": DEAD_DATABASE}, "attn.W020")],
)
def test_a_server_that_is_down_is_a_warning_not_a_crash(gone: dict[str, str], wanted: str) -> None:
    done = manage("check", env=gone)

    assert done.returncode == 0
    assert wanted in done.stderr
    assert "Traceback" not in done.stderr


def test_the_deployment_check_is_clean_with_production_settings() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", env={"ATTN_HTTPS": "true"})

    assert done.returncode == 0, done.stderr


def test_missing_migrations_are_told(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    monkeypatch.setattr(books, "missing_migrations", lambda: ["attendance.0009_x"])

    assert ids() == {"attn.W022"}
    assert client.get("/readyz", secure=True).status_code == 503


def test_a_migration_that_was_not_run_is_missing() -> None:
    assert books.missing_migrations() == []
    of_jobs = MigrationRecorder.Migration.objects.filter(app="jobs")
    *_, newest = sorted(of_jobs.values_list("name", flat=True))

    with rolled_back():
        of_jobs.filter(name=newest).delete()

        assert books.missing_migrations() == [f"jobs.{newest}"]


def test_one_migration_may_stand_for_several(monkeypatch: pytest.MonkeyPatch) -> None:
    run = set(MigrationRecorder(connection).applied_migrations())
    squashed = (("jobs", "0001_to_0009"), frozenset(run))
    of_nothing_that_ran = (("jobs", "0010_to_0011"), frozenset({("jobs", "0010"), *run}))
    release = [squashed, of_nothing_that_ran]
    monkeypatch.setattr(books, "_migrations_of_this_release", lambda: release)

    assert books.missing_migrations() == ["jobs.0010_to_0011"]


def test_ready_says_each_part(client: Client) -> None:
    answer = client.get("/readyz", secure=True)

    told = answer.json()
    assert (answer.status_code, told["status"]) == (200, "ok")
    assert told["lessons"]["oldest_waiting_seconds"] == 0
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_needs_no_tls_and_changes_nothing(path: str, client: Client) -> None:
    assert client.get(path).status_code == 200
    assert client.post(path).status_code == 405


@pytest.mark.parametrize("state", [LessonState.LOST, LessonState.QUARANTINED, LessonState.FAILED])
def test_a_lesson_that_needs_a_person_is_an_alarm(state: LessonState, client: Client) -> None:
    LessonLedgerFactory(state=state)

    answer = client.get("/readyz", secure=True)

    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["lessons"][state.value] == 1


def test_a_lesson_that_waits_too_long_is_an_alarm(client: Client) -> None:
    LessonLedgerFactory(ends_at=timezone.now() - timedelta(minutes=16))

    told = client.get("/readyz", secure=True).json()

    assert told["status"] == "degraded"
    assert told["lessons"]["oldest_waiting_seconds"] >= 960


def test_without_redis_it_is_not_ready_and_lives(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = redis.Redis(unix_socket_path="/nowhere", retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(live, "connection", lambda: dead)

    answer = client.get("/readyz", secure=True)

    assert answer.status_code == 503
    assert (answer.json()["redis"]["ok"], answer.json()["postgresql"]["ok"]) == (False, True)
    assert client.get("/healthz", secure=True).status_code == 200


def test_without_postgresql_it_is_not_ready_and_lives(client: Client) -> None:
    before = connection.settings_dict["HOST"]
    connection.close()
    connection.settings_dict["HOST"] = f"/nowhere/{uuid4()}"
    try:
        answer = client.get("/readyz", secure=True)
        alive = client.get("/healthz", secure=True)
    finally:
        connection.settings_dict["HOST"] = before
        connection.close()

    assert answer.status_code == 503
    assert (answer.json()["redis"]["ok"], answer.json()["postgresql"]["ok"]) == (True, False)
    assert alive.status_code == 200


def test_a_failed_write_to_disk_is_not_ready(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from attendance.live import health

    states = [state._replace(last_write="err") for state in health.live_states()]
    monkeypatch.setattr(health, "live_states", lambda: states)

    assert client.get("/readyz", secure=True).status_code == 503
    assert ids() == {"attn.E013"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("host", ["10.1.2.3", "10.1.2.3:8000", "[2001:db8::1]", "strange_name", ""])
def test_a_probe_may_name_any_host(path: str, host: str, settings: Any) -> None:
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["attn.example.org"], True
    answer = Client().get(path, HTTP_HOST=host)
    assert answer.status_code == 200
    assert Client().get("/accounts/login/", HTTP_HOST=host).status_code == 400
    assert Client().post(path, HTTP_HOST=host).status_code == 405


def test_many_who_probe_at_once_cost_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Client().get("/readyz").status_code == 200
    looks, begun, going_on = [], threading.Event(), threading.Event()
    look = health._look_for_probe

    def slow() -> dict[str, Any]:
        looks.append(1)
        begun.set()
        assert going_on.wait(20)
        return look()

    monkeypatch.setattr(health, "_look_for_probe", slow)

    def ask() -> None:
        Client().get("/readyz")
        connections.close_all()

    first = threading.Thread(target=ask)
    first.start()
    assert begun.wait(20)
    answers = [Client().get("/readyz") for _ in range(50)]
    going_on.set()
    first.join(20)
    assert {answer.status_code for answer in answers} == {200}
    assert len(looks) == 1
