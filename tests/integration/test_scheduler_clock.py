"""The scheduler of a process whose wall clock is set: it goes on, and its age is told."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest
import redis
from apscheduler.triggers.cron import CronTrigger
from django.test import Client
from django_apscheduler.models import DjangoJob

from attendance import scheduler
from attendance.models import PersistenceRun
from attendance.services.persistence import failpoints
from tests.support import wall_clock
from tests.support.lessons import ended_lessons
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

YEAR = timedelta(days=365)
PERIODS = 3 * 5 * 60.0


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch) -> Iterator[scheduler._Serving]:
    """A scheduler of this process, which ticks each second and looks at the clock often."""
    monkeypatch.setattr(scheduler, "FIRST_RUN_SECONDS", (0.01, 0.02))
    monkeypatch.setattr(scheduler, "LONGEST_SLEEP_SECONDS", 0.1)
    every = CronTrigger(second="*", timezone=UTC)
    monkeypatch.setattr(scheduler, "_trigger", lambda minutes, *, jitter: every)
    made = scheduler._Serving()
    made.is_wanted = True
    monkeypatch.setattr(scheduler, "_serving", made)
    yield made
    made.stop()


def ticks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The instants of the runs, which do nothing else."""
    ran: list[float] = []
    monkeypatch.setattr(scheduler, "_tick", lambda: ran.append(monotonic()))
    return ran


@pytest.mark.parametrize(
    ("at_start", "then"),
    [(YEAR, timedelta(0)), (timedelta(0), YEAR), (timedelta(0), -YEAR)],
    ids=["a year ahead and set right", "set a year ahead", "set a year back"],
)
def test_a_scheduler_goes_on_where_the_clock_was_set(
    at_start: timedelta,
    then: timedelta,
    serving: scheduler._Serving,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran, ahead = ticks(monkeypatch), [at_start]
    with wall_clock.moved(lambda: ahead[0]):
        serving.start()
        wait_until(lambda: len(ran) >= 2, "two runs")
        ahead[0] = then
        before = len(ran)
        wait_until(lambda: len(ran) >= before + 3, "three runs by the new clock", seconds=10)
        serving.stop()


def test_a_scheduler_keeps_its_plan_where_the_clock_runs_on(
    serving: scheduler._Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = CronTrigger(year="2099", timezone=UTC)
    monkeypatch.setattr(scheduler, "_trigger", lambda minutes, *, jitter: planned)
    ran = ticks(monkeypatch)
    serving.start()
    wait_until(lambda: len(ran) == 1, "the first run")
    job = serving.scheduler.get_job(scheduler.JOB_ID) if serving.scheduler else None
    looked = wait_for_looks(serving, 5, monkeypatch)

    assert looked() >= 5
    assert len(ran) == 1
    assert job.next_run_time.year == 2099 if job else False


def wait_for_looks(
    serving: scheduler._Serving, times: int, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], int]:
    """Wait until the scheduler has looked at its clock so often."""
    seen, look = [0], scheduler._ahead_of_monotonic

    def noted() -> float:
        seen[0] += 1
        return look()

    monkeypatch.setattr(scheduler, "_ahead_of_monotonic", noted)
    wait_until(lambda: seen[0] >= times, "looks at the clock")
    return lambda: seen[0]


def told(client: Client) -> dict[str, Any]:
    body = client.get("/readyz", secure=True).json()
    scheduler_part: dict[str, Any] = body["scheduler"]
    return scheduler_part | {"status": body["status"]}


def test_a_scheduler_that_has_not_run_for_three_periods_is_an_alarm(
    serving: scheduler._Serving, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks(monkeypatch)
    serving.start()
    serving.ran_at = monotonic() - PERIODS + 30
    young = told(client)
    assert 870 <= young.pop("age_seconds") < PERIODS
    assert young == {"status": "ok", "ok": True, "is_late": False}

    # The thread lives, and nothing runs.
    serving.ran_at = monotonic() - PERIODS - 1

    old = told(client)
    assert old.pop("age_seconds") > PERIODS
    assert old == {"status": "degraded", "ok": False, "is_late": True}


def test_a_run_makes_the_scheduler_young_between_its_chunks_too(
    serving: scheduler._Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attendance.services.persistence.candidates.CHUNK_LESSONS", 1)
    ended_lessons(6, students=1)
    ages: list[float] = []

    def look(lesson_ids: object) -> None:
        ages.append(scheduler.state().age_seconds or 0.0)
        if len(ages) == 1:
            serving.ran_at = monotonic() - PERIODS - 1

    with failpoints.installed("discarded", look):
        scheduler._tick()

    # Two chunks at a time: the last was asked for long after the first had ended.
    assert len(ages) == 6
    assert ages[-1] < PERIODS
    assert PersistenceRun.objects.get().lessons == 6


def test_a_thread_that_is_revived_is_as_old_as_before(serving: scheduler._Serving) -> None:
    serving.ran_at = monotonic() - PERIODS - 1
    serving.start()

    assert scheduler.state().is_late


def test_a_process_without_a_scheduler_sees_that_those_of_others_stand_still(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "_elsewhere", scheduler._Elsewhere())
    at = datetime(2026, 3, 2, 10, 5, tzinfo=UTC)
    assert "age_seconds" not in told(client)
    DjangoJob.objects.create(id=scheduler.JOB_ID, next_run_time=at)

    assert told(client)["age_seconds"] == 0
    scheduler._elsewhere.changed_at = monotonic() - PERIODS - 1
    assert told(client)["status"] == "degraded"
    # Whatever the other's clock says: a run is a change.
    DjangoJob.objects.update(next_run_time=at - YEAR)
    assert told(client)["status"] == "ok"


@pytest.mark.parametrize("seconds", [0, 4_133_980_800], ids=["1970", "2101"])
def test_a_wrong_clock_of_redis_is_not_ready(
    seconds: int, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis.Redis, "time", lambda self, **_: (seconds, 0))

    answer = client.get("/readyz", secure=True)

    assert answer.status_code == 503
    assert "clock of the live store is outside" in answer.json()["redis"]["detail"]
