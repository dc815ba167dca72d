"""The demo proves the main job, and notices when it is not true."""

import json
import subprocess
import sys
from collections.abc import Sequence
from threading import Event, Thread
from time import sleep
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.conf import settings as site_settings
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from knox.models import AuthToken
from pytest_django.fixtures import Settings

from attendance.models import Attendance, AttendanceRecord, QuarantinedPayload
from attendance.services import claims
from attn_project.settings import database
from courses.models import Section, Term
from demo import processes, proof, rivals, teaching
from demo.site import AcknowledgedCheckIn
from tests.support.factories import AttendanceFactory
from tests.support.processes import DEAD_REDIS, environment, manage, python
from users.demo_numbers import DEMO_NUMBERS
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

OF_THE_CROWD = 604 - 3
CROWD = Attendance.objects.filter(section=None)


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """As ./attn sets it: no demo plays on a site as in production."""
    settings.HTTPS = False
    monkeypatch.setenv("ATTN_HTTPS", "false")
    monkeypatch.setenv("DATABASE_URL", environment()["DATABASE_URL"])


def test_the_demo_counts_every_mark_and_invites() -> None:
    done = manage(
        "demo",
        env={"ATTN_DEMO_ADDRESS": "http://127.0.0.1:1", "ATTN_DEMO_PASSWORD": "only-here"},
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" yes ") == 5
    assert "http://127.0.0.1:1/admin/" in done.stdout
    assert [line.split()[:2] for line in done.stdout.splitlines() if "only-here" in line] == [
        [number, "only-here"] for number in DEMO_NUMBERS
    ]
    tried = done.stdout.partition("What to try:\n")[2].splitlines()
    assert [line.split(".")[0].strip() for line in tried] == ["1", "2", "3", "4", "5"]
    # What is done is said while it is done, and how long it took.
    began = [line[:-3] for line in done.stderr.splitlines() if line.endswith("...")]
    ended = [line.rpartition(":")[0] for line in done.stderr.splitlines() if line.endswith(" s")]
    assert began == ended
    assert len(began) == 5
    assert AttendanceRecord.objects.filter(attendance__in=CROWD).count() == OF_THE_CROWD
    assert QuarantinedPayload.objects.count() == 3
    newest = Attendance.objects.exclude(section=None).latest("starts_at")
    assert newest.roster_closed_at is not None
    assert newest.records.filter(source="system", status="absent", is_expected=True).count() == 4
    assert newest.records.filter(is_expected=False).count() == 1
    assert not [user for user in User.objects.all() if user.has_usable_password()]
    assert not AuthToken.objects.exists()
    assert manage("persist_attendance").stdout.strip() == "Nothing to do: no lesson waits."

    # Shown once, it is not played again but by request.
    opened = manage("demo", "--once", env={"ATTN_DEMO_ADDRESS": "http://127.0.0.1:1"})
    assert opened.returncode == 0, opened.stderr
    assert "./attn demo --again" in opened.stdout
    assert "http://127.0.0.1:1/admin/" in opened.stdout
    assert " yes " not in opened.stdout
    assert CROWD.count() == len(teaching.LESSON_NAMES)


@pytest.mark.long
def test_what_a_demo_that_died_has_left_is_not_taken_for_the_whole_job() -> None:
    for name in teaching.LESSON_NAMES[1:]:
        AttendanceFactory.create(lesson_name=name)
    assert not teaching.are_stored()
    AttendanceFactory.create(lesson_name=teaching.LESSON_NAMES[0])
    assert teaching.are_stored()


def test_a_site_as_in_production_is_no_place_to_play() -> None:
    done = manage("demo", env={"ATTN_HTTPS": "true"})

    assert done.returncode == 1
    assert "as in production" in done.stderr
    assert not User.objects.exists()


@pytest.mark.long
def test_without_a_site_nobody_is_given_a_password() -> None:
    done = manage("demo", env={"ATTN_DEMO_ADDRESS": "", "ATTN_DEMO_PASSWORD": "only-here"})

    assert done.returncode == 0, done.stderr
    assert "./attn demo" in done.stdout
    assert "only-here" not in done.stdout


@pytest.mark.long
def test_a_terminal_that_knows_one_alphabet_is_enough() -> None:
    done = manage("demo", env={"PYTHONIOENCODING": "ascii"})

    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert done.stdout.count(" yes ") == 5


@pytest.mark.long
def test_without_redis_it_is_told_in_one_line() -> None:
    done = manage("demo", env={"REDIS_URL": DEAD_REDIS})

    assert done.returncode == 1
    assert "The live store cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
def test_postgresql_that_goes_away_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(*arguments: object) -> None:
        connection.cursor().execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(teaching, "correct_afterwards", break_off)

    try:
        with pytest.raises(CommandError, match="PostgreSQL does not answer any more"):
            call_command("demo", "--json")
    finally:
        connection.close()


