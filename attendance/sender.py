"""Sends what waits in the outbox to the external verifier, beside the site.

One thread in each process that serves the site, only where a verifier is set
up. Processes share the work: an entry that one has taken, no other takes for a while.
"""

import atexit
import logging
import os
import threading
from time import monotonic

from django.conf import settings
from django.db import close_old_connections, connections

from attendance.errors import LiveStoreUnavailable
from attendance.live import outbox
from attendance.services.verifier import send_waiting

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
TIDY_SECONDS = 600.0
SECONDS_TO_STOP = 15.0


class Sender:
    """The thread of this process."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start sending, unless the thread lives."""
        if self._thread and self._thread.is_alive():
            return
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="verifier-outbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the message that is under way."""
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(SECONDS_TO_STOP)

    def _run(self) -> None:
        tidied_at = monotonic()
        while not self._stopping.wait(PAUSE_SECONDS):
            try:
                while send_waiting() and not self._stopping.is_set():
                    pass
                if monotonic() - tidied_at > TIDY_SECONDS:
                    outbox.tidy()
                    tidied_at = monotonic()
            except LiveStoreUnavailable as error:
                logger.warning("The outbox cannot be read: %s", error.detail)
            except Exception:
                # An unexpected error must not end the thread: the next round tries again.
                logger.exception("The outbox could not be sent")
            finally:
                close_old_connections()
        connections.close_all()


_sender = Sender()


def start_where_served() -> None:
    """Start sending in a process that serves the site, with or without its scheduler.

    A master that forks its workers is left without a thread; each worker gets its own.
    """
    if settings.VERIFIER_URL:
        os.register_at_fork(before=_sender.stop, after_in_child=_sender.start)
        atexit.register(_sender.stop)
        _sender.start()
