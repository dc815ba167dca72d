"""A clock for the scripts that tests can move; production has no such door."""

from dataclasses import dataclass
from hashlib import sha1

import pytest

from attendance.live import client
from attendance.live.client import Script


@dataclass
class Clock:
    """Milliseconds that the live store's clock is ahead."""

    offset_ms: int = 0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Every script reads Redis's time plus this offset."""
    moved = Clock()
    real = client.script

    def script(name: str) -> Script:
        shift = f"return {moved.offset_ms} + tonumber(time[1]) * 1000"
        text = real(name).text.replace("return tonumber(time[1]) * 1000", shift)
        assert shift in text
        return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())

    monkeypatch.setattr(client, "script", script)
    return moved
