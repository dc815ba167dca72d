"""What is sent out of the house, beside the site: the verifier's outbox, and the jobs.

A thread for each in each process that serves the site; of the outbox and of mail, only where they
are set up. Webhooks are set up in PostgreSQL at any time: theirs look every few seconds. Processes
share the work: what one has taken, no other takes for a while.
"""

import logging
from time import monotonic

from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

from attendance.errors import LiveStoreUnavailable
from attendance.live import outbox
from attendance.services.verifier import send_waiting
from jobs import draining, waking
from jobs.draining import Which
from jobs.loop import Loop, ShouldStop

logger = logging.getLogger(__name__)

TIDY_SECONDS = 600.0
LANES_SECONDS, HELPER_SECONDS = 5.0, 60.0
HELPERS = 2
"""So many webhooks more go out of a process at a time, to as many others."""


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
    draining.drain(which=Which.WITHOUT_LANE, should_stop=should_stop)


def _drain_lanes(should_stop: ShouldStop) -> None:
    try:
        draining.drain(which=Which.OF_LANES, should_stop=should_stop)
    except (InterfaceError, OperationalError) as error:
        logger.warning("The jobs cannot be read: %s", type(error).__name__)


def _help(should_stop: ShouldStop) -> None:
    """Wakes where another thread of this process has begun a job, and needs no connection else."""
    _drain_lanes(should_stop)
    connections.close_all()


_outbox = Loop("verifier-outbox", _Outbox().do_round)
_jobs = Loop("jobs", _drain, awake=waking.AWAKE)
_lanes = [
    Loop("webhooks", _drain_lanes, awake=waking.LANES_AWAKE, pause_seconds=LANES_SECONDS),
    *(
        Loop("webhooks", _help, awake=waking.MORE_OF_LANES, pause_seconds=HELPER_SECONDS)
        for _ in range(HELPERS)
    ),
]


def start_where_served() -> None:
    """Start sending in a process that serves the site, with or without its scheduler."""
    if settings.VERIFIER_URL:
        _outbox.start_where_served()
    if settings.EMAIL_IS_SET_UP:
        _jobs.start_where_served()
    for loop in _lanes:
        loop.start_where_served()
