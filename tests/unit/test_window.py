"""When a lesson may take place: every bound of the rule, and what somebody is told beyond it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from attendance.errors import AttendanceError, InvalidInput, InvalidWindow
from attendance.rules import window
from attendance.rules.status import ArrivalRule

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MS, MINUTE, HOUR, DAY = (
    timedelta(milliseconds=1),
    timedelta(minutes=1),
    timedelta(hours=1),
    timedelta(days=1),
)


def is_refused(check: Callable[[], object], error: type[AttendanceError]) -> bool:
    try:
        check()
    except error:
        return True
    return False


def test_the_end_is_an_instant_or_minutes_and_45_where_neither_is() -> None:
    assert window.end_of(NOW, ends_at=NOW + HOUR, minutes=None) == NOW + HOUR
    assert window.end_of(NOW, ends_at=None, minutes=30) == NOW + 30 * MINUTE
    assert window.end_of(NOW, ends_at=None, minutes=None) == NOW + 45 * MINUTE
    with pytest.raises(InvalidWindow, match="not both"):
        window.end_of(NOW, ends_at=NOW + HOUR, minutes=60)


@pytest.mark.parametrize(
    ("minutes", "is_wrong"), [(0, True), (1, False), (1440, False), (1441, True)]
)
def test_a_lesson_lasts_one_minute_to_24_hours(minutes: int, is_wrong: bool) -> None:
    found = is_refused(lambda: window.end_of(NOW, ends_at=None, minutes=minutes), InvalidWindow)
    assert found == is_wrong
    if is_wrong:
        with pytest.raises(InvalidWindow, match="1 to 1440 minutes"):
            window.end_of(NOW, ends_at=None, minutes=minutes)


@pytest.mark.parametrize(
    ("minutes", "is_wrong"), [(None, False), (-1, True), (0, False), (1440, False), (1441, True)]
)
def test_a_late_rule_is_within_a_lesson(minutes: int | None, is_wrong: bool) -> None:
    assert is_refused(lambda: window.check_late_after(minutes), InvalidInput) == is_wrong
    if is_wrong:
        with pytest.raises(InvalidInput, match="between 0 and 1440"):
            window.check_late_after(minutes)


def test_the_late_rule_of_a_lesson_goes_before_that_of_its_section() -> None:
    section = ArrivalRule(opens_before_s=300, late_after_s=600, absent_after_s=1200)

    assert window.rule_of(section, None) == section
    assert window.rule_of(section, 20) == ArrivalRule(
        opens_before_s=300, late_after_s=1200, absent_after_s=1200
    )
    assert window.rule_of(ArrivalRule(), 90) == ArrivalRule(late_after_s=5400)
    with pytest.raises(InvalidInput, match="at most 20 minutes"):
        window.rule_of(section, 21)


def test_an_instant_has_its_offset() -> None:
    naive = NOW.replace(tzinfo=None)
    for starts_at, ends_at in ((naive, NOW + HOUR), (NOW, naive + HOUR)):
        with pytest.raises(InvalidWindow, match="offset"):
            window.check_window(starts_at, ends_at, now=NOW)


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "told"),
    [
        (NOW, NOW + MS, None),
        (NOW, NOW, "before it starts"),
        (NOW, NOW - MS, "before it starts"),
        (NOW - HOUR, NOW, "not in the future"),
        (NOW - HOUR, NOW + MS, None),
        (NOW, NOW + DAY, None),
        (NOW, NOW + DAY + MS, "24 hours at most"),
        (NOW - DAY + MS, NOW + MS, None),
        (NOW + 365 * DAY, NOW + 365 * DAY + HOUR, None),
        (NOW + 365 * DAY + MS, NOW + 365 * DAY + HOUR, "365 days ahead"),
    ],
)
def test_a_window_is_right_within_its_bounds(
    starts_at: datetime, ends_at: datetime, told: str | None
) -> None:
    if told is None:
        window.check_window(starts_at, ends_at, now=NOW)
        return
    with pytest.raises(InvalidWindow, match=told):
        window.check_window(starts_at, ends_at, now=NOW)
