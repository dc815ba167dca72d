"""Totals compared with marks: by the command, once a day, and what is found is an alarm."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from attendance.models import AttendanceRecord
from attendance.scheduler import _tick
from attendance.services.persistence import unified_persistence_task
from courses.models import Section
from reports import verifying
from reports.models import SectionTotal, TotalsCheck
from tests.support.alarm_scenes import told
from tests.support.lessons import student
from tests.support.sections import ended_section_lesson, section_of_today, user_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def section() -> Section:
    """One came to both lessons, one to none."""
    made = section_of_today((1, 2))
    for _ in range(2):
        ended_section_lesson(made, [1])
    unified_persistence_task()
    return made


def add_to_nobody() -> None:
    """A row that is of no mark, of a person who was deleted by a statement of somebody's."""
    row = SectionTotal.objects.get(status="present")
    row.user_id = 10**9
    row.save(force_insert=True)


BREAKS: list[Callable[[], object]] = [
    lambda: SectionTotal.objects.filter(status="present").update(n=3),
    lambda: SectionTotal.objects.filter(status="present").update(milliseconds=3),
    lambda: SectionTotal.objects.filter(status="absent").update(last_on="2026-01-01"),
    lambda: SectionTotal.objects.filter(status="absent").delete(),
    lambda: AttendanceRecord.objects.filter(status="absent").update(is_expected=False),
    add_to_nobody,
]


def verified(capsys: Any, *options: str) -> dict[str, Any]:
    """What the command says to machines; `exit` where it fails."""
    failed = False
    try:
        call_command("verify_totals", "--json", *options)
    except CommandError:
        failed = True
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said | {"failed": failed}


@pytest.mark.parametrize("broken", BREAKS)
def test_what_is_wrong_is_named_and_repaired(
    broken: Callable[[], object], section: Section, capsys: Any
) -> None:
    before = set(SectionTotal.objects.values_list("status", "n"))
    assert before == {("present", 2), ("absent", 2)}
    right = verified(capsys)
    assert right == {"pairs": 2, "wrong": [], "repaired": 0, "failed": False}

    broken()
    wrong = verified(capsys)
    assert [each["section_id"] for each in wrong["wrong"]] == [section.pk]
    assert wrong["failed"]
    assert verified(capsys)["wrong"] == wrong["wrong"]

    repaired = verified(capsys, "--repair")
    assert (repaired["wrong"], repaired["repaired"]) == (wrong["wrong"], 1)
    assert not repaired["failed"]
    assert verified(capsys)["wrong"] == []
    found = TotalsCheck.objects.order_by("id").values_list("wrong", "repaired")
    assert list(found) == [(0, 0), (1, 0), (1, 0), (1, 1), (0, 0)]


def test_for_people_it_says_whose_and_what_to_do(section: Section, capsys: Any) -> None:
    SectionTotal.objects.filter(status="present").update(n=3)
    with pytest.raises(CommandError, match="1 totals are wrong"):
        call_command("verify_totals")
    said = capsys.readouterr().out
    assert f"section {section.pk}, user {user_of(student(1)).pk}" in said
    assert "2 people in sections: 1 wrong, 0 repaired" in said


def test_once_a_day_in_one_process_and_what_is_wrong_is_an_alarm(section: Section) -> None:
    SectionTotal.objects.filter(status="present").update(n=3)
    _tick()
    assert TotalsCheck.objects.get().wrong == 1
    _tick()
    assert TotalsCheck.objects.count() == 1
    alarm = told("totals_wrong")
    assert alarm["count"] == 1
    assert "verify_totals --repair" in alarm["what_to_do"]

    now = timezone.now()
    for days, old in ((1.1, True), (0.9, False), (-3, True)):
        TotalsCheck.objects.update(checked_at=now - timedelta(days=days))
        assert bool(verifying.verify_daily(now=now)) is old
        TotalsCheck.objects.exclude(pk=TotalsCheck.objects.latest("pk").pk).delete()
    call_command("verify_totals", "--repair")
    assert told("totals_wrong") is None


def test_two_processes_do_not_compare_at_once(section: Section) -> None:
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            lock = "SELECT pg_advisory_lock(hashtextextended(%s, 0))"
            cursor.execute(lock, [verifying._TURN])
        assert verifying.verify_daily(now=timezone.now()) is None
    finally:
        other.close()
    # The server ends a session a moment after it was closed.
    wait_until(lambda: verifying.verify_daily(now=timezone.now()), "a comparison")


def test_what_totals_cannot_be(section: Section) -> None:
    rows = SectionTotal.objects.filter(status="absent")
    for rule, changes in (
        ("section_total_status_is_known", {"status": "asleep"}),
        ("section_total_has_its_worth", {"effect": "neutral"}),
        ("section_total_has_its_worth", {"late_permille": 500}),
        ("section_total_has_its_worth", {"status": "excused"}),
        ("section_total_is_of_something", {"n": 0}),
    ):
        with pytest.raises(IntegrityError, match=rule), transaction.atomic():
            rows.update(**changes)
    with pytest.raises(IntegrityError, match="reports_sectiontotal_pkey"), transaction.atomic():
        rows.get().save(force_insert=True)
    for rule, said in (
        ("totals_check_repairs_what_is_wrong", {"repaired": 2}),
        ("totals_check_instant_is_sane", {"checked_at": timezone.now().replace(year=1999)}),
    ):
        values: dict[str, Any] = {"checked_at": timezone.now(), "seconds": 1, "pairs": 1}
        with pytest.raises(IntegrityError, match=rule), transaction.atomic():
            TotalsCheck.objects.create(**values | {"wrong": 1} | said)
