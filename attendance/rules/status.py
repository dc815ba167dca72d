"""The status of a student who arrives at an instant: a lesson's window and its late rule.

    before starts_at                    refused: lesson_not_open
    from starts_at on                   present
    from starts_at + late_after on      late
    from ends_at on                     refused: lesson_closed

Every bound belongs to what follows it. scripts/check_in.lua decides by the same rule from
the lesson's sealed plan; a test compares the two on every bound.
"""

from typing import Final, NamedTuple

PRESENT: Final = "present"
LATE: Final = "late"
NOT_OPEN: Final = "lesson_not_open"
CLOSED: Final = "lesson_closed"

MS_OF_A_MINUTE: Final = 60_000


class Window(NamedTuple):
    """When a lesson takes check-ins. Instants are epoch milliseconds."""

    starts_at: int
    ends_at: int
    late_after_minutes: int | None
    """From the start; None where nobody is late."""


def status_of_arrival(at: int, window: Window) -> str:
    """`present` or `late` for an arrival at `at` (epoch ms), or why it is refused."""
    if at < window.starts_at:
        return NOT_OPEN
    if at >= window.ends_at:
        return CLOSED
    return LATE if is_late(at, window) else PRESENT


def is_late(at: int, window: Window) -> bool:
    """Whether an arrival at `at` (epoch ms) is late; start and end are not checked."""
    late_after = window.late_after_minutes
    return late_after is not None and at >= window.starts_at + late_after * MS_OF_A_MINUTE
