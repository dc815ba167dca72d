"""The demo's logins work only while it runs: however it ends, nothing is left of them."""

import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.contrib.auth import authenticate
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken
from pytest_django.fixtures import Settings

from attendance.models import Attendance, AttendanceRecord
from demo import classes, site, timetable, watching
from demo.logins import end_logins, tokens_of
from demo.term import DemoSchool, ensure_term
from launcher import demo_logins
from tests.support.processes import environment
from users.credentials import caller_of_token
from users.demo_numbers import DEMO_NUMBERS, DEMO_STUDENT_NUMBER, DEMO_TEACHER_NUMBER
from users.models import User

DOOR = "users.backends.DemoBackend"
PASSWORD = "only-here"


@pytest.fixture
def while_it_runs(settings: Settings) -> Settings:
    settings.DEMO_PASSWORD = PASSWORD
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, DOOR]
    return settings


@pytest.fixture
def people(db: None) -> dict[str, User]:
    return {
        number: User.objects.create_user(number, f"Somebody {number}", role=role)
        for number, role in zip(DEMO_NUMBERS, ("teacher", "student", "staff"), strict=True)
    }


@pytest.mark.parametrize("number", DEMO_NUMBERS)
def test_a_login_needs_the_password_of_a_running_demo(
    number: str, people: dict[str, User], while_it_runs: Settings
) -> None:
    assert authenticate(None, username=number.lower(), password=PASSWORD) == people[number]
    assert authenticate(None, username=number, password="another") is None

    while_it_runs.DEMO_PASSWORD = ""
    assert authenticate(None, username=number, password=PASSWORD) is None
    assert authenticate(None, username=number, password="") is None


def test_the_password_opens_no_other_account(
    people: dict[str, User], while_it_runs: Settings
) -> None:
    User.objects.create_user("DEMO-S001", "Somebody else")
    assert authenticate(None, username="DEMO-S001", password=PASSWORD) is None


@pytest.mark.django_db(transaction=True)
def test_tokens_sessions_and_passwords_end(
    people: dict[str, User], while_it_runs: Settings
) -> None:
    other = User.objects.create_user("S-1", "Somebody else", password="a password of S-1")
    kept = AuthToken.objects.create(user=other)[1]
    token = AuthToken.objects.create(user=people[DEMO_TEACHER_NUMBER])[1]
    assert caller_of_token(token)
    people[DEMO_STUDENT_NUMBER].set_password("given by hand")
    people[DEMO_STUDENT_NUMBER].save()
    client = Client()
    client.force_login(people[DEMO_TEACHER_NUMBER], backend=DOOR)
    assert client.get("/lessons/", secure=True).status_code == 200

    assert end_logins() == 3

    assert caller_of_token(token) is None
    assert client.get("/lessons/", secure=True).status_code == 302
    assert not User.objects.get(school_number=DEMO_STUDENT_NUMBER).has_usable_password()
    assert caller_of_token(kept)
    other.refresh_from_db()
    assert other.has_usable_password()
    assert other.session_version == 0


def test_tokens_are_taken_back_whatever_happens(people: dict[str, User]) -> None:
    with pytest.raises(KeyboardInterrupt), tokens_of(people.values()) as tokens:
        assert tokens.keys() == people.keys()
        raise KeyboardInterrupt
    assert not AuthToken.objects.exists()


HOLD = """
import signal, sys, time
from pathlib import Path
from types import SimpleNamespace
from launcher import cli, demo_logins
signal.signal(signal.SIGTERM, cli._terminate)
folder = Path(sys.argv[1])
def end():
    (folder / "ended").open("a").write("x")
    return True
with demo_logins.open_while(SimpleNamespace(state=folder), end):
    print("open", flush=True)
    time.sleep(60)
"""


class Ending:
    """A demo's folder, and how often its logins were ended."""

    def __init__(self, folder: Path) -> None:
        self.project: Any = SimpleNamespace(state=folder)
        self._file = folder / "ended"

    def __call__(self) -> bool:
        with self._file.open("a") as file:
            file.write("x")
        return True

    @property
    def times(self) -> int:
        return len(self._file.read_text()) if self._file.exists() else 0

    def run_demo(self) -> "subprocess.Popen[str]":
        child = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(self.project.state)],
            cwd=site_settings.BASE_DIR,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert child.stdout
        assert child.stdout.readline() == "open\n"
        return child


@pytest.fixture
def ending(tmp_path: Path) -> Ending:
    return Ending(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_ends_its_logins(number: signal.Signals, ending: Ending) -> None:
    with ending.run_demo() as demo:
        demo.send_signal(number)

    assert ending.times == 1
    demo_logins.end_left(ending.project, ending)
    assert ending.times == 1


def test_what_a_killed_demo_has_left_the_next_start_ends(ending: Ending) -> None:
    with ending.run_demo() as demo:
        demo.kill()

    assert ending.times == 0
    demo_logins.end_left(ending.project, lambda: False)
    demo_logins.end_left(ending.project, ending)
    assert ending.times == 1
    demo_logins.end_left(ending.project, ending)
    assert ending.times == 1


def test_a_start_beside_a_demo_leaves_its_logins_alone(ending: Ending) -> None:
    with ending.run_demo() as demo:
        demo_logins.end_left(ending.project, ending)
        with demo_logins.open_while(ending.project, ending):
            pass
        assert ending.times == 0
        demo.terminate()

    assert ending.times == 1


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_class_fills_up_while_somebody_looks(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", environment()["DATABASE_URL"])
    school: DemoSchool = ensure_term(timezone.now(), lambda count: None)
    group = classes.class_of(school, timetable.LIVE[0])
    pace = watching.Pace(come=2, come_late=3, over=4, pause=0)
    with site.served("") as where:
        with tokens_of([group.teacher]) as tokens:
            own = tokens[DEMO_TEACHER_NUMBER]
            # As a demo that was killed leaves it.
            left = classes.begin_lesson(where, own, group.section)
        lesson_id = watching.play_lesson(where, group, pace)
        with tokens_of([group.teacher]) as tokens:
            _, lesson = where.call("GET", f"lessons/{lesson_id}/", tokens[DEMO_TEACHER_NUMBER])

    assert lesson_id
    assert lesson["state"] == "discarded"
    assert lesson_id != left
    assert not Attendance.objects.get(pk=left).records.exclude(source="system").exists()
    rows = AttendanceRecord.objects.filter(attendance_id=lesson_id)
    assert rows.filter(is_expected=True).count() == len(group.roster)
    missing = rows.filter(source="system", status="absent")
    assert 0 < missing.count() < len(group.roster) / 4
    assert missing.filter(student__school_number=DEMO_STUDENT_NUMBER).exists()
    held = rows.get(is_expected=False)
    assert (held.status, held.reason) == ("pending", "not_on_roster")
    assert not AuthToken.objects.exists()
