"""A roster is applied once, section by section, and stops before it ends too much."""

import contextlib
import json
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from courses.errors import (
    EnrolmentOverlaps,
    ImportRunning,
    PlanChanged,
    RosterTooLarge,
    TooManyEnds,
)
from courses.models import Enrolment, Section
from courses.selectors.rosters import roster_on
from courses.services import enrolments
from courses.services.enrolments import EnrolmentPlan, end_enrolment, enrol
from courses.services.rosters import applying
from courses.services.rosters.applying import RosterReport, apply_roster
from courses.services.rosters.planning import RosterSource, plan_roster
from courses.services.rosters.tables import as_csv
from courses.services.rosters.turns import only_import
from courses.services.systems import CSV
from courses.signals import roster_changed
from courses.vocabulary import EnrolmentRole
from tests.support.course_factories import (
    IN_TERM,
    EnrolmentFactory,
    SectionFactory,
    TermFactory,
)
from tests.support.factories import UserFactory
from tests.support.processes import DEAD_DATABASE, manage, python
from tests.support.waiting import wait_until
from users.identity import Person
from users.models import User
from users.services import ensure_users

pytestmark = pytest.mark.django_db

HEAD = "school_number,full_name,section,role,begins_on,ends_on\n"
TODAY = IN_TERM.date()
TWO = HEAD + "T-1,Ada,PHY-1,teacher,,\nS-1,Lin,PHY-1,,,\nS-2,Mia,NEW-1,,,\n"


@pytest.fixture
def section() -> Section:
    return SectionFactory.create(code="PHY-1", term__title="Autumn")


@pytest.fixture
def told() -> Iterator[list[int]]:
    """The sections whose rosters changed, in turn."""
    found: list[int] = []

    def listen(section_id: int, **kwargs: Any) -> None:
        found.append(section_id)

    roster_changed.connect(listen)
    yield found
    roster_changed.disconnect(listen)


def applied(text: str, **options: Any) -> RosterReport:
    source = RosterSource(content=text.encode(), term=options.pop("term", ""))
    return apply_roster(source, at=IN_TERM, **options)


def people_of(count: int, code: str = "PHY-1", first: int = 0) -> str:
    return "".join(f"S-{n:04},Student {n},{code},,,\n" for n in range(first, first + count))


def everything() -> list[Any]:
    return [list(model.objects.order_by("pk").values()) for model in (User, Section, Enrolment)]


def test_a_roster_makes_people_sections_and_enrolments(section: Section) -> None:
    UserFactory(school_number="S-1", full_name="As Seen")
    report = applied(TWO)

    assert report.applied == {"create": 3}
    assert {e.school_number for e in roster_on(section_id=section.pk, on=TODAY).values()} == {"S-1"}
    made = Section.objects.get(code="NEW-1")
    assert (made.system.code, made.term, made.time_zone) == ("csv", section.term, "UTC")
    assert (made.starts_on, made.ends_on) == (section.term.starts_on, section.term.ends_on)
    teacher = User.objects.get(school_number="T-1")
    assert (teacher.role, teacher.is_active, teacher.has_usable_password()) == (
        "teacher",
        True,
        False,
    )
    # Made by persistence: completed, and not doubled.
    assert User.objects.get(school_number="S-1").full_name == "Lin"
    assert {row.system.code for row in Enrolment.objects.select_related("system")} == {"csv"}


