"""The site under gunicorn and under granian: the same application, processes and threads.

    ./attn test bench/serving.py -s

Check-ins over connections that are kept, as through a reverse proxy, and over a new one
for each, as from phones; both servers run beside each other and are asked in turn.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count

import pytest

from attendance.live import store
from bench.check_in import live_lesson, posting, send
from bench.figures import ROUNDS, Figure, note, spread
from bench.rush import once
from bench.site import percentile, served, tokens_for
from tests.support.site import SERVERS

STUDENTS, CONNECTIONS = 600, 8


def send_anew(port: int, path: str, tokens: list[str]) -> tuple[float, list[float]]:
    """A new connection for each request; returns seconds, and each one's milliseconds."""

    def timed(token: str) -> float:
        started = time.perf_counter()
        assert once(port, path, token) == 201
        return (time.perf_counter() - started) * 1_000

    started = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        waits = list(pool.map(timed, tokens))
    return time.perf_counter() - started, waits


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(600)
def test_serving() -> None:
    tokens, number = tokens_for(STUDENTS), count()
    kept: Rates = {name: [] for name in SERVERS}
    anew: Rates = {name: [] for name in SERVERS}
    waits: Rates = {name: [] for name in SERVERS}
    with ExitStack() as stack:
        ports = {name: stack.enter_context(served(2, server=name)) for name in SERVERS}
        for _ in range(ROUNDS + 1):
            for name, port in ports.items():
                lessons = [live_lesson(next(number)) for _ in range(2)]
                paths = [f"/api/v1/lessons/{lesson}/check-in/" for lesson in lessons]
                kept[name].append(STUDENTS / send(port, posting(paths[0]), tokens))
                seconds, each = send_anew(port, paths[1], tokens)
                anew[name].append(STUDENTS / seconds)
                waits[name] += each
                assert all(store.read_lesson(x).record_count == STUDENTS for x in lessons)
    told = "; ".join(_told(name, kept, anew, waits) for name in SERVERS)
    note(
        Figure(
            "check-ins a second under granian against gunicorn, two processes of eight threads",
            "none: see decision 15",
            f"connections kept {_ratios(kept)} ×, a new one each {_ratios(anew)} ×",
            told,
        )
    )


Rates = dict[str, list[float]]


def _told(name: str, kept: Rates, anew: Rates, waits: Rates) -> str:
    each = [f"{percentile(rates[name][1:], 0.5):,.0f}/s" for rates in (kept, anew)]
    return f"{name} {each[0]} and {each[1]}, p99 {percentile(waits[name], 0.99):.1f} ms"


def _ratios(rates: Rates) -> str:
    pairs = zip(rates["granian"][1:], rates["gunicorn"][1:], strict=True)
    return spread(granian / gunicorn for granian, gunicorn in pairs)
