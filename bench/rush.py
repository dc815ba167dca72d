"""1,500 students in a minute over HTTP, while tasks persist other lessons.

    ./attn test bench/rush.py -s

A minute of check-ins, and a minute of the same requests to a view that does
nothing, beside the same tasks: every six seconds one that persists 100 lessons of
200. Waiting counts from the instant at which a student arrives, not from the one
at which a connection was free.
"""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple
from uuid import UUID

import pytest

from attendance.live import store
from attendance.models import AttendanceRecord
from bench import worker
from bench.check_in import live_lesson
from bench.figures import Figure, note
from bench.site import KeptConnection, percentile, served, tokens_for
from tests.support.backlog import Backlog, fill

STUDENTS, SECONDS, SENDERS, SEED = 1_500, 60, 24, 7
TASKS, LESSONS = 10, 100


class Minute(NamedTuple):
    waits_ms: list[float]
    statuses: set[int]
    share: float
    """Of one core that the load generator took."""
    persisted: int


def arrivals() -> list[float]:
    """Most come in the first twenty seconds, as when a code goes up on the screen."""
    rng = random.Random(SEED)
    return sorted(min(rng.expovariate(1 / 12), SECONDS * rng.random()) for _ in range(STUDENTS))


@contextmanager
def persisting() -> Iterator[list[int]]:
    """A task of its own process every six seconds, each with 100 lessons."""
    stored: list[int] = []
    stop = threading.Event()
    # All of them are ready before the minute begins: starting is not what is measured.
    ready = worker.start(TASKS, limit=LESSONS)

    def work() -> None:
        for each in ready:
            _, (said,) = worker.run([each])
            stored.append(said["inserted"])
            stop.wait(SECONDS / TASKS)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield stored
    finally:
        stop.set()
        thread.join()


def once(port: int, path: str, token: str) -> int:
    """A phone's request: on a connection of its own."""
    caller = KeptConnection(port)
    try:
        return caller.post(path, token)
    finally:
        caller.close()


def minute(port: int, path: str, tokens: list[str]) -> Minute:
    """Send one request for each token, each at its own instant."""
    queue = iter(zip(arrivals(), tokens, strict=True))
    lock, waits, statuses = threading.Lock(), list[float](), set[int]()
    with persisting() as stored:
        cpu, started = time.process_time(), time.perf_counter()

        def send() -> None:
            while True:
                with lock:
                    at, token = next(queue, (0.0, ""))
                if not token:
                    return
                time.sleep(max(0.0, started + at - time.perf_counter()))
                statuses.add(once(port, path, token))
                waits.append((time.perf_counter() - started - at) * 1_000)

        senders = [threading.Thread(target=send) for _ in range(SENDERS)]
        for each in senders:
            each.start()
        for each in senders:
            each.join()
        took = time.perf_counter() - started
    return Minute(waits, statuses, (time.process_time() - cpu) / took, sum(stored))


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(900)
def test_rush() -> None:
    tokens = tokens_for(STUDENTS)
    minutes: dict[str, Minute] = {}
    with served(2) as port:
        warm = live_lesson(0)
        lesson = live_lesson(1)
        for token in tokens[:200]:
            once(port, f"/api/v1/lessons/{warm}/check-in/", token)
        for series, (name, path) in enumerate(paths(lesson).items()):
            fill(Backlog(TASKS * LESSONS, series=series))
            minutes[name] = minute(port, path, tokens)
            assert minutes[name].statuses == {201}, minutes[name].statuses
            assert minutes[name].persisted == TASKS * LESSONS * 200
    assert store.read_lesson(lesson).record_count == STUDENTS
    assert AttendanceRecord.objects.count() == 2 * TASKS * LESSONS * 200
    told = {
        name: f"p50 {percentile(m.waits_ms, 0.5):.1f} ms, p99 {percentile(m.waits_ms, 0.99):.0f} ms"
        for name, m in minutes.items()
    }
    note(
        Figure(
            "1,500 students check in within 60 s over HTTP, each on a connection of their own, "
            "while tasks persist 100 lessons at a time",
            "no error; p99 beside the bare view's",
            f"no error; {told['check-in']}",
            f"bare view, same load: {told['bare']}; load generator {minutes['check-in'].share:.0%} "
            f"of one core; {minutes['check-in'].persisted:,} records persisted meanwhile",
        )
    )


def paths(lesson: UUID) -> dict[str, str]:
    return {"bare": f"/bench/bare/{lesson}/", "check-in": f"/api/v1/lessons/{lesson}/check-in/"}
