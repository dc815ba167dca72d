"""Every alarm: when it is on, where it is told, and that it ends."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import Client
from django.utils import timezone

from attendance.models import AlarmEpisode, Attendance, LessonLedger
from attendance.scheduler import _tick
from attendance.selectors import alarms
from attendance.selectors.alarms import KINDS
from attendance.services import alarms as service
from attendance.services.persistence import unified_persistence_task
from attendance.vocabulary import LessonState
from tests.support.alarm_scenes import (
    SCENES,
    browser_of,
    dead_live_store,
    ledger,
    live_setting,
    page_of,
    payload,
    ready,
    stopped_scheduler,
    told,
)
from tests.support.factories import LessonLedgerFactory
from tests.support.lessons import ended_lesson, forget_everything, put_back, redis_state
from tests.support.members import STAFF
from tests.support.processes import manage

pytestmark = pytest.mark.django_db(transaction=True)

SLOW = {"evidence_not_kept"}


def on() -> set[str]:
    return {alarm.kind.code for alarm in alarms.current().alarms}


def test_each_alarm_has_its_scene() -> None:
    assert SCENES.keys() == KINDS.keys()


def test_a_quiet_site_has_none() -> None:
    assert ready()[1]["alarms"] == []
    assert on() == set()
    assert "Alarms" not in page_of(browser_of(STAFF).get("/admin/operations/"))


@pytest.mark.parametrize("code", sorted(set(SCENES) - SLOW))
def test_an_alarm_is_in_the_answer_to_probes_while_it_is_on(code: str) -> None:
    kind = KINDS[code]
    with SCENES[code]():
        status, body = ready()
        (found,) = (each for each in body["alarms"] if each["code"] == code)
    wanted = (503, "unavailable") if kind.severity == "unavailable" else (200, "degraded")
    assert (status, body["status"]) == wanted
    assert (found["count"], found["acknowledged"]) == (1, 0)
    assert found["cause"]
    assert "%(" not in found["cause"]
    assert found["see"].endswith(f"repair.md#{code}")

    assert ready()[0] == 200
    assert told(code) is None


@pytest.mark.parametrize("code", sorted(set(SCENES) - {"postgresql_unreachable"}))
def test_an_alarm_is_on_the_page_with_what_to_do(code: str) -> None:
    staff = browser_of(STAFF)
    staff.get("/admin/operations/")
    with SCENES[code]():
        page = page_of(staff.get("/admin/operations/", HTTP_ACCEPT_LANGUAGE="en"))
        turkish = page_of(staff.get("/admin/operations/", HTTP_ACCEPT_LANGUAGE="tr"))
    assert f"<code>{code}</code>" in page
    assert KINDS[code].what_to_do.split("'")[0] in page
    assert f"<code>{code}</code>" in turkish
    assert KINDS[code].what_to_do.split("'")[0] not in turkish

    assert f"<code>{code}</code>" not in page_of(staff.get("/admin/operations/"))


@pytest.mark.parametrize("code", [kind.code for kind in KINDS.values() if kind.check])
def test_an_alarm_of_a_server_is_a_system_check(code: str) -> None:
    with SCENES[code]():
        ids = {message.id for message in run_checks()}
    assert KINDS[code].check in ids


def test_a_probe_is_told_no_names() -> None:
    with (
        ledger(state=LessonState.LOST) as lost,
        payload() as kept,
        ledger(state=LessonState.FAILED, last_error="Error: of Secret person") as failed,
    ):
        answer = Client().get("/readyz", secure=True).content.decode()
    for secret in ("Secret", lost.teacher_name, kept.field, str(kept.lesson_id), str(lost.pk)):
        assert secret not in answer
    assert str(failed.pk) not in answer


def test_a_probe_does_not_ask_what_may_hang() -> None:
    with SCENES["evidence_not_kept"]():
        assert told("evidence_not_kept") is None
        assert "evidence_not_kept" in on()


@pytest.mark.parametrize("value", ["everysec", "no"])
def test_the_cause_names_the_value(value: str) -> None:
    with live_setting("appendfsync", value):
        assert f"(appendfsync {value})" in told("live_store_syncs_late")["cause"]


def test_many_of_a_kind_are_one_line_with_a_number() -> None:
    for _ in range(25):
        LessonLedgerFactory(state=LessonState.LOST)
    assert told("lesson_lost")["count"] == 25
    page = page_of(browser_of(STAFF).get("/admin/operations/"))
    assert page.count("A lesson is lost from the live store.") == 20
    assert "and 5 more" in page


def test_since_when_is_what_a_run_has_seen_first() -> None:
    with live_setting("appendfsync", "everysec"):
        assert told("live_store_syncs_late")["since"] is None
        service.look()
        first = told("live_store_syncs_late")["since"]
        service.look()
        assert first == told("live_store_syncs_late")["since"] is not None


def test_since_when_is_what_its_source_knows() -> None:
    at = timezone.now() - timedelta(hours=5)
    with payload() as kept, ledger(ends_at=at):
        assert told("quarantine_open")["since"] == kept.found_at.isoformat()
        assert told("lesson_late")["since"] == at.isoformat()


@pytest.mark.parametrize("run", [_tick, lambda: manage("persist_attendance")])
def test_a_run_writes_down_what_is_on_and_what_has_ended(run: Any) -> None:
    with ledger(state=LessonState.LOST):
        run()
        assert AlarmEpisode.objects.get().ended_at is None
    run()
    assert AlarmEpisode.objects.get().ended_at is not None


def test_what_cannot_be_asked_is_not_over() -> None:
    with live_setting("appendfsync", "everysec"):
        service.look()
        with dead_live_store():
            service.look()
        row = AlarmEpisode.objects.get(code="live_store_syncs_late")
        assert row.ended_at is None
        service.look()
    assert AlarmEpisode.objects.get(code="live_store_unreachable").ended_at is not None


def test_what_one_process_knows_of_itself_is_in_no_book() -> None:
    with stopped_scheduler():
        service.look()
    assert not AlarmEpisode.objects.exists()


@pytest.mark.parametrize("code", ["postgresql_unreachable", "migrations_missing"])
def test_where_nothing_can_be_written_nothing_is_tried(
    code: str, caplog: pytest.LogCaptureFixture
) -> None:
    with SCENES[code]():
        service.look()
    assert not AlarmEpisode.objects.exists()
    assert not caplog.records


def test_a_look_that_fails_harms_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise ValueError

    monkeypatch.setattr(alarms, "find", fail)
    ended_lesson(1)
    _tick()
    assert LessonLedger.objects.get().state == LessonState.DISCARDED


def test_rewound_ends_with_the_run_after_its_keys_were_removed() -> None:
    lesson = ended_lesson(2)
    dumped = redis_state()
    unified_persistence_task()
    LessonLedger.objects.filter(pk=lesson.id).update(digest="")
    put_back(dumped)
    Attendance.objects.filter(pk=lesson.id).update(revision=10_000)
    unified_persistence_task()
    assert "lesson_rewound" in on()
    unified_persistence_task()
    assert "lesson_rewound" in on()

    forget_everything()
    unified_persistence_task()

    # That Redis was emptied is another alarm.
    assert on() == {"stores_disagree"}
    assert LessonLedger.objects.get().state == LessonState.DISCARDED