@pytest.mark.long
def test_a_lesson_that_another_task_holds_for_a_moment_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    holders: list[Thread] = []

    def hold(ids: Sequence[UUID], held: Event) -> None:
        with transaction.atomic():
            claims.claim(ids)
            held.set()
            sleep(1)
        connection.close()

    def leave_everything(ids: Sequence[UUID]) -> rivals.Rivalry:
        held = Event()
        holders.append(Thread(target=hold, args=(ids[:1], held)))
        holders[0].start()
        assert held.wait(10)
        return rivals.Rivalry(is_killed=False, survivor_said="4 left")

    monkeypatch.setattr(rivals, "run_rivals", leave_everything)
    call_command("demo", "--json")
    holders[0].join()

    told = json.loads(capsys.readouterr().out)
    assert all(row["agrees"] for row in told["lessons"])
    assert told["last_seconds"] > 0.5


@pytest.mark.long
def test_the_task_of_a_served_site_does_not_disturb_a_demo() -> None:
    task = python(
        """
from attendance.services.persistence import unified_persistence_task
print("ready", flush=True)
while True:
    unified_persistence_task()
"""
    )
    with task:
        try:
            assert task.stdout
            task.stdout.readline()
            done = manage("demo")
        finally:
            task.kill()

    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" yes ") == 5


@pytest.mark.long
def test_two_demos_at_once_and_one_more_do_not_disturb_each_other() -> None:
    command = [sys.executable, "manage.py", "demo", "--json"]
    options = {"cwd": site_settings.BASE_DIR, "env": environment(), "text": True}
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, **options) as one,  # type: ignore[call-overload]
        subprocess.Popen(command, stdout=subprocess.PIPE, **options) as other,  # type: ignore[call-overload]
    ):
        told = [json.loads(child.communicate(timeout=240)[0]) for child in (one, other)]

    assert (one.returncode, other.returncode) == (0, 0)
    assert all(row["agrees"] for each in told for row in each["lessons"])
    assert [each["repeats"] for each in told] == [120, 120]
    assert all(each["is_killed"] for each in told)
    # What the killed one held in one lane or in both was left alone by the other.
    shares = {"3 persisted, 1 busy", "2 persisted, 2 busy"}
    assert {each["survivor"] for each in told} <= shares
    assert manage("demo").returncode == 0
    assert AttendanceRecord.objects.filter(attendance__in=CROWD).count() == 3 * OF_THE_CROWD
    # One term for all, and its lessons once.
    assert (Term.objects.count(), Section.objects.count()) == (1, 6)
    assert (
        sum(each["past_lessons"] for each in told)
        == Attendance.objects.exclude(section=None).count() - 3
    )


def test_a_mark_that_is_missing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = proof.prove

    def lose_one(*args: object) -> object:
        of_crowd = AttendanceRecord.objects.filter(attendance__in=CROWD)
        of_crowd.filter(checked_in_at__isnull=False)[:1].get().delete()
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(proof, "prove", lose_one)

    with pytest.raises(CommandError, match="is lost"):
        call_command("demo", "--json")


@pytest.mark.long
def test_a_correction_that_is_overwritten_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = proof.prove

    def overwrite(*args: object) -> object:
        said = AttendanceRecord.objects.filter(status="excused").exclude(source="system")
        said.update(status="absent")
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(proof, "prove", overwrite)

    with pytest.raises(CommandError, match="should be excused"):
        call_command("demo", "--json")


@pytest.mark.long
def test_a_status_that_nobody_was_told_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = proof.prove

    def change(*args: object) -> object:
        AttendanceRecord.objects.filter(status="present").update(status="absent")
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(proof, "prove", change)

    with pytest.raises(CommandError, match="was told present, stored is absent"):
        call_command("demo", "--json")


@pytest.mark.long
def test_somebody_who_is_missing_and_not_marked_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = proof.prove

    def forget(lessons: Sequence[teaching.TaughtLesson]) -> object:
        marks = AttendanceRecord.objects.filter(
            attendance_id=lessons[-1].lesson_id, source="system"
        )
        marks[:1].get().delete()
        return real(lessons)

    monkeypatch.setattr(proof, "prove", forget)

    with pytest.raises(CommandError, match="did not come and is not marked absent"):
        call_command("demo", "--json")


@pytest.mark.long
def test_a_repeat_that_makes_a_second_record_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = teaching.check_in

    def forget(*args: object) -> AcknowledgedCheckIn:
        return real(*args)._replace(is_repeated=False)  # type: ignore[arg-type]

    monkeypatch.setattr(teaching, "check_in", forget)

    with pytest.raises(CommandError, match="was recorded 2 times"):
        call_command("demo", "--json")


def test_the_two_tasks_reach_the_database_as_the_demo_does(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"USER": "a/b", "PASSWORD": "p@:/?", "HOST": "::1", "PORT": 5433, "NAME": "x y"}
    options = {"sslmode": "require", "connect_timeout": 7}
    used = SimpleNamespace(settings_dict=own | {"OPTIONS": options})
    monkeypatch.setattr(processes, "connection", used)
    monkeypatch.setenv("DATABASE_URL", processes.database_url())

    read = database()

    assert {name: read[name] for name in own} == own
    assert {name: str(read["OPTIONS"][name]) for name in options} == {
        "sslmode": "require",
        "connect_timeout": "7",
    }
