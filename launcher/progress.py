"""What the launcher does at this moment, for people: on stderr, never on stdout."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from typing import IO

TICK = 0.2
SHOWN_FROM = 0.5
"""Seconds: what is quicker needs no figure."""


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class TimedStage:
    """One stage: a terminal shows its seconds while they pass, a file when they are over."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._is_terminal = sys.stderr.isatty()
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def begin(self) -> None:
        sys.stderr.write(f"{self._title}..." + ("" if self._is_terminal else "\n"))
        sys.stderr.flush()

    def tick(self) -> None:
        if self._is_terminal:
            sys.stderr.write(f"\r{self._title}... {self.seconds:.0f} s")
            sys.stderr.flush()

    def end(self) -> None:
        if self._is_terminal:
            sys.stderr.write(f"\r{self._title}... {self.seconds:.1f} s\n")
        elif self.seconds >= SHOWN_FROM:
            sys.stderr.write(f"{self._title}: {self.seconds:.1f} s\n")
        sys.stderr.flush()


@contextlib.contextmanager
def stage(title: str) -> Iterator[TimedStage]:
    """Say what is done while the block runs, and how long it took."""
    now = TimedStage(title)
    now.begin()
    try:
        yield now
    finally:
        now.end()


def watch(
    command: list[str],
    log: IO[bytes],
    now: TimedStage,
    *,
    env: Mapping[str, str] | None = None,
) -> int:
    """Run a command to its end, its output in a log, and let the seconds pass on a terminal."""
    with subprocess.Popen(command, stdout=log, stderr=log, env=env) as child:
        while True:
            try:
                return child.wait(TICK)
            except subprocess.TimeoutExpired:
                now.tick()
