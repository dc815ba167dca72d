"""Clocks that go wrong, in the test's own processes: production has no door for them.

A WSGI application and a worker, with
    FAULTS_SKEW_SECONDS    how far this process's own clock is ahead
and with scripts that read Redis's clock plus what stands in the key `faults:clock_ms`,
so that it can jump for everybody at once.
"""

import os
import time
from datetime import timedelta
from hashlib import sha1

from django.utils import timezone

CLOCK = "faults:clock_ms"
SKEW = "FAULTS_SKEW_SECONDS"
_TRUE = "return tonumber(time[1])"
_MOVED = f"return tonumber(redis.call('GET', '{CLOCK}') or 0) + tonumber(time[1])"


def skew_application(seconds: float) -> None:
    """This process believes that it is later than it is."""
    true_time, true_now = time.time, timezone.now
    time.time = lambda: true_time() + seconds
    timezone.now = lambda: true_now() + timedelta(seconds=seconds)


def move_redis() -> None:
    """Everything that reads Redis's clock reads the one that the test has set."""
    from attendance.live import client
    from attendance.live.client import Script

    true_script, true_time = client.script, client.time_at

    def script(name: str) -> Script:
        text = true_script(name).text.replace(_TRUE, _MOVED)
        assert _MOVED in text
        return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())

    def time_at(key: str) -> tuple[int, int]:
        moved = int(client.command(lambda redis: redis.get(CLOCK)) or 0)
        seconds, micros = true_time(key)
        return seconds + moved // 1000, micros

    client.script, client.time_at = script, time_at  # type: ignore[assignment]


def install() -> None:
    """Let this process have the clocks that its environment names."""
    skew_application(float(os.environ.get(SKEW, "0")))
    move_redis()
