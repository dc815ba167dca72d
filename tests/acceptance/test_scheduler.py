"""The task in the life of the servers that people use: gunicorn, granian, runserver."""

import json
import os
import signal
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest
from apscheduler.events import EVENT_JOB_SUBMITTED, JobSubmissionEvent
from django_apscheduler.models import DjangoJob, DjangoJobExecution

from attendance import scheduler
from attendance.models import AttendanceRecord, PersistenceRun
from tests.acceptance.process_group import serving
from tests.support.lessons import ended_lesson
from tests.support.ports import free_port
from tests.support.processes import DEAD_REDIS, manage
from tests.support.waiting import SECONDS, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

GUNICORN_CONF = """
import os, threading


def note(what):
    names = [thread.name for thread in threading.enumerate()]
    with open(os.environ["NOTES"], "a") as file:
        file.write(what + " " + str(os.getpid()) + " " + ",".join(names) + chr(10))


def when_ready(server):
    note("ready")


def post_worker_init(worker):
    note("worker")


def worker_exit(server, worker):
    pass


def pre_fork(server, worker):
    note("prefork")


def child_exit(server, worker):
    note("master")
"""
JOB_THREAD = "APScheduler"


def threads_by_worker(port: int, workers: int) -> dict[int, list[str]]:
    """The names of the threads in each worker process."""
    seen: dict[int, list[str]] = {}

    def ask() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/threads", timeout=5) as answer:
                told = json.load(answer)
        except OSError:
            return False
        seen[told["pid"]] = told["threads"]
        return len(seen) == workers

    wait_until(ask, f"{workers} workers")
    return seen


def gunicorn(port: int, *options: str) -> list[str]:
    bind = f"127.0.0.1:{port}"
    return ["-m", "gunicorn", "threads_app:application", "--bind", bind, *options]


def granian(port: int, *options: str) -> list[str]:
    where = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    return ["-m", "granian", *where, *options, "threads_app:application"]


def test_a_lesson_that_waits_is_persisted_as_soon_as_the_site_is_live(tmp_path: Path) -> None:
    ended_lesson(3)

    with serving(gunicorn(free_port(), "--workers", "2"), tmp_path):
        wait_until(lambda: AttendanceRecord.objects.count() == 3, "the first run")
        wait_until(DjangoJobExecution.objects.filter(status="Executed").exists, "its execution")

    assert list(DjangoJob.objects.values_list("id", flat=True)) == ["unified_persistence_task"]
    assert DjangoJob.objects.get().next_run_time is not None
    assert set(PersistenceRun.objects.values_list("trigger", flat=True)) == {"scheduler"}
    assert AttendanceRecord.objects.count() == 3


def test_a_process_that_stops_leaves_the_next_run_that_another_told() -> None:
    told = datetime(2026, 3, 2, 10, 5, tzinfo=UTC)
    DjangoJob.objects.create(id=scheduler.JOB_ID, next_run_time=told)
    submitted = JobSubmissionEvent(EVENT_JOB_SUBMITTED, scheduler.JOB_ID, "default", [])

    scheduler._enter_job(submitted)

    assert DjangoJob.objects.get().next_run_time == told


def test_a_first_run_has_its_job_even_while_the_process_stops() -> None:
    submitted = JobSubmissionEvent(EVENT_JOB_SUBMITTED, scheduler.JOB_ID, "default", [])

    scheduler._enter_job(submitted)

    assert DjangoJob.objects.get().id == scheduler.JOB_ID


