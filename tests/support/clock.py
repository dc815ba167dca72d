"""A clock for the scripts that tests can move; production has no such door."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha1

import pytest

from attendance.live import client
from attendance.live.client import Script


@dataclass
class Clock:
    """How the scripts' clock differs from Redis's."""

    offset_ms: int = 0
    """Milliseconds that it is ahead."""
    stopped_at_ms: int | None = None
    """The instant at which it stands still."""


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Everything reads Redis's time plus this offset."""
    moved = Clock()
    with installed(moved):
        yield moved


@contextmanager
def installed(moved: Clock) -> Iterator[None]:
    """Let every script, and who asks for the time, read a clock that can be moved."""
    real, real_time = client.script, client.time_at

    def script(name: str) -> Script:
        shift = f"return {moved.offset_ms} + "
        if moved.stopped_at_ms is not None:
            shift = f"if true then return {moved.stopped_at_ms} end return "
        text = real(name).text.replace("return tonumber(time[1])", f"{shift}tonumber(time[1])")
        assert shift in text
        return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())

    def time_at(key: str) -> tuple[int, int]:
        seconds, micros = real_time(key)
        at = moved.stopped_at_ms
        if at is None:
            at = seconds * 1000 + micros // 1000 + moved.offset_ms
        return at // 1000, at % 1000 * 1000

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "script", script)
        patch.setattr(client, "time_at", time_at)
        yield
