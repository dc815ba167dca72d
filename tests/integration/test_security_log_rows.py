"""Rows of the security log: append-only, without the erased, removed when old, harmless."""

import json
from datetime import timedelta
from io import StringIO
from threading import Timer
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test import Client
from django.utils import timezone

from attendance import scheduler
from attendance.checks import check_security_log
from tests.support.callers import PASSWORD, account
from tests.support.lessons import student
from tests.support.security_log import enter, kinds, only
from users import security_log
from users.models import SecurityEvent, SecurityKind, User
from users.security_log import Details

pytestmark = pytest.mark.django_db(transaction=True)

ONE = student(1)


def event(*, days: int = 0, **values: Any) -> SecurityEvent:
    at = timezone.now() - timedelta(days=days)
    once = f"{SecurityEvent.objects.count()}"
    made: dict[str, Any] = {"kind": SecurityKind.SIGNED_IN, "once": once, **values}
    return SecurityEvent.objects.create(happened_at=at, last_at=at, request_id="-", **made)


def test_whoever_is_erased_leaves_events_without_a_person() -> None:
    boss = User.objects.create_superuser("BOSS", "Boss", PASSWORD)
    user, browser = account(ONE, password=PASSWORD), Client()
    enter(Client(), "S-0001", PASSWORD)
    enter(Client(), "S-0001", "wrong")
    browser.force_login(boss, "users.backends.AccountBackend")
    answer = browser.post(f"/admin/users/user/{user.pk}/delete/", {"post": "yes"})

    assert answer.status_code == 302
    assert not User.objects.filter(pk=user.pk).exists()
    assert {"signed_in", "sign_in_failed", "account_erased"} <= set(kinds())
    assert only(SecurityKind.SIGNED_IN).subject is None
    assert only(SecurityKind.SIGNED_IN).actor is None
    assert only(SecurityKind.ACCOUNT_ERASED).actor == boss


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE users_securityevent SET kind = 'exported'",
        "UPDATE users_securityevent SET times = 1",
        "UPDATE users_securityevent SET times = 5, address = 'x'",
        "UPDATE users_securityevent SET last_at = last_at - interval '1 day', times = 5",
        "UPDATE users_securityevent SET subject_id = NULL",
        "UPDATE users_securityevent SET actor_id = NULL",
        "DELETE FROM users_securityevent",
        "SELECT set_config('attn.removes_old_security_events', 'yes', true);"
        "DELETE FROM users_securityevent WHERE happened_at > now() - interval '1 day'",
    ],
)
def test_the_log_is_append_only(statement: str) -> None:
    user = account(ONE)
    event(subject=user, actor=user, times=3)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        connection.cursor().execute(statement)


def test_old_events_go_in_parts_and_young_ones_stay(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(security_log, "ROWS", 2)
    settings.SECURITY_LOG_DAYS = 30
    for days in (31, 40, 50, 60, 70, 29, 0):
        event(days=days)
    now = timezone.now()

    assert security_log.remove_old(now=now, dry_run=True) == 5
    assert security_log.remove_old(now=now, most=2) == 2
    out = StringIO()
    call_command("remove_old_security_events", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"events": 3, "is_dry_run": False}
    assert SecurityEvent.objects.count() == 2


def test_the_scheduled_run_removes_what_is_old() -> None:
    event(days=181)
    event(days=179)
    scheduler._tick()
    assert SecurityEvent.objects.count() == 1


def test_the_command_ends_with_a_status(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(**_: Any) -> int:
        raise OperationalError("away")

    place = "users.management.commands.remove_old_security_events.remove_old"
    monkeypatch.setattr(place, away)
    with pytest.raises(CommandError, match="away") as caught:
        call_command("remove_old_security_events")
    assert caught.value.returncode == 75


@pytest.mark.parametrize(("days", "is_refused"), [(6, True), (7, False), (3651, True)])
def test_the_days_have_a_range(days: int, is_refused: bool, settings: Any) -> None:
    settings.SECURITY_LOG_DAYS = days
    assert bool(check_security_log(None)) is is_refused


def test_what_cannot_be_written_breaks_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    account(ONE, password=PASSWORD)
    elsewhere = security_log._INSERT.replace("users_securityevent", "nowhere")
    monkeypatch.setattr(security_log, "_INSERT", elsewhere)
    assert enter(Client(), "S-0001", PASSWORD).status_code == 302
    with transaction.atomic():
        security_log.write(SecurityKind.EXPORTED, details=Details(what="x"))
        # The transaction of somebody else goes on.
        assert User.objects.count() == 1
    assert "The security log could not be written: signed_in" in caplog.text
    assert not SecurityEvent.objects.exists()


def test_a_table_that_does_not_answer_holds_nobody_up_for_long(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(security_log, "LONGEST_WRITE_MS", 50)
    account(ONE, password=PASSWORD)
    with psycopg.connect(**connection.get_connection_params()) as busy:
        busy.execute("LOCK TABLE users_securityevent IN EXCLUSIVE MODE")
        # A write that would wait for ever fails here instead.
        release = Timer(10, busy.rollback)
        release.start()
        assert enter(Client(), "S-0001", PASSWORD).status_code == 302
        release.cancel()
    assert "statement timeout" in caplog.text
