"""What an arrival is worth: a lesson's window and its rule, in milliseconds.

    before starts_at - opens_before     refused: lesson_not_open
    from starts_at - opens_before on    present
    from starts_at + late_after on      late
    from starts_at + absent_after on    absent; the arrival is kept
    from ends_at on                     refused: lesson_closed

Whether a lesson takes a check-in is judged by the press. What the arrival is worth is judged by
the scan that stands for the lesson's code, which is five minutes old at most: the student was
there then, and signed in or waited after it.

Every bound belongs to what follows it. scripts/check_in.lua decides by the same rule from
the lesson's sealed plan; a test compares the two on every bound. Live check-ins, receipts,
verdicts of the verifier and recomputing all decide by it.
"""

from typing import Final, NamedTuple

import msgspec

PRESENT: Final = "present"
LATE: Final = "late"
ABSENT: Final = "absent"
NOT_OPEN: Final = "lesson_not_open"
CLOSED: Final = "lesson_closed"

MS_OF_A_SECOND: Final = 1_000
SECONDS_OF_A_MINUTE: Final = 60


class ArrivalRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When check-in opens, and from when an arrival is late or absent: seconds from the start.

    None says that there is no such rule.
    """

    opens_before_s: int = 0
    late_after_s: int | None = None
    absent_after_s: int | None = None

    @property
    def late_after_minutes(self) -> int | None:
        """The late rule in minutes, begun ones counted; None where nobody is late."""
        return None if self.late_after_s is None else -(-self.late_after_s // SECONDS_OF_A_MINUTE)


NO_RULE: Final = ArrivalRule()


class Window(NamedTuple):
    """When a lesson takes check-ins, and what they are worth. Instants are epoch milliseconds."""

    starts_at: int
    ends_at: int
    rule: ArrivalRule = NO_RULE


def arrived_at(pressed_at: int, scanned_at: int | None, window: Window) -> int:
    """When a student came who pressed within the window: with their scan, if there is one.

    No scan opens a lesson earlier, and none is later than the press.
    """
    if scanned_at is None:
        return pressed_at
    return max(_opens_at(window), min(scanned_at, pressed_at))


def status_of_arrival(at: int, window: Window) -> str:
    """`present`, `late` or `absent` for an arrival at `at` (epoch ms), or why it is refused."""
    if at < _opens_at(window):
        return NOT_OPEN
    if at >= window.ends_at:
        return CLOSED
    return worth_of_arrival(at, starts_at=window.starts_at, rule=window.rule)


def worth_of_arrival(at: int, *, starts_at: int, rule: ArrivalRule) -> str:
    """`present`, `late` or `absent` for an arrival that was taken; the window is not checked."""
    if _is_past(at, starts_at, rule.absent_after_s):
        return ABSENT
    return LATE if _is_past(at, starts_at, rule.late_after_s) else PRESENT


def _opens_at(window: Window) -> int:
    return window.starts_at - window.rule.opens_before_s * MS_OF_A_SECOND


def _is_past(at: int, starts_at: int, seconds: int | None) -> bool:
    return seconds is not None and at >= starts_at + seconds * MS_OF_A_SECOND
