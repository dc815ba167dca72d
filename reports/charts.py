"""A row of bars as a drawing for SVG: it prints, and it needs no script. The table beside it has
the same figures."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final, NamedTuple

WIDTH: Final = 960
HEIGHT: Final = 96
TOP: Final = 8
WIDEST: Final = 24
GAP: Final = 0.2
"""Of the place that a bar has."""
_FLAT: Final = 1.0
"""A share of nothing is still to be seen."""


class ChartBar(NamedTuple):
    x: float
    y: float
    width: float
    height: float
    words: str
    """What it stands for."""


class Chart(NamedTuple):
    bars: Sequence[ChartBar]
    words: str
    width: int = WIDTH
    height: int = HEIGHT
    top: float = TOP
    """Where the whole is."""

    @property
    def base(self) -> float:
        return float(self.height)

    @property
    def half(self) -> float:
        return (self.top + self.height) / 2


def chart_of(shares: Sequence[tuple[Fraction | None, str]], *, words: str) -> Chart:
    """One bar for each share, from left to right; a place stays empty where there is none.

    Each comes with what is told of it, `words` are of the whole drawing.
    """
    place = min(WIDTH / max(len(shares), 1), WIDEST)
    full = HEIGHT - TOP
    bars = []
    for at, (share, of_bar) in enumerate(shares):
        if share is not None:
            height = round(max(float(share) * full, _FLAT), 1)
            x, width = round(at * place, 1), round(place * (1 - GAP), 1)
            bars.append(ChartBar(x, round(HEIGHT - height, 1), width, height, of_bar))
    return Chart(bars, words)
