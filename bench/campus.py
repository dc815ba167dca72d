"""The first five minutes of an hour on a campus: 400 lessons begin, and 20,000 people check in.

    ./attn test bench/campus.py -s

30,000 people have accounts. Two hosts of two processes each serve the site, on one PostgreSQL and
one Redis; the same on a Redis Cluster of three. Boards are asked every two seconds, as those do
that have no event stream; the hour before is persisted meanwhile, and somebody reads reports.
Waiting counts from the instant at which a student arrives.
"""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final, NamedTuple
from uuid import UUID

import pytest
from django.db import connection
from knox.models import AuthToken
from pytest_django.fixtures import Settings

from attendance.live import client, store
from attendance.models import AttendanceRecord
from attn_project.reading import cluster_nodes
from bench import worker
from bench.check_in import live_lesson, posting, send
from bench.figures import ROUNDS, Figure, middle, note
from bench.parts import Usage, usage
from bench.reports import made_course
from bench.rush import once
from bench.site import KeptConnection, percentile, served, tokens_for
from tests.support.backlog import Backlog, fill
from tests.support.callers import account
from tests.support.cluster_nodes import cluster
from tests.support.lessons import TEACHER, ended_lessons
from users.identity import Person, Role
from users.models import User
from users.tokens import issue_token

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(1_800)]

SECONDS: Final = int(os.environ.get("ATTN_CAMPUS_SECONDS", "300"))
"""Fewer, to try the bench itself: then fewer people come."""
PEOPLE, LESSONS = 30_000, 400
PRESENT: Final = 20_000 * SECONDS // 300
HOSTS, PROCESSES, SENDERS, SEED = 2, 2, 32, 17
BOARDS, BOARD_SECONDS = 40, 2
REPORT_SECONDS = 5
BEFORE, BEFORE_ON_CLUSTER = Backlog(LESSONS, share=50), (50, 40)
"""The hour before, which waits to be stored: lessons and marks of each. On a cluster they are
written one by one, so there are fewer."""
_PEOPLE = """
    INSERT INTO users_user (school_number, full_name, role, email, password, is_active,
           is_superuser, session_version, created_at)
    SELECT 'C-' || lpad(n::text, 6, '0'), 'Student ' || n, 'student', '', '!', true, false, 0, now()
      FROM generate_series(1, %s) AS n"""


class WaitedFor(NamedTuple):
    """What people and boards have waited, in milliseconds, and every status that was answered."""

    check_ins: list[float]
    boards: list[float]
    reports: list[float]
    statuses: set[int]


class CampusHour(NamedTuple):
    heard: WaitedFor
    used: Usage
    seconds: float
    persisted: int


def tokens() -> list[str]:
    """A token of each of those who come."""
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE, [PEOPLE])
    of_all = User.objects.filter(school_number__startswith="C-").order_by("?")
    return [AuthToken.objects.create(user=user)[1] for user in of_all[:PRESENT]]


def arrivals() -> list[float]:
    """Most come in the first minute and a half."""
    rng = random.Random(SEED)
    mean = SECONDS / 5
    return sorted(min(rng.expovariate(1 / mean), SECONDS * rng.random()) for _ in range(PRESENT))


@contextmanager
def asking(every: float, ask: Callable[[], int], waits: list[float]) -> Iterator[set[int]]:
    """Ask again and again beside the block; the statuses that were answered."""
    stop, statuses = threading.Event(), set[int]()

    def work() -> None:
        while not stop.is_set():
            started = time.perf_counter()
            statuses.add(ask())
            waits.append((time.perf_counter() - started) * 1_000)
            stop.wait(every)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield statuses
    finally:
        stop.set()
        thread.join()


def come(ports: Sequence[int], lessons: Sequence[UUID], tokens: Sequence[str]) -> WaitedFor:
    """Everybody comes at an instant of their own, on a connection of their own."""
    queue = iter(enumerate(zip(arrivals(), tokens, strict=True)))
    lock, heard = threading.Lock(), WaitedFor([], [], [], set())
    started = time.perf_counter()

    def send() -> None:
        while True:
            with lock:
                number, (at, token) = next(queue, (0, (0.0, "")))
            if not token:
                return
            time.sleep(max(0.0, started + at - time.perf_counter()))
            path = f"/api/v1/lessons/{lessons[number % LESSONS]}/check-in/"
            heard.statuses.add(once(ports[number % len(ports)], path, token))
            heard.check_ins.append((time.perf_counter() - started - at) * 1_000)

    senders = [threading.Thread(target=send) for _ in range(SENDERS)]
    for each in senders:
        each.start()
    for each in senders:
        each.join()
    return heard


