"""A thread beside the site that does a round of work, waits, and does the next one.

One in each process that serves the site. A master that forks its workers is left without a thread;
each worker gets its own.
"""

import atexit
import logging
import os
import threading
from collections.abc import Callable

from django.db import close_old_connections, connections

logger = logging.getLogger(__name__)

SECONDS_TO_STOP = 15.0
PAUSE_SECONDS = 1.0
PAUSE_AFTER_ERROR_SECONDS = 10.0

ShouldStop = Callable[[], bool]
"""Asked by a round between two calls."""


class Loop:
    """The thread of this process."""

    def __init__(
        self,
        name: str,
        do_round: Callable[[ShouldStop], object],
        *,
        awake: threading.Event | None = None,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._name = name
        self._do_round = do_round
        self._awake = awake or threading.Event()
        self._pause_seconds = pause_seconds
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start_where_served(self) -> None:
        """Start in a process that serves the site, and in each that is forked from it."""
        os.register_at_fork(before=self.stop, after_in_child=self.start)
        atexit.register(self.stop)
        self.start()

    def start(self) -> None:
        """Start working, unless the thread lives."""
        if self._thread and self._thread.is_alive():
            return
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the call that is under way."""
        self._stopping.set()
        self._awake.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(SECONDS_TO_STOP)

    def _run(self) -> None:
        pause = self._pause_seconds
        while not self._has_waited(pause):
            pause = self._pause_seconds
            try:
                self._do_round(self._stopping.is_set)
            except Exception:
                # An unexpected error must not end the thread: the next round tries again.
                logger.exception("A round of %s failed", self._name)
                pause = PAUSE_AFTER_ERROR_SECONDS
            finally:
                close_old_connections()
        connections.close_all()

    def _has_waited(self, seconds: float) -> bool:
        """Wait so long, or until something is to be done; whether to stop instead."""
        if not self._stopping.is_set():
            # Another thread that shares the event may have cleared what `stop` has set.
            self._awake.wait(seconds)
        self._awake.clear()
        return self._stopping.is_set()
