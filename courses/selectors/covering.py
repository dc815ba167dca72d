"""Which approved absences excuse from a lesson: one that holds all of it, or several together."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple


class AbsentSpan(NamedTuple):
    """An approved absence, from one instant to another; the end is exclusive."""

    absence_id: int
    starts_at: datetime
    ends_at: datetime


def cover(
    spans: Sequence[AbsentSpan], *, starts_at: datetime, ends_at: datetime
) -> list[AbsentSpan]:
    """Those of one person's absences that cover a lesson, [starts_at, ends_at).

    Those that hold all of it, in their order; where there is none, those that cover it
    together, without a gap, in the order of time. Nothing where it is not covered.
    """
    whole = [span for span in spans if span.starts_at <= starts_at and ends_at <= span.ends_at]
    if whole:
        return whole
    parts, covered = [], starts_at
    for span in sorted(spans, key=lambda span: (span.starts_at, span.absence_id)):
        if span.starts_at <= covered < min(span.ends_at, ends_at):
            parts.append(span)
            covered = span.ends_at
    return parts if covered >= ends_at else []
