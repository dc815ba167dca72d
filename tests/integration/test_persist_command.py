"""manage.py persist_attendance: what it prints, and its exit status."""

import json
import os
import pty
import signal
import subprocess
import sys
from uuid import uuid4

import pytest
from django.conf import settings

from attendance.models import AttendanceRecord
from tests.support.lessons import end as end_lesson
from tests.support.lessons import ended_lesson, ended_lessons, live_lesson, put_record
from tests.support.processes import DEAD_DATABASE, DEAD_REDIS, environment, manage, python

pytestmark = pytest.mark.django_db(transaction=True)

COMMAND = "persist_attendance"


def test_nothing_to_do_is_said_and_is_no_error() -> None:
    done = manage(COMMAND)

    assert (done.returncode, done.stdout.strip()) == (0, "Nothing to do: no lesson waits.")


def test_json_is_one_object_with_the_totals() -> None:
    ended_lesson(3)

    done = manage(COMMAND, "--json")

    told = json.loads(done.stdout)
    assert done.returncode == 0
    assert told["totals"]["inserted"] == told["totals"]["recorded"] == 3
    assert told["sums_agree"] is True
    assert done.stderr == ""


def test_run_twice_it_changes_nothing_and_says_so() -> None:
    lesson = ended_lesson(3)
    manage(COMMAND)

    done = manage(COMMAND, "--lesson", str(lesson.id))

    assert done.returncode == 0
    assert "Nothing had to be changed." in done.stdout


def test_a_lesson_that_goes_on_is_said_to_be_not_over_yet() -> None:
    lesson = live_lesson(2)

    done = manage(COMMAND, "--lesson", str(lesson.id))

    assert done.returncode == 0
    said = (
        f"not over yet: {lesson.data.lesson_name}. It ends at {lesson.ends_at:%Y-%m-%d %H:%M} UTC"
    )
    assert said in done.stdout
    assert not AttendanceRecord.objects.exists()


def test_something_in_quarantine_is_3() -> None:
    lesson = live_lesson(2)
    put_record(lesson.id, "S-0001", b"garbage")
    end_lesson(lesson.id)

    assert manage(COMMAND).returncode == 3


def test_a_failed_lesson_is_4_and_the_others_are_saved() -> None:
    lesson = ended_lesson(2)

    done = manage(COMMAND, "--lesson", str(uuid4()), "--lesson", str(lesson.id))

    assert done.returncode == 4
    assert AttendanceRecord.objects.count() == 2


@pytest.mark.parametrize(
    "arguments",
    [["--lesson", "x"], ["--limit", "0"], ["--chunk-records", "-1"], ["--limit", "x"], ["--nope"]],
)
def test_bad_arguments_are_2(arguments: list[str]) -> None:
    done = manage(COMMAND, *arguments)

    assert done.returncode == 2
    assert "error" in done.stderr


@pytest.mark.parametrize(
    "gone", [{"DATABASE_URL": DEAD_DATABASE}, {"REDIS_URL": DEAD_REDIS}], ids=["pg", "redis"]
)
def test_a_server_that_cannot_be_reached_is_75_and_says_so_in_a_line(gone: dict[str, str]) -> None:
    ended_lesson(1)

    done = manage(COMMAND, "--json", env=gone)

    assert done.returncode == 75
    assert "Nothing is lost" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(done.stdout)["unavailable"]
    assert manage(COMMAND).returncode == 0
    assert AttendanceRecord.objects.count() == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_between_two_chunks_with_130(number: signal.Signals) -> None:
    ended_lessons(4, students=2)
    code = """
from django.core.management import call_command
from attendance.services.persistence import failpoints
def wait(ids):
    print("reached", flush=True)
    sys.stdin.readline()
with failpoints.installed("committed", wait):
    call_command("persist_attendance", "--chunk-records=2")
"""
    with python(code) as child:
        assert child.stdout
        assert child.stdin
        assert child.stdout.readline() == "reached\n"
        child.send_signal(number)
        said, _ = child.communicate("go\n", timeout=30)

    assert child.returncode == 130
    assert "Interrupted" in said
    # Both lanes finish what they have begun, and begin nothing else.
    assert AttendanceRecord.objects.count() == 4
    assert manage(COMMAND).returncode == 0
    assert AttendanceRecord.objects.count() == 8


def test_a_dry_run_says_that_constraints_are_not_tried() -> None:
    ended_lesson(2)

    done = manage(COMMAND, "--dry-run")

    assert done.returncode == 0
    assert "no constraint was tried" in done.stdout
    assert not AttendanceRecord.objects.exists()


def test_the_bar_is_drawn_on_a_terminal_only() -> None:
    ended_lesson(2)
    ours, theirs = pty.openpty()
    child = subprocess.run(
        [sys.executable, "manage.py", COMMAND],
        cwd=settings.BASE_DIR,
        env=environment(TERM="xterm"),
        stdout=subprocess.PIPE,
        stderr=theirs,
        timeout=240,
        check=False,
    )
    os.close(theirs)
    drawn = os.read(ours, 65536)
    os.close(ours)

    assert child.returncode == 0
    assert b"persisting" in drawn
    assert b"persisting" not in child.stdout
