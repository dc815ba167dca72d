"""Check-ins a second, against a bare view and against REST framework with an INSERT.

    ./attn test bench/check_in.py -s

One worker of the server that `./attn serve` uses, one process that sends, the
three in turn, five rounds, the median; the rows of both sides are counted
afterwards. The ratios are the figures: machines differ.
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from statistics import median
from uuid import UUID

import pytest
from django.conf import settings
from knox.models import AuthToken

from attendance.live import store
from attendance.models import AttendanceRecord
from attendance.services.lessons import LessonPlan, start_lesson
from tests.factories import AttendanceFactory
from tests.processes import environment
from users.identity import Person, Role
from users.models import User

STUDENTS, ROUNDS, CONNECTIONS = 600, 5, 8


@contextmanager
def served() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "bench.wsgi:application", "--threads", "8"]
    command += ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--workers", "1"]
    command += ["--log-level", "error", "--no-control-socket"]
    env = environment(ATTN_SCHEDULER="off", ATTN_HTTPS="false", ATTN_LOG_LEVEL="ERROR")
    child = subprocess.Popen(command, cwd=settings.BASE_DIR, env=env)
    try:
        while not listens(port):
            time.sleep(0.05)
        yield port
    finally:
        child.terminate()
        child.wait(20)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def send(port: int, path: str, tokens: list[str]) -> float:
    """One request for each token over a few connections; returns seconds."""

    def work(share: list[str]) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        for token in share:
            headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
            connection.request("POST", path, "{}", headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 201, answer.status
        connection.close()

    started = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(work, [tokens[i::CONNECTIONS] for i in range(CONNECTIONS)]))
    return time.perf_counter() - started


def live_lesson(number: int) -> UUID:
    teacher = Person(f"T-{number}", f"Teacher {number}", Role.TEACHER)
    return start_lesson(LessonPlan("Bench", minutes=30), teacher=teacher).id


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(600)
def test_check_in() -> None:
    users = [User(school_number=f"B-{n:04}", full_name=f"Student {n:04}") for n in range(STUDENTS)]
    tokens = [AuthToken.objects.create(user=u)[1] for u in User.objects.bulk_create(users)]
    seconds: dict[str, list[float]] = {"bare": [], "check-in": [], "insert": []}
    lessons, attendances = [], []
    with served() as port:
        for number in range(ROUNDS + 1):
            lessons.append(live_lesson(number))
            attendances.append(AttendanceFactory.create().id)
            targets: dict[str, tuple[str, UUID]] = {
                "bare": ("/bench/bare/{}/", lessons[-1]),
                "check-in": ("/api/v1/lessons/{}/check-in/", lessons[-1]),
                "insert": ("/bench/insert/{}/", attendances[-1]),
            }
            for name, (path, lesson_id) in targets.items():
                took = send(port, path.format(lesson_id), tokens)
                if number:  # The first round warms up.
                    seconds[name].append(took)
    assert {store.read_lesson(i).record_count for i in lessons} == {STUDENTS}
    assert AttendanceRecord.objects.count() == STUDENTS * (ROUNDS + 1)
    rate = {name: STUDENTS / median(each) for name, each in seconds.items()}
    print(
        json.dumps(
            {
                "requests_a_second": {name: round(each) for name, each in rate.items()},
                "against_bare": round(rate["check-in"] / rate["bare"], 2),
                "against_insert": round(rate["check-in"] / rate["insert"], 2),
            }
        )
    )
