"""The drawing of a lesson's minutes says what the rules say, and fits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.web.minutes import NARROWEST, WIDTH, draw
from courses.models import Policy
from courses.vocabulary import DAY_SECONDS

seconds = st.integers(0, DAY_SECONDS)


def drawn(**rules: int | None) -> list[tuple[str, str]]:
    """Each part with the words where it begins."""
    drawing = draw(Policy(**rules))
    assert drawing.ticks[-1].label == "end"
    return [
        (part.status, tick.label)
        for part, tick in zip(drawing.parts, drawing.ticks[:-1], strict=True)
    ]


@pytest.mark.parametrize(
    ("rules", "parts"),
    [
        ({}, [("present", "0")]),
        ({"opens_before_s": 600}, [("early", "\u221210"), ("present", "0")]),
        ({"late_after_s": 600}, [("present", "0"), ("late", "10")]),
        ({"late_after_s": 0}, [("late", "0")]),
        (
            {"late_after_s": 90, "absent_after_s": 1800},
            [("present", "0"), ("late", "1:30"), ("absent", "30")],
        ),
        ({"late_after_s": 600, "absent_after_s": 600}, [("present", "0"), ("absent", "10")]),
        ({"absent_after_s": 1800}, [("present", "0"), ("absent", "30")]),
        ({"late_after_s": 7200}, [("present", "0"), ("late", "120")]),
        ({"late_after_s": 0, "absent_after_s": 0}, [("absent", "0")]),
    ],
)
def test_each_stretch_is_drawn_from_where_it_begins(
    rules: dict[str, int], parts: list[tuple[str, str]]
) -> None:
    assert drawn(**rules) == parts


@given(opens=seconds, late=st.none() | seconds, after=st.none() | seconds)
def test_every_drawing_fits_and_shows_each_part(
    opens: int, late: int | None, after: int | None
) -> None:
    absent = None if after is None else min(DAY_SECONDS, (late or 0) + after)
    drawing = draw(Policy(opens_before_s=opens, late_after_s=late, absent_after_s=absent))
    assert drawing.parts
    assert all(part.width >= NARROWEST for part in drawing.parts)
    assert sum(part.width for part in drawing.parts) == pytest.approx(WIDTH, abs=1)
    assert [part.x for part in drawing.parts] == [tick.x for tick in drawing.ticks[:-1]]
    assert ("late" in {part.status for part in drawing.parts}) == (
        late is not None and (absent is None or late < absent)
    )
