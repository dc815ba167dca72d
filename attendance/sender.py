"""What is sent out of the house, beside the site: the verifier's outbox, and the jobs.

A thread for each in each process that serves the site, only where something is set up to be sent
to. Processes share the work: what one has taken, no other takes for a while.
"""

import logging
from time import monotonic

from django.conf import settings

from attendance.errors import LiveStoreUnavailable
from attendance.live import outbox
from attendance.services.verifier import send_waiting
from jobs import draining, waking
from jobs.loop import Loop, ShouldStop

logger = logging.getLogger(__name__)

TIDY_SECONDS = 600.0


class _Outbox:
    """Rounds of the verifier's outbox."""

    def __init__(self) -> None:
        self._tidied_at = monotonic()

    def do_round(self, should_stop: ShouldStop) -> None:
        try:
            while send_waiting() and not should_stop():
                pass
            if monotonic() - self._tidied_at > TIDY_SECONDS:
                outbox.tidy()
                self._tidied_at = monotonic()
        except LiveStoreUnavailable as error:
            logger.warning("The outbox cannot be read: %s", error.detail)


def _drain(should_stop: ShouldStop) -> None:
    draining.drain(should_stop=should_stop)


_outbox = Loop("verifier-outbox", _Outbox().do_round)
_jobs = Loop("jobs", _drain, awake=waking.AWAKE)


def start_where_served() -> None:
    """Start sending in a process that serves the site, with or without its scheduler."""
    if settings.VERIFIER_URL:
        _outbox.start_where_served()
    if settings.EMAIL_IS_SET_UP:
        _jobs.start_where_served()