def test_applied_again_all_is_unchanged(section: Section, told: list[int]) -> None:
    applied(TWO)
    before = everything()
    with CaptureQueriesContext(connection) as captured:
        report = applied(TWO)
    assert (report.applied, report.plan.counts["unchanged"], report.plan.is_empty) == ({}, 3, True)
    assert everything() == before
    assert not [q for q in captured if q["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]


def test_a_missing_row_ends_an_enrolment_and_deletes_nothing(section: Section) -> None:
    applied(TWO)
    counts = (User.objects.count(), Section.objects.count(), Enrolment.objects.count())
    applied(HEAD + "T-1,Ada,PHY-1,teacher,,\n")
    gone = Enrolment.objects.get(user__school_number="S-1")
    assert gone.ends_on == TODAY
    assert (User.objects.count(), Section.objects.count(), Enrolment.objects.count()) == counts
    # NEW-1 is not in the file.
    assert Enrolment.objects.get(user__school_number="S-2").ends_on is None


def test_whoever_comes_back_gets_a_new_row(section: Section) -> None:
    applied(HEAD + people_of(2))
    Enrolment.objects.filter(user__school_number="S-0001").update(
        begins_on=TODAY - timedelta(7), ends_on=TODAY
    )
    history = Enrolment.objects.filter(user__school_number="S-0001").values().get()
    assert applied(HEAD + people_of(2)).applied == {"create": 1}
    rows = list(Enrolment.objects.filter(user__school_number="S-0001").order_by("pk").values())
    assert rows[0] == history
    assert (rows[1]["begins_on"], rows[1]["ends_on"]) == (TODAY, None)
    assert applied(HEAD + people_of(2)).applied == {}


def test_a_plan_that_has_changed_is_not_applied(section: Section) -> None:
    digest = plan_roster(RosterSource(content=TWO.encode()), at=IN_TERM).plan.digest
    UserFactory(school_number="S-1", full_name="Other")
    before = everything()
    with pytest.raises(PlanChanged):
        applied(TWO, digest=digest)
    assert everything() == before
    digest = plan_roster(RosterSource(content=TWO.encode()), at=IN_TERM).plan.digest
    assert applied(TWO, digest=digest).applied == {"create": 3}


@pytest.mark.parametrize(
    ("enrolled", "left", "stops"),
    [(40, 30, False), (40, 29, True), (200, 190, False), (200, 189, True), (15, 5, False)],
)
def test_the_brake_stops_what_would_end_too_much(
    section: Section, enrolled: int, left: int, stops: bool
) -> None:
    applied(HEAD + people_of(enrolled))
    before = everything()
    ends = enrolled - left
    if not stops:
        assert applied(HEAD + people_of(left)).applied == {"end": ends}
        return
    with pytest.raises(TooManyEnds, match=f"{ends}/{enrolled}") as caught:
        applied(HEAD + people_of(left))
    assert caught.value.as_dict()["ends"] == ends
    with pytest.raises(TooManyEnds):
        applied(HEAD + people_of(left), allow_drop=ends - 1)
    assert everything() == before
    assert applied(HEAD + people_of(left), allow_drop=ends).applied == {"end": ends}


def test_the_brake_counts_all_sections_of_the_file(section: Section) -> None:
    codes = [f"PHY-{n}" for n in range(1, 6)]

    def text(left: int) -> str:
        return HEAD + "".join(people_of(left, code, first=100 * n) for n, code in enumerate(codes))

    applied(text(20))
    # 10 of 100 in the usual bounds of each section, and not of all.
    assert applied(text(18)).applied == {"end": 10}
    with pytest.raises(TooManyEnds, match=r"15/90"):
        applied(text(15))


def test_the_brake_sees_an_end_that_the_file_writes(section: Section) -> None:
    applied(HEAD + people_of(20))
    Enrolment.objects.update(begins_on=TODAY - timedelta(7))
    with pytest.raises(TooManyEnds):
        applied(HEAD + people_of(20).replace(",,,", f",,,{TODAY}"))


def test_a_bad_section_holds_up_no_other(
    section: Section, monkeypatch: pytest.MonkeyPatch, told: list[int]
) -> None:
    SectionFactory(term=section.term, code="PHY-2")
    real = applying._create

    def create(rows: Any, ids: Any, *, section: Section, system: Any) -> None:
        if section.code == "PHY-1":
            raise EnrolmentOverlaps
        real(rows, ids, section=section, system=system)

    monkeypatch.setattr(applying, "_create", create)
    report = applied(HEAD + "S-1,Ada,PHY-1,,,\nS-2,Lin,PHY-2,,,\n")
    assert [(f.section, f.code) for f in report.failed] == [("PHY-1", "enrolment_overlaps")]
    assert report.applied == {"create": 1}
    assert not User.objects.filter(school_number="S-1").exists()


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Do some work once, when the import has made its plan and before it writes."""

    def arrange(work: Callable[[], object]) -> None:
        waiting = [work]

        def check(plan: Any, **options: Any) -> None:
            while waiting:
                waiting.pop()()

        monkeypatch.setattr(applying, "check_brake", check)

    return arrange


def test_a_section_that_somebody_changes_meanwhile_is_left_alone(
    section: Section, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    meanwhile(lambda: EnrolmentFactory(section=section, user__school_number="S-1"))
    report = applied(TWO)
    assert [(f.section, f.code) for f in report.failed] == [("PHY-1", "section_changed")]
    assert report.applied == {"create": 1}


def test_a_section_that_somebody_makes_meanwhile_is_not_doubled(
    section: Section, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    meanwhile(lambda: SectionFactory(term=section.term, code=" new-1 "))
    report = applied(TWO)
    assert [(f.section, f.code) for f in report.failed] == [("NEW-1", "section_changed")]
    assert applied(TWO).applied == {"create": 1}
    assert Section.objects.count() == 2


def test_persons_whom_a_lesson_makes_meanwhile_are_not_doubled(
    section: Section, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    meanwhile(lambda: ensure_users([Person("S-1", "As Seen"), Person("T-1", "As Seen")]))
    assert applied(TWO).applied == {"create": 3}
    assert applied(TWO).plan.counts["people_renamed"] == 1
    assert set(User.objects.values_list("full_name", flat=True)) == {"Ada", "Lin", "Mia"}


@pytest.mark.django_db(transaction=True)
def test_a_second_import_is_refused_while_one_runs(section: Section) -> None:
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with only_import(CSV):
                inside.set()
                leave.wait(20)
        finally:
            connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    assert inside.wait(20)
    try:
        with pytest.raises(ImportRunning):
            applied(TWO)
        assert not Enrolment.objects.exists()
    finally:
        leave.set()
        thread.join()
    assert applied(TWO).applied == {"create": 3}


@pytest.mark.django_db(transaction=True)
def test_listeners_are_told_once_for_each_section_and_may_fail(
    section: Section, told: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(section_id: int, **kwargs: Any) -> None:
        raise RuntimeError("no")

    after: list[int] = []

    def listen(section_id: int, **kwargs: Any) -> None:
        after.append(section_id)

    roster_changed.connect(fail)
    roster_changed.connect(listen)
    try:
        assert applied(TWO).applied == {"create": 3}
    finally:
        roster_changed.disconnect(fail)
        roster_changed.disconnect(listen)
    # Whoever listens behind the one that fails is told all the same.
    assert after == told
    made = Section.objects.get(code="NEW-1")
    assert sorted(told) == sorted([section.pk, made.pk])
    assert "RuntimeError: no" in caplog.text
    told.clear()
    applied(TWO)
    applied(TWO.replace("Lin", "Lina"))
    assert told == []


@pytest.mark.django_db(transaction=True)
def test_an_enrolment_by_hand_tells_listeners_after_the_commit(
    section: Section, told: list[int]
) -> None:
    office, user = UserFactory.create(staff=True), UserFactory.create()
    plan = EnrolmentPlan(
        section_id=section.pk,
        user_id=user.pk,
        role=EnrolmentRole.STUDENT,
        begins_on=section.starts_on,
    )
    row = enrol(plan=plan, actor=office)
    with pytest.raises(EnrolmentOverlaps):
        enrol(plan=plan, actor=office)
    assert told == [section.pk]
    end_enrolment(enrolment_id=row.pk, ends_on=date(2026, 10, 1), actor=office)
    end_enrolment(enrolment_id=row.pk, ends_on=date(2026, 10, 1), actor=office)
    assert told == [section.pk] * 2


def test_a_section_takes_so_many_students_at_a_time(
    section: Section, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enrolments, "MOST_STUDENTS", 2)
    office = UserFactory.create(staff=True)
    EnrolmentFactory(section=section, ends_on=date(2026, 10, 1))
    EnrolmentFactory(section=section, ends_on=section.starts_on)
    EnrolmentFactory(section=section, teaching=True)

    def one_more(begins_on: date, role: EnrolmentRole = EnrolmentRole.STUDENT) -> None:
        plan = EnrolmentPlan(
            section_id=section.pk, user_id=UserFactory.create().pk, role=role, begins_on=begins_on
        )
        enrol(plan=plan, actor=office)

    one_more(section.starts_on)
    with pytest.raises(RosterTooLarge, match="at most 2 students"):
        one_more(date(2026, 9, 30))
    one_more(date(2026, 10, 1))
    one_more(section.starts_on, EnrolmentRole.OBSERVER)


def test_a_real_roster_of_5001_is_refused(section: Section) -> None:
    report = applied(HEAD + people_of(5_001) + "S-X,Ada,PHY-2,,,\n")
    assert report.plan.counts["bad"] == 5_001
    assert {row.code for row in report.plan.bad} == {"roster_too_large"}
    assert (Enrolment.objects.count(), User.objects.count()) == (1, 1)


def test_a_section_costs_the_same_queries_for_any_number_of_rows(section: Section) -> None:
    def queries(first: int, count: int) -> int:
        text = HEAD + people_of(count, first=first)
        with CaptureQueriesContext(connection) as captured:
            applied(text, allow_drop=1000)
        return len(captured)

    applied(HEAD + people_of(1))
    few = queries(1, 2)
    assert queries(10, 600) == few


KILLED = """
import os, signal, sys
from datetime import datetime
from courses.services.rosters import applying
from courses.services.rosters.planning import RosterSource

real = applying._Applying._apply

def apply_and_die(self, *arguments):
    real(self, *arguments)
    os.kill(os.getpid(), signal.SIGKILL)

applying._Applying._apply = apply_and_die
source = RosterSource(content=sys.argv[1].encode())
applying.apply_roster(source, at=datetime.fromisoformat(sys.argv[2]))
"""


def nobody_imports() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory')")
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_an_import_that_is_killed_between_two_sections_completes(section: Section) -> None:
    text = HEAD + people_of(3, "NEW-1") + people_of(2, "PHY-1", first=2)
    child = python(KILLED, text, IN_TERM.isoformat())
    assert child.wait(60) == -signal.SIGKILL
    assert child.communicate()[0] == ""
    assert Enrolment.objects.count() == 3
    wait_until(nobody_imports, "PostgreSQL has noticed that it is gone")

    assert applied(text).applied == {"create": 2}
    assert applied(text).plan.counts["unchanged"] == 5
    assert (Section.objects.count(), User.objects.count()) == (2, 4)


# The command.


@pytest.fixture
def write(tmp_path: Path) -> Path:
    term = TermFactory(
        title="Now",
        starts_on=timezone.localdate() - timedelta(30),
        ends_on=timezone.localdate() + timedelta(60),
    )
    SectionFactory(term=term, code="PHY-1")
    return tmp_path / "roster.csv"


def run(
    path: Path, capsys: pytest.CaptureFixture[str], *options: str
) -> tuple[int, dict[str, Any]]:
    status = 0
    try:
        call_command("import_roster", str(path), "--json", *options)
    except SystemExit as ended:
        status = int(str(ended.code))
    except CommandError as error:
        status = error.returncode
    out = capsys.readouterr().out
    return status, json.loads(out) if out else {}


def test_the_command_shows_its_plan_and_applies_that(
    write: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write.write_text(TWO)
    status, plan = run(write, capsys, "--dry-run")
    assert (status, plan["is_dry_run"], plan["counts"]["create"]) == (0, True, 3)
    assert [row["line"] for row in plan["rows"]] == [2, 3, 4]
    assert not Enrolment.objects.exists()

    status, done = run(write, capsys, "--digest", plan["digest"])
    assert (status, done["applied"], done["failed"]) == (0, {"create": 3}, [])
    status, again = run(write, capsys)
    assert (status, again["applied"], again["counts"]["unchanged"]) == (0, {}, 3)
    # The world is another one now.
    status, told = run(write, capsys, "--digest", plan["digest"])
    assert (status, told["stopped"]["code"], told["digest"]) == (5, "plan_changed", again["digest"])


def test_the_command_stops_at_the_brake_and_goes_on_where_it_is_allowed(
    write: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write.write_text(HEAD + people_of(30))
    run(write, capsys)
    write.write_text(HEAD + people_of(10))
    status, told = run(write, capsys)
    assert (status, told["stopped"]["code"], told["counts"]["end"]) == (5, "too_many_ends", 20)
    assert run(write, capsys, "--allow-drop", "19")[0] == 5
    assert run(write, capsys, "--allow-drop", "20")[1]["applied"] == {"end": 20}
    with pytest.raises(CommandError):
        call_command("import_roster", str(write), "--allow-drop", "-1")


def test_the_command_s_statuses(write: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write.write_text(HEAD + "S-1,Ada,PHY-1,,,\n!,x,PHY-1,,,\n")
    assert run(write, capsys)[0] == 3
    assert run(write, capsys, "--dry-run")[0] == 3
    write.write_text(HEAD)
    assert run(write, capsys)[0] == 2
    assert run(write, capsys, "--term", "x")[0] == 2
    write.write_bytes((HEAD + "S-1,Çağrı,PHY-1,,,\n").encode("cp1254"))
    assert run(write, capsys)[0] == 2
    assert run(write, capsys, "--encoding", "cp1254")[0] == 0
    assert User.objects.get(school_number="S-1").full_name == "Çağrı"
    write.unlink()
    assert run(write, capsys)[0] == 2


@pytest.mark.django_db(transaction=True)
def test_another_import_or_no_postgresql_is_75(
    write: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write.write_text(TWO)
    with contextlib.ExitStack() as held:
        thread_done, go = threading.Event(), threading.Event()

        def hold() -> None:
            with only_import(CSV):
                go.set()
                thread_done.wait(20)
            connections.close_all()

        thread = threading.Thread(target=hold)
        thread.start()
        held.callback(thread.join)
        held.callback(thread_done.set)
        assert go.wait(20)
        assert run(write, capsys)[0] == 75
    done = manage("import_roster", str(write), env={"DATABASE_URL": DEAD_DATABASE})
    assert done.returncode == 75
    assert "PostgreSQL cannot be reached" in done.stderr


def test_text_names_what_would_be_done(write: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write.write_text(
        TWO.replace("\n", ",\n").replace("ends_on,", "ends_on,telefon") + "!,x,PHY-1,,,,\n"
    )
    with pytest.raises(SystemExit):
        call_command("import_roster", str(write), "--dry-run")
    out = capsys.readouterr().out
    for said in ("Plan ", "create 3", "telefon", "NEW-1", "new_section", "invalid_school_number"):
        assert said in out


def test_the_plan_as_csv_holds_no_formula(section: Section) -> None:
    text = HEAD + "S-1,=cmd|' /C calc'!A0,PHY-1,,,\n"
    lines = list(as_csv(plan_roster(RosterSource(content=text.encode()), at=IN_TERM).plan))
    assert lines[0].startswith("\ufeffline,action,section")
    assert ",'=cmd|' /C calc'!A0," in lines[1]
