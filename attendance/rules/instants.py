"""Instants: epoch milliseconds in the live store, aware datetimes everywhere else."""

from datetime import UTC, datetime, timedelta
from typing import Final

FIRST_MS: Final = 946_684_800_000
"""2000-01-01. PostgreSQL stores what is outside these years and cannot read it back."""
LAST_MS: Final = 4_102_444_800_000
"""2100-01-01, exclusive."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def is_sane(ms: int) -> bool:
    """Whether an instant can be stored: what no clock of ours should say is not."""
    return FIRST_MS <= ms < LAST_MS


def nearest(ms: int) -> int:
    """The instant itself, or the first or last that can be stored."""
    return min(max(ms, FIRST_MS), LAST_MS - 1)


def instant(ms: int) -> datetime:
    """An aware instant from epoch milliseconds, exact to the millisecond."""
    return _EPOCH + timedelta(milliseconds=ms)


def milliseconds(at: datetime) -> int:
    """Epoch milliseconds of an aware instant; microseconds are cut off."""
    return (at - _EPOCH) // timedelta(milliseconds=1)
