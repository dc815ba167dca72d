"""The minutes of a lesson as a drawing: what becomes of whoever comes when."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from django.utils.translation import gettext as _

from courses.models import Policy

WIDTH: Final = 320
NARROWEST: Final = 44
"""So that the words at its two ends do not touch."""
SHOWN_SECONDS: Final = 45 * 60
REST_SECONDS: Final = 15 * 60


class Part(NamedTuple):
    status: str
    """early, present, late or absent: the class of its colour."""
    x: float
    width: float


class Tick(NamedTuple):
    x: float
    label: str


class Drawing(NamedTuple):
    width: int
    parts: list[Part]
    ticks: list[Tick]


def draw(policy: Policy) -> Drawing:
    """A lesson of 45 minutes, or longer where the rules are; no part is too narrow to be seen."""
    statuses, bounds = [], [-policy.opens_before_s]
    for status, until in _stretches(policy):
        if until > bounds[-1]:
            statuses.append(status)
            bounds.append(until)
    widths = _widths([second - first for first, second in pairwise(bounds)])
    parts, x = [], 0.0
    for status, width in zip(statuses, widths, strict=True):
        parts.append(Part(status, round(x, 1), round(width, 1)))
        x += width
    ticks = [Tick(part.x, _label(bound)) for part, bound in zip(parts, bounds, strict=False)]
    return Drawing(WIDTH, parts, [*ticks, Tick(float(WIDTH), _("end"))])


def _stretches(policy: Policy) -> Iterator[tuple[str, int]]:
    """Each status with the second until which it is given."""
    late, absent = policy.late_after_s, policy.absent_after_s
    last = max(late or 0, absent or 0)
    end = max(SHOWN_SECONDS, last + REST_SECONDS if last else 0)
    yield "early", 0
    yield "present", min(x for x in (late, absent, end) if x is not None)
    if late is not None:
        yield "late", end if absent is None else absent
    if absent is not None:
        yield "absent", end


def _widths(lengths: list[int]) -> list[float]:
    """As wide as long, and none below the narrowest; together the whole width."""
    free = WIDTH - NARROWEST * len(lengths)
    total = sum(lengths)
    return [NARROWEST + free * length / total for length in lengths]


def _label(at_s: int) -> str:
    minutes, seconds = divmod(abs(at_s), 60)
    text = f"{minutes}:{seconds:02}" if seconds else str(minutes)
    return f"\u2212{text}" if at_s < 0 else text
