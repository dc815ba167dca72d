"""Check-ins a second, against a bare view and against REST framework with an INSERT.

    ./attn test bench/check_in.py -s

One worker of the server that `./attn serve` uses, one process that sends, all of
them in turn. The rows of both sides are counted afterwards. A newcomer's token is
one that the cache does not have. By pages, a student opens the lesson's page,
presses the button and sees the mark.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from django.conf import settings
from django.core.cache import cache
from django.urls import reverse

from attendance.live import store
from attendance.models import AttendanceRecord
from attendance.services.lessons import LessonPlan, start_lesson
from bench.figures import ROUNDS, Figure, middle, note
from bench.site import KeptConnection, served, sessions_of, tokens_for
from tests.support.factories import AttendanceFactory
from users.identity import Person, Role

STUDENTS, CONNECTIONS = 600, 8
CSRF = "c" * 32
Way = Callable[[KeptConnection, str], None]
"""How a student checks in over a connection, with a credential."""


def posting(path: str) -> Way:
    """One request with a token."""

    def post(caller: KeptConnection, token: str) -> None:
        status = caller.post(path, token)
        assert status == 201, status

    return post


def by_pages(lesson: UUID) -> Way:
    """Three requests with the key of a session."""
    here, mine = reverse("check-in", args=[lesson]), reverse("my-mark", args=[lesson])

    def visit(caller: KeptConnection, session: str) -> None:
        cookies = f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={CSRF}"
        told = (
            caller.page(here, cookies),
            caller.press(here, cookies, CSRF),
            caller.page(mine, cookies),
        )
        assert told == (200, 302, 200), told

    return visit


def send(port: int, way: Way, credentials: list[str]) -> float:
    """Each of them once over a few connections; returns seconds."""

    def work(share: list[str]) -> None:
        caller = KeptConnection(port)
        for credential in share:
            way(caller, credential)
        caller.close()

    started = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(work, [credentials[i::CONNECTIONS] for i in range(CONNECTIONS)]))
    return time.perf_counter() - started


def live_lesson(number: int) -> UUID:
    teacher = Person(f"T-{number}", f"Teacher {number}", Role.TEACHER)
    return start_lesson(LessonPlan("Bench", minutes=30), teacher=teacher).id


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(600)
def test_check_in() -> None:
    tokens, sessions = tokens_for(STUDENTS), sessions_of(STUDENTS)
    seconds: dict[str, list[float]] = {}
    lessons, attendances = [], []
    with served() as port:
        for number in range(ROUNDS + 1):
            own = [live_lesson(3 * number + n) for n in range(3)]
            lessons += own
            attendances.append(AttendanceFactory.create().id)
            known, new, shown = own
            for name, way in {
                "bare": posting(f"/bench/bare/{known}/"),
                "check-in": posting(f"/api/v1/lessons/{known}/check-in/"),
                "newcomer": posting(f"/api/v1/lessons/{new}/check-in/"),
                "insert": posting(f"/bench/insert/{attendances[-1]}/"),
                "pages": by_pages(shown),
            }.items():
                if name == "newcomer":
                    cache.clear()
                took = send(port, way, sessions if name == "pages" else tokens)
                if number:  # The first round warms up.
                    seconds.setdefault(name, []).append(took)
    assert {store.read_lesson(i).record_count for i in lessons} == {STUDENTS}
    assert AttendanceRecord.objects.count() == STUDENTS * (ROUNDS + 1)
    tell({name: STUDENTS / middle(each) for name, each in seconds.items()})


def tell(rate: dict[str, float]) -> None:
    beside = ", ".join(f"{name} {each:,.0f}/s" for name, each in rate.items())
    for rival, what, goal in (
        ("bare", "check-in over HTTP against a Django view that does nothing", "≥ 1.0"),
        ("insert", "check-in against REST framework with an INSERT", "≥ 6 ×"),
        ("newcomer", "check-in with a known token against one with a new token", "none set"),
        ("pages", "check-in with a token against a student's three pages", "none set"),
    ):
        note(Figure(what, goal, f"{rate['check-in'] / rate[rival]:.2f}", beside))
