"""The wall clock of the scheduler, which tests set; the monotonic one goes on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo

import pytest

READERS = (
    "apscheduler.schedulers.base.datetime",
    "apscheduler.executors.base.datetime",
    "attendance.scheduler.datetime",
)
"""Where the scheduler and its library ask what time it is."""


@contextmanager
def moved(ahead: Callable[[], timedelta]) -> Iterator[None]:
    """The scheduler believes that it is later by what `ahead` says."""

    class Moved(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + ahead()

    with pytest.MonkeyPatch.context() as patch:
        for name in READERS:
            patch.setattr(name, Moved)
        yield
