"""Beside the site: what this process has acknowledged is compared with both stores.

A thread in each process that serves the site, with or without its scheduler.
"""

import atexit

from attendance.services.stores.returns import Watch
from jobs.loop import Loop, ShouldStop

PAUSE_SECONDS = 1.0
"""What is acknowledged meanwhile is known to this process alone."""

_watch = Watch()


def _look(should_stop: ShouldStop) -> None:
    _watch.look()


_loop = Loop("ages", _look, pause_seconds=PAUSE_SECONDS)


def start_where_served() -> None:
    """Start comparing; a process that is told to stop looks once more."""
    # Handlers run last one first: the thread has ended when this one is called.
    atexit.register(_watch.look)
    _loop.start_where_served()