@pytest.mark.parametrize(
    "options",
    [["--worker-class", "gthread", "--threads", "4"], ["--preload"], ["--worker-class", "sync"]],
    ids=["gthread", "preload", "sync"],
)
def test_each_worker_of_gunicorn_has_one_scheduler_thread(
    options: list[str], tmp_path: Path
) -> None:
    (tmp_path / "conf.py").write_text(GUNICORN_CONF)
    port = free_port()
    conf = ["--config", str(tmp_path / "conf.py"), "--workers", "2", *options]

    with serving(gunicorn(port, *conf), tmp_path) as server:
        workers = threads_by_worker(port, 2)
        # A worker that ends makes the master tell of its own threads.
        os.kill(next(iter(workers)), signal.SIGKILL)
        notes = tmp_path / "notes"
        wait_until(lambda: "master" in notes.read_text(), "the end of a worker")
        threads_by_worker(port, 2)

    assert all(names.count(JOB_THREAD) == 1 for names in workers.values())
    told = [line.split(" ", 2) for line in notes.read_text().splitlines()]
    masters = [names for what, pid, names in told if what == "master" and int(pid) == server.pid]
    assert masters
    assert all(JOB_THREAD not in names for names in masters)
    # Before any request, each worker has its thread.
    assert all(JOB_THREAD in names for what, _, names in told if what == "worker")


def test_each_worker_of_granian_has_one_scheduler_thread(tmp_path: Path) -> None:
    port = free_port()
    with serving(granian(port, "--workers", "2"), tmp_path):
        workers = threads_by_worker(port, 2)

    assert all(names.count(JOB_THREAD) == 1 for names in workers.values())


def test_runserver_has_one_scheduler(tmp_path: Path) -> None:
    ended_lesson(2)
    command = ["manage.py", "runserver", f"127.0.0.1:{free_port()}"]

    with serving(command, tmp_path, ATTN_DEBUG="true"):
        wait_until(lambda: AttendanceRecord.objects.count() == 2, "the first run")
        wait_until(lambda: not PersistenceRun.objects.filter(finished_at=None), "its end")

    assert PersistenceRun.objects.count() == 1


def test_commands_and_tests_have_none() -> None:
    ended_lesson(1)
    for command in ("check", "migrate", "showmigrations"):
        assert manage(command).returncode == 0

    assert not AttendanceRecord.objects.exists()
    assert not scheduler.is_wanted()
    assert not scheduler.is_alive()


def test_it_is_off_where_it_is_switched_off(tmp_path: Path) -> None:
    port = free_port()
    with serving(gunicorn(port), tmp_path, ATTN_SCHEDULER="off"):
        (names,) = threads_by_worker(port, 1).values()

    assert JOB_THREAD not in names


def test_the_site_stays_up_without_redis_and_the_run_says_so(tmp_path: Path) -> None:
    port = free_port()
    with serving(gunicorn(port), tmp_path, REDIS_URL=DEAD_REDIS):
        run = wait_until(
            PersistenceRun.objects.exclude(error="").exclude(finished_at=None).first, "a run"
        )
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            assert answer.status == 200

    assert "cannot be reached" in run.error


def test_a_stop_ends_a_run_between_two_chunks_and_the_next_completes_it(tmp_path: Path) -> None:
    app = tmp_path / "slow_app.py"
    app.write_text(
        "import time\n"
        "import django\n"
        "django.setup()\n"
        "from attendance.services.persistence import candidates, failpoints\n"
        "candidates.CHUNK_LESSONS = 1\n"
        "held = failpoints.installed('committed', lambda ids: time.sleep(0.3))\n"
        "held.__enter__()\n"
        "from attn_project.wsgi import application\n"
    )
    from tests.support.lessons import ended_lessons

    ended_lessons(30, students=1)
    port = free_port()
    command = gunicorn(port)
    command[2] = "slow_app:application"

    with serving(command, tmp_path) as server:
        wait_until(lambda: AttendanceRecord.objects.count() >= 2, "the first chunks")
        os.kill(server.pid, signal.SIGTERM)
        assert server.wait(SECONDS) == 0

    stored = AttendanceRecord.objects.count()
    assert 2 <= stored < 30
    run = PersistenceRun.objects.get()
    assert (run.is_interrupted, run.inserted) == (True, stored)
    assert manage("persist_attendance").returncode == 0
    assert AttendanceRecord.objects.count() == 30
