"""From a check-in to its row on the board, with 200 students arriving.

    ./attn test bench/board.py -s

A real Chromium shows the board; students arrive one by one over HTTP, each on a
connection of their own. The time runs from the sending of a check-in to the first
picture that has its row: by the event stream, and by asking every two seconds.
"""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple
from uuid import UUID

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page

from bench.check_in import live_lesson
from bench.figures import Figure, note
from bench.rush import once
from bench.site import percentile, served, tokens_for
from tests.support.callers import account
from tests.support.chromium import browser_type_launch_args, chromium
from tests.support.streaming import streaming
from users.identity import Person, Role

__all__ = ["browser_type_launch_args", "chromium"]

STUDENTS, SECONDS, SEED = 200, 40, 11
SITE = "attn_project.wsgi:application"

NOTE_ROWS = """() => {
  window.rowsSeen = {};
  new MutationObserver(() => requestAnimationFrame(() => {
    for (const row of document.querySelectorAll("tr[id]")) window.rowsSeen[row.id] ??= Date.now();
  })).observe(document.body, { childList: true, subtree: true });
}"""


class BoardWaits(NamedTuple):
    waits_ms: list[float]
    words: str
    """What the board says of its connection."""


@contextmanager
def board_of(browser: Browser, port: int, lesson_id: UUID, teacher: Person) -> Iterator[Page]:
    """The board of a lesson, with its teacher signed in."""
    client = Client()
    client.force_login(account(teacher), "users.backends.AccountBackend")
    base = f"http://127.0.0.1:{port}"
    context = browser.new_context(base_url=base, viewport={"width": 1280, "height": 800})
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": base}
    context.add_cookies([cookie])  # type: ignore[list-item]
    page = context.new_page()
    page.goto(f"/lessons/{lesson_id}/")
    page.wait_for_timeout(1_000)
    page.evaluate(NOTE_ROWS)
    yield page
    context.close()


def arrive(port: int, lesson_id: UUID, tokens: list[str]) -> dict[str, float]:
    """Students check in one after the other; returns when each sent it, in epoch ms."""
    rng, sent = random.Random(SEED), {}
    started = time.perf_counter()
    for number, token in enumerate(tokens):
        time.sleep(
            max(0.0, started + (number + rng.random()) * SECONDS / STUDENTS - time.perf_counter())
        )
        sent[f"r-B-{number:04}"] = time.time() * 1_000
        assert once(port, f"/api/v1/lessons/{lesson_id}/check-in/", token) == 201
    return sent


def measure(browser: Browser, tokens: list[str], number: int, *, has_stream: bool) -> BoardWaits:
    """One lesson of 200 students, and how long each row took."""
    teacher, lesson_id = (
        Person(f"T-{number}", f"Teacher {number}", Role.TEACHER),
        live_lesson(number),
    )
    with ExitStack() as stack:
        stream = stack.enter_context(streaming()) if has_stream else 0
        url = f"http://127.0.0.1:{stream}/stream/" if stream else ""
        port = stack.enter_context(served(2, app=SITE, ATTN_STREAM_URL=url))
        page = stack.enter_context(board_of(browser, port, lesson_id, teacher))
        sent: dict[str, float] = {}
        # The browser's own loop must not wait for the students.
        students = threading.Thread(target=lambda: sent.update(arrive(port, lesson_id, tokens)))
        students.start()
        while students.is_alive():
            page.wait_for_timeout(200)
        seen = _rows_seen(page, at_least=len(sent))
        assert set(seen) == set(sent), "a row is missing"
        return BoardWaits(
            [seen[row] - at for row, at in sent.items()],
            page.locator("#connection").inner_text(),
        )


def _rows_seen(page: Page, *, at_least: int) -> dict[str, float]:
    """When each row was there; the last may be asked for only with the next question or two."""
    for _ in range(50):
        page.wait_for_timeout(200)
        seen: dict[str, float] = page.evaluate("window.rowsSeen")
        if len(seen) >= at_least:
            break
    return seen


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(600)
def test_board(browser: Browser) -> None:
    tokens = tokens_for(STUDENTS)
    asking = measure(browser, tokens, 0, has_stream=False)
    live = measure(browser, tokens, 1, has_stream=True)
    assert live.words.startswith("Live"), live.words
    assert asking.words.startswith("Looks"), asking.words
    by_stream, by_asking = (percentile(way.waits_ms, 0.5) for way in (live, asking))
    note(
        Figure(
            "check-in to its row on a board in Chromium, 200 students arriving in 40 s, by the "
            "event stream",
            "p50 < 150 ms",
            f"p50 {by_stream:.0f} ms",
            f"p99 {percentile(live.waits_ms, 0.99):.0f} ms; by asking every two seconds, in the "
            f"same run, p50 {by_asking:.0f} ms, {by_asking / by_stream:.1f} × as long",
        )
    )
