"""Jobs: enqueued with their cause, run by one at a time, tried again, given up, and never lost."""

import json
import signal
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from jobs import draining, keeping
from jobs.draining import JobOutcome
from jobs.models import Job
from tests.support import job_kinds
from tests.support.job_kinds import RETRIES, fails, note, write_line
from tests.support.processes import python
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def only_job() -> Job:
    return Job.objects.get()


def make_due() -> None:
    """Let the waiting times and leases of all jobs be over."""
    now = timezone.now() - timedelta(seconds=1)
    Job.objects.waiting().update(run_after=now)
    Job.objects.exclude(leased_until=None).update(leased_until=now)


def test_a_job_is_there_if_its_cause_is_and_once_for_each() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        note.enqueue(number=1)
        _ = 1 / 0
    assert not Job.objects.exists()

    for number in (1, 2):
        with transaction.atomic():
            note.using(once="cause 1").enqueue(number=number)
    note.using(run_after=timezone.now() + timedelta(hours=1)).enqueue(number=3)

    assert draining.drain()[JobOutcome.DONE] == 1
    note.using(once="cause 1").enqueue(number=4)
    assert draining.drain()[JobOutcome.DONE] == 0
    assert job_kinds.called == [1]


def test_drainers_at_once_run_each_job_once() -> None:
    for number in range(40):
        note.enqueue(number=number)
    ready = threading.Barrier(4)

    def work() -> None:
        ready.wait()
        draining.drain()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(job_kinds.called) == list(range(40))
    assert not Job.objects.waiting().exists()


@pytest.mark.parametrize(
    ("how", "said", "tries"),
    [("later", "come back", 3), ("never", "not like this", 1), ("error", "ValueError", 3)],
)
def test_what_fails_is_tried_again_by_its_schedule_and_then_given_up(
    how: str, said: str, tries: int
) -> None:
    fails.enqueue(how=how)
    for wait in RETRIES[: tries - 1]:
        before = timezone.now()
        assert draining.run_one() is JobOutcome.LATER
        waits = only_job().run_after - before
        assert wait <= waits < wait + timedelta(seconds=30)
        assert draining.run_one() is None
        make_due()

    assert draining.run_one() is JobOutcome.GIVEN_UP
    job = only_job()
    assert (job.attempts, job.last_error) == (tries, said)
    assert keeping.count_jobs(at=timezone.now())[:2] == (0, 1)

    assert keeping.try_again(Job.objects.all()) == 1
    assert draining.run_one() is not None


@pytest.mark.parametrize("kind", ["jobs.nothing.here", "tests.support.job_kinds.not_a_task"])
def test_what_is_no_kind_of_this_release_is_never_called_and_waits(kind: str) -> None:
    Job.objects.create(kind=kind, arguments={"number": 1})

    assert draining.run_one() is JobOutcome.LATER
    assert job_kinds.called == []


def test_while_a_lease_lasts_nobody_else_takes_the_job_and_a_late_call_settles_nothing() -> None:
    note.enqueue(number=1)
    found = []

    def another_one() -> None:
        found.append(draining.run_one())
        make_due()
        Job.objects.update(attempts=F("attempts") + 1, leased_until=timezone.now())

    job_kinds.meanwhile.append(another_one)

    assert draining.run_one() is JobOutcome.LOST
    assert found == [None]
    assert only_job().settled_at is None


def test_a_kill_leaves_the_job_to_the_next_and_one_that_kills_is_given_up() -> None:
    note.enqueue(number=1)
    code = (
        "import os\nfrom jobs import draining\n"
        "draining._call = lambda *_: os._exit(9)\ndraining.drain()"
    )
    with python(code) as killed:
        assert killed.wait(60) == 9
    assert draining.run_one() is None
    make_due()
    assert draining.run_one() is JobOutcome.DONE

    Job.objects.update(settled_at=None, attempts=len(RETRIES) + 1)
    assert draining.run_one() is JobOutcome.GIVEN_UP
    assert only_job().last_error == "ended with its process each time"


def test_the_command_drains_once_or_until_it_is_told_to_end(tmp_path: Path, capsys: Any) -> None:
    note.enqueue(number=1)
    call_command("work", once=True, json=True)
    assert json.loads(capsys.readouterr().out) == {
        "done": 1,
        "later": 0,
        "given_up": 0,
        "lost": 0,
    }
    fails.enqueue(how="never")
    with pytest.raises(CommandError):
        call_command("work", once=True)

    lines = tmp_path / "lines"
    for number in (1, 2):
        write_line.enqueue(path=str(lines), number=number, seconds=1.5)
    code = "from django.core.management import call_command\ncall_command('work')"
    with python(code) as worker:
        wait_until(lines.exists, "the first job")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0
    assert lines.read_text() == "1 begins\n1 ends\n"
    assert Job.objects.waiting().count() == 1


def test_what_is_old_is_removed_and_what_waits_is_not() -> None:
    now = timezone.now()
    old = {"enqueued_at": now - timedelta(days=60), "kind": "a"}
    Job.objects.create(**old)
    Job.objects.create(**old, settled_at=now - timedelta(days=8))
    Job.objects.create(**old, settled_at=now - timedelta(days=6))
    Job.objects.create(**old, failed_at=now - timedelta(days=31))
    Job.objects.create(**old, failed_at=now - timedelta(days=29))

    assert keeping.remove_old(now=now) == 2
    assert Job.objects.count() == 3
