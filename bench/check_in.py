"""Check-ins a second, against a bare view and against REST framework with an INSERT.

    ./attn test bench/check_in.py -s

One worker of the server that `./attn serve` uses, one process that sends, the
three in turn. The rows of both sides are counted afterwards.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from django.core.cache import cache

from attendance.live import store
from attendance.models import AttendanceRecord
from attendance.services.lessons import LessonPlan, start_lesson
from bench.figures import ROUNDS, Figure, middle, note
from bench.site import KeptConnection, served, tokens_for
from tests.support.factories import AttendanceFactory
from users.identity import Person, Role

STUDENTS, CONNECTIONS = 600, 8


def send(port: int, path: str, tokens: list[str]) -> float:
    """One request for each token over a few connections; returns seconds."""

    def work(share: list[str]) -> None:
        caller = KeptConnection(port)
        for token in share:
            status = caller.post(path, token)
            assert status == 201, status
        caller.close()

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
    tokens = tokens_for(STUDENTS)
    seconds: dict[str, list[float]] = {"bare": [], "check-in": [], "newcomer": [], "insert": []}
    lessons, attendances = [], []
    with served() as port:
        for number in range(ROUNDS + 1):
            lessons += [live_lesson(2 * number), live_lesson(2 * number + 1)]
            attendances.append(AttendanceFactory.create().id)
            targets: dict[str, tuple[str, UUID]] = {
                "bare": ("/bench/bare/{}/", lessons[-1]),
                "check-in": ("/api/v1/lessons/{}/check-in/", lessons[-2]),
                "newcomer": ("/api/v1/lessons/{}/check-in/", lessons[-1]),
                "insert": ("/bench/insert/{}/", attendances[-1]),
            }
            for name, (path, lesson_id) in targets.items():
                if name == "newcomer":
                    cache.clear()
                took = send(port, path.format(lesson_id), tokens)
                if number:  # The first round warms up.
                    seconds[name].append(took)
    assert {store.read_lesson(i).record_count for i in lessons} == {STUDENTS}
    assert AttendanceRecord.objects.count() == STUDENTS * (ROUNDS + 1)
    rate = {name: STUDENTS / middle(each) for name, each in seconds.items()}
    beside = ", ".join(f"{name} {each:,.0f}/s" for name, each in rate.items())
    for rival, what, goal in (
        ("bare", "check-in over HTTP against a Django view that does nothing", "≥ 1.0"),
        ("insert", "check-in against REST framework with an INSERT", "≥ 6 ×"),
        (
            "newcomer",
            "check-in with a token seen before, against the first one with it",
            "none set",
        ),
    ):
        note(Figure(what, goal, f"{rate['check-in'] / rate[rival]:.2f}", beside))
