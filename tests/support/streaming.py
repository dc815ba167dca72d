"""The event stream as a process of its own, and what a board hears from it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from uuid import UUID

from django.conf import settings

from attendance.live import tickets
from tests.support.ports import free_port, listens
from tests.support.processes import environment
from users.derived_keys import Purpose, keys_for


@contextmanager
def streaming(**env: str) -> Iterator[int]:
    """The stream on a free port; `env` changes what its process finds."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--port", str(port)]
    command += ["--workers-kill-timeout", "2"]
    child = subprocess.Popen(
        [*command, "--no-log", "attendance.stream.app:application"],
        cwd=settings.BASE_DIR,
        env=environment(**env),
    )
    try:
        for _ in range(600):
            if listens(port):
                break
            time.sleep(0.05)
        yield port
    finally:
        child.terminate()
        child.wait(20)


def stream_of(lesson_id: UUID, ticket: str) -> str:
    return f"/stream/{lesson_id}/?ticket={ticket}"


def ticket_for(lesson_id: UUID) -> str:
    return tickets.issue(lesson_id, keys_for(Purpose.STREAM)[0])


def event(answer: HTTPResponse) -> tuple[str, str]:
    """The next event: its name and its data."""
    name = ""
    while True:
        line = answer.readline().decode().strip()
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data:"):
            return name, line.removeprefix("data:").strip()
