"""A thousand open boards on one process of the event stream: does each hear of each change?

    ./attn test bench/streams.py -s

Boards are connections that listen; lessons change one after the other, so that each change is
an event of its own and can be counted. How long an event takes is measured from the
answer of the check-in to the line on the board's connection, beside that of few boards.
"""

import asyncio
import resource
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import pytest
from django.conf import settings

from attendance.live import tickets
from attendance.services.check_in import check_in
from bench.check_in import live_lesson
from bench.figures import Figure, note
from bench.site import percentile
from tests.support.streaming import streaming
from users.identity import Person

FEW, MANY, LESSONS, CHANGES = 20, 1_000, 20, 30
PAUSE_SECONDS = 0.25
"""Between two changes of one lesson: more than the stream's period, so that none is left out."""

FILES = 4_096


class Heard(NamedTuple):
    waits_ms: list[float]
    events: int
    incomplete: int
    """Boards that did not hear of every change."""


async def listen(port: int, lesson_id: UUID, heard: dict[str, float], ready: asyncio.Event) -> None:
    """One board: note when each version is heard of."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    ticket = tickets.issue(lesson_id, settings.SECRET_KEY)
    writer.write(
        f"GET /stream/{lesson_id}/?ticket={ticket} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    )
    try:
        while True:
            line = (await reader.readline()).decode().strip()
            if line.startswith("data:"):
                heard[line.removeprefix("data:").strip()] = time.perf_counter()
                ready.set()
    finally:
        writer.close()


async def watch(port: int, lessons: Sequence[UUID], boards: int) -> Heard:
    """Open so many boards, change each lesson so often, and count what was heard."""
    heard: list[tuple[UUID, dict[str, float]]] = []
    tasks, ready = [], []
    for number in range(boards):
        lesson_id = lessons[number % len(lessons)]
        heard.append((lesson_id, {}))
        ready.append(asyncio.Event())
        tasks.append(asyncio.create_task(listen(port, lesson_id, heard[-1][1], ready[-1])))
        if number % 50 == 49:
            await asyncio.sleep(0.05)
    await asyncio.wait_for(asyncio.gather(*(each.wait() for each in ready)), 60)
    changed = await change(lessons, boards)
    await asyncio.sleep(2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return count(heard, changed)


async def change(lessons: Sequence[UUID], series: int) -> dict[UUID, list[float]]:
    """Check students in, a lesson at a time; returns when each check-in was answered."""
    done: dict[UUID, list[float]] = defaultdict(list)
    for turn in range(CHANGES):
        for lesson_id in lessons:
            student = Person(f"S-{series}-{turn}", f"Student {turn}")
            await asyncio.to_thread(check_in, lesson_id, student=student)
            done[lesson_id].append(time.perf_counter())
            await asyncio.sleep(PAUSE_SECONDS / len(lessons))
    return done


def count(heard: list[tuple[UUID, dict[str, float]]], changed: dict[UUID, list[float]]) -> Heard:
    waits, events, incomplete = [], 0, 0
    for lesson_id, versions in heard:
        # The first one is the version that was there before.
        arrived = sorted(versions.values())[1:]
        events += len(arrived)
        incomplete += len(arrived) != CHANGES
        waits += [
            (there - then) * 1_000 for there, then in zip(arrived, changed[lesson_id], strict=False)
        ]
    return Heard(waits, events, incomplete)


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(600)
def test_streams() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))
    lessons = [live_lesson(number) for number in range(LESSONS)]
    with streaming() as port:
        found = {boards: asyncio.run(watch(port, lessons, boards)) for boards in (FEW, MANY)}
    for boards, heard in found.items():
        assert heard.incomplete == 0, f"{heard.incomplete} of {boards} boards missed a change"
        assert heard.events == boards * CHANGES
    few, many = (percentile(found[boards].waits_ms, 0.5) for boards in (FEW, MANY))
    note(
        Figure(
            f"{MANY:,} open boards on one process of the event stream: events lost; "
            f"time to an event, against {FEW} boards",
            "none lost",
            f"0 of {found[MANY].events:,} lost; {many / few:.2f} ×",
            f"p50 {many:.0f} ms, p99 {percentile(found[MANY].waits_ms, 0.99):.0f} ms, "
            f"with {FEW} boards p50 {few:.0f} ms; "
            "listening and changing are one process on the same machine",
        )
    )