def readers(port: int, lessons: Sequence[UUID], boards: list[float], reports: list[float]) -> Any:
    """Those who look while others come: boards of lessons, and a report of a course."""
    section = made_course("R", 40, 60)
    reader = issue_token(account(TEACHER).pk).token
    stack = ExitStack()
    for number in range(BOARDS):
        teacher = Person(f"T-{number}", f"Teacher {number}", Role.TEACHER)
        token, path = issue_token(account(teacher).pk).token, f"lessons/{lessons[number]}/records/"
        ask = _asked(port, path, token)
        stack.enter_context(asking(BOARD_SECONDS, ask, boards))
    ask = _asked(port, f"reports/people/?section={section.pk}", reader)
    stack.enter_context(asking(REPORT_SECONDS, ask, reports))
    return stack


def _asked(port: int, path: str, token: str) -> Callable[[], int]:
    def ask() -> int:
        caller = KeptConnection(port)
        status = caller.get(f"/api/v1/{path}", token)
        caller.close()
        assert status == 200, (path, status)
        return status

    return ask


def hour(redis: Callable[[], list[Mapping[str, float]]], before: int) -> CampusHour:
    """Lessons begin, people come, and the `before` marks of the hour before are stored."""
    came = tokens()
    lessons = [live_lesson(number) for number in range(LESSONS)]
    heard = WaitedFor([], [], [], set())
    with ExitStack() as stack:
        ports = [stack.enter_context(served(PROCESSES)) for _ in range(HOSTS)]
        ready = worker.start(1)
        # What is made for readers is no part of what is measured.
        beside = readers(ports[1], lessons, heard.boards, heard.reports)
        begun, started = usage(ports=ports, redis=redis), time.perf_counter()
        persisting = threading.Thread(target=lambda: said.extend(worker.run(ready)[1]))
        said: list[dict[str, Any]] = []
        persisting.start()
        with beside:
            told = come(ports, lessons, came)
        persisting.join()
        after, seconds = usage(ports=ports, redis=redis), time.perf_counter() - started
    used = Usage(*(b - a for a, b in zip(begun, after, strict=True)))
    assert told.statuses == {201}, told.statuses
    # Every mark is there, once.
    assert sum(store.read_lesson(each).record_count for each in lessons) == PRESENT
    assert sum(each["inserted"] for each in said) == before
    assert AttendanceRecord.objects.filter(school_number__startswith="S-").count() == before
    waited = heard._replace(check_ins=told.check_ins, statuses=told.statuses)
    return CampusHour(waited, used, seconds, before)


def tell(where: str, found: CampusHour) -> None:
    waits = {"check-in": found.heard.check_ins, "board": found.heard.boards}
    waits["report"] = found.heard.reports
    told = "; ".join(
        f"{name} p50 {percentile(each, 0.5):.0f} ms, p99 {percentile(each, 0.99):.0f} ms"
        for name, each in waits.items()
    )
    shares = ", ".join(
        f"{name} {seconds / found.seconds:.0%}" for name, seconds in found.used._asdict().items()
    )
    note(
        Figure(
            f"{PRESENT:,} of {PEOPLE:,} people check in to {LESSONS} lessons within {SECONDS} s, "
            f"two hosts, {where}",
            "no error",
            "no error",
            f"{told}; of one core: {shares}; {found.persisted:,} records persisted meanwhile",
        )
    )


def test_on_one_redis() -> None:
    fill(BEFORE)
    tell("one Redis", hour(lambda: [client.connection().info("cpu")], BEFORE.records))


def test_on_a_cluster_of_three(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with cluster() as made:
        monkeypatch.setenv("REDIS_URL", made.url)
        settings.LIVE_STORE_NODES = cluster_nodes(made.url)
        lessons, share = BEFORE_ON_CLUSTER
        ended_lessons(lessons, share)
        found = hour(lambda: [node.client().info("cpu") for node in made.nodes], lessons * share)
    tell("a Redis Cluster of three", found)


def test_by_processes() -> None:
    """One Redis, and more and more processes of the site; who sends needs a core as well."""
    came = tokens_for(600)
    told = []
    for processes in (1, 2, 3, 4):
        with served(processes) as port:
            rates, shares = [], []
            for number in range(ROUNDS + 1):
                path = f"/api/v1/lessons/{live_lesson(100 * processes + number)}/check-in/"
                before = _redis_seconds()
                seconds = send(port, posting(path), came)
                rates.append(len(came) / seconds)
                shares.append((_redis_seconds() - before) / seconds)
        told.append((middle(rates[1:]), middle(shares[1:])))
    note(
        Figure(
            "check-ins a second with 1, 2, 3 and 4 processes of the site on one machine",
            "none",
            " · ".join(f"{rate / told[0][0]:.2f}" for rate, _ in told),
            " · ".join(f"{rate:,.0f}/s, Redis {share:.0%} of a core" for rate, share in told),
        )
    )


def _redis_seconds() -> float:
    used = client.connection().info("cpu")
    return float(used["used_cpu_user"] + used["used_cpu_sys"])
