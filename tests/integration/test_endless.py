"""What would grow for ever ends by a rule: rows of runs, executions, names, outboxes."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_apscheduler.models import DjangoJob, DjangoJobExecution

from attendance import scheduler
from attendance.models import PersistenceRun
from attendance.services import sites
from attendance.services.persistence import unified_persistence_task
from attendance.services.persistence.candidates import RunOptions
from attendance.services.persistence.runs import UNSTORED_KEPT
from attendance.vocabulary import Trigger
from tests.support.lessons import ended_lesson, forget_everything, live_lesson

pytestmark = pytest.mark.django_db(transaction=True)


def tick(trigger: Trigger = Trigger.SCHEDULER) -> None:
    unified_persistence_task(options=RunOptions(trigger=trigger))


def kept() -> list[int]:
    return list(PersistenceRun.objects.order_by("pk").values_list("pk", flat=True))


def test_of_the_runs_that_had_nothing_to_do_the_newest_row_is_kept() -> None:
    ended_lesson(2)
    tick()
    [stored] = kept()
    live_lesson(1)

    for _ in range(3):
        tick()
    tick(Trigger.COMMAND)
    for _ in range(2):
        tick()

    first, command, last = kept()
    assert first == stored
    rows = PersistenceRun.objects.in_bulk()
    assert rows[command].trigger == Trigger.COMMAND
    assert rows[last].trigger == Trigger.SCHEDULER
    assert rows[last].finished_at is not None
    # Redis has counted every run, and the row that is left has the highest number.
    assert rows[last].live_mark == 7


def test_runs_that_failed_or_were_cut_off_are_kept_for_thirty_days() -> None:
    tick()
    beginning, ago = timezone.now(), UNSTORED_KEPT + timedelta(days=1)
    made = {
        "failed": PersistenceRun(failed=1, finished_at=beginning),
        "error": PersistenceRun(error="Redis: gone", finished_at=beginning),
        "killed": PersistenceRun(),
        "cut off": PersistenceRun(is_interrupted=True, finished_at=beginning),
    }
    for run in made.values():
        run.trigger, run.live_mark = Trigger.SCHEDULER, 1
        run.save()
    stored = PersistenceRun.objects.create(
        trigger=Trigger.SCHEDULER, lessons=1, commit_mark=1, started_at=beginning - 2 * ago
    )

    tick()
    assert {run.pk for run in made.values()} <= set(kept())

    PersistenceRun.objects.filter(pk__in=[run.pk for run in made.values()]).update(
        started_at=beginning - ago
    )
    tick()
    assert kept()[:-1] == [stored.pk]


def test_the_row_that_says_how_far_redis_was_outlives_an_older_redis() -> None:
    for _ in range(5):
        tick()
    [highest] = kept()
    forget_everything()

    tick()

    assert highest in kept()
    assert sites.disagreement() is not None
    tick()
    # Told once, Redis counts on from there, and the row is not needed any more.
    [newest] = PersistenceRun.objects.all()
    assert newest.live_mark == 6


def test_many_runs_without_a_mark_hide_neither_mark() -> None:
    ended_lesson(1)
    tick()
    PersistenceRun.objects.bulk_create(
        PersistenceRun(trigger=Trigger.API, error="Redis: gone")
        for _ in range(sites.RUNS_LOOKED_AT + 1)
    )
    tick()
    assert sites.disagreement() is None

    forget_everything()
    tick()

    told = sites.disagreement()
    assert told is not None
    assert told.disagreement == sites.REDIS_IS_OLDER


def test_executions_are_kept_for_a_week() -> None:
    job = DjangoJob.objects.create(id=scheduler.JOB_ID)
    ages = {days: timezone.now() - timedelta(days=days) for days in (1, 6, 8, 400)}
    for at in ages.values():
        DjangoJobExecution.objects.create(job=job, status="Executed", run_time=at)

    scheduler._tick()

    left = set(DjangoJobExecution.objects.values_list("run_time", flat=True))
    assert left == {ages[1], ages[6]}
