"""Waiting for what another process or thread does."""

import time
from collections.abc import Callable
from typing import TypeVar

SECONDS = 40
"""A machine that does other things beside it is no failure."""

Found = TypeVar("Found")


def wait_until(found: Callable[[], Found | None], what: str, *, seconds: float = SECONDS) -> Found:
    """Wait until something is so, and return it. Raises AssertionError that names it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = found()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen in {seconds} s")
