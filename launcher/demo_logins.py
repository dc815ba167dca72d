"""The logins of a demo end with it; where it was killed, the next start ends them.

A file has a line where a demo has begun that nobody has cleaned up after, and a lock on it says
that the demo still runs. Of several demos the last one ends the logins of all.
"""

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from typing import IO

from launcher.leases import uninterrupted
from launcher.project import Project

MARK = "demo-logins"
End = Callable[[], bool]
"""Ends tokens, sessions and passwords of the demo's people; whether that has worked."""


@contextlib.contextmanager
def open_while(project: Project, end: End) -> Iterator[None]:
    """Let the demo's people sign in while the block runs, and end that afterwards."""
    end_left(project, end)
    with (project.state / MARK).open("a") as mark:
        fcntl.flock(mark, fcntl.LOCK_SH)
        mark.write("open\n")
        mark.flush()
        try:
            yield
        finally:
            with uninterrupted():
                fcntl.flock(mark, fcntl.LOCK_UN)
                end_left(project, end)


def end_left(project: Project, end: End) -> None:
    """End what demos have left, unless one of them still runs."""
    with (project.state / MARK).open("a+") as mark:
        if _is_taken(mark):
            return
        mark.seek(0)
        if mark.read() and end():
            mark.truncate(0)


def _is_taken(mark: IO[str]) -> bool:
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
