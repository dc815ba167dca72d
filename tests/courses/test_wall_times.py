"""Which instant a time on a clock is, on days of 23 and 25 hours too."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from courses.rules import instant_of

BERLIN, AZORES = ZoneInfo("Europe/Berlin"), ZoneInfo("Atlantic/Azores")
ASUNCION = ZoneInfo("America/Asuncion")
BEIRUT, HOWE, APIA = (
    ZoneInfo(name) for name in ("Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia")
)


@pytest.mark.parametrize(
    ("zone", "wall", "instant"),
    [
        (BERLIN, "2026-03-02T09:00", "2026-03-02T08:00"),
        # Clocks go from 2 to 3: what they skip is the first instant after it.
        (BERLIN, "2026-03-29T01:59:59", "2026-03-29T00:59:59"),
        (BERLIN, "2026-03-29T02:00", "2026-03-29T01:00"),
        (BERLIN, "2026-03-29T02:30", "2026-03-29T01:00"),
        (BERLIN, "2026-03-29T02:59:59", "2026-03-29T01:00"),
        (BERLIN, "2026-03-29T03:00", "2026-03-29T01:00"),
        # Clocks go from 3 to 2: of what they show twice, the first.
        (BERLIN, "2026-10-25T02:30", "2026-10-25T00:30"),
        (BERLIN, "2026-10-25T03:00", "2026-10-25T02:00"),
        # A day without midnight, and one of which an hour is twice around midnight.
        (BEIRUT, "2026-03-29T00:00", "2026-03-28T22:00"),
        (AZORES, "2026-10-25T00:30", "2026-10-25T00:30"),
        (ASUNCION, "2023-10-01T00:00", "2023-10-01T04:00"),
        (ASUNCION, "2023-10-01T00:30", "2023-10-01T04:00"),
        (ASUNCION, "2024-03-23T23:30", "2024-03-24T02:30"),
        (ASUNCION, "2024-03-24T00:00", "2024-03-24T04:00"),
        # Half an hour, and a whole day that never was.
        (HOWE, "2026-10-04T02:10", "2026-10-03T15:30"),
        (APIA, "2011-12-30T12:00", "2011-12-30T10:00"),
    ],
)
def test_a_time_on_a_clock_is_one_instant(zone: ZoneInfo, wall: str, instant: str) -> None:
    expected = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert instant_of(datetime.fromisoformat(wall), zone) == expected
