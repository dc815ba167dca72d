"""What marks add up to: a share, and what may still be missed, in exact fractions.

    rate = Σ weight · credit / Σ weight                       none where nothing counts, never 0
    best = (Σ weight · credit + ahead) / (Σ weight + ahead)   of whoever misses nothing more
    can_miss = (Σ weight + ahead) · (1 - threshold) - missed

A weight is 1, the hours of a lesson, or its part of the person's day. Excused lessons are worth
what their reason says: `neutral` ones are in no sum. A mark that waits for a decision counts
nowhere. Shares are compared as fractions and rounded for the eye alone: 69.996 % is shown as
70.0 % and is below 70 %.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from math import floor
from typing import Final

import msgspec

WHOLE: Final = Fraction(1)
NOTHING: Final = Fraction(0)
HERE: Final = frozenset({"present", "late"})
MISSED: Final = frozenset({"absent", "rejected"})
"""Without an excuse; an excused lesson is not in a row of missed ones."""

_PERMILLE: Final = 1_000
_CREDIT: Final = {"present": WHOLE, "absent": NOTHING, "rejected": NOTHING}
_EFFECT: Final = {"counts_present": WHOLE, "counts_absent": NOTHING}


class Counting(msgspec.Struct, frozen=True, kw_only=True):
    """One mark of somebody who was expected at a lesson that was held."""

    status: str
    effect: str = "neutral"
    """Of an excused one: what its reason is worth."""
    weight: Fraction = WHOLE
    late_credit: Fraction = WHOLE
    """By the rule that the lesson began with."""
    on: date | None = None
    """The day of the lesson; needed where days are counted."""

    @property
    def credit(self) -> Fraction | None:
        """The worth of this mark, of 1; None where it counts nowhere."""
        if self.status == "late":
            return self.late_credit
        if self.status == "excused":
            return _EFFECT.get(self.effect)
        return _CREDIT.get(self.status)


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The sums of one person in one section."""

    lessons: int = 0
    """How many count."""
    here: int = 0
    """In how many of them the person was, late ones among them."""
    weight: Fraction = NOTHING
    credit: Fraction = NOTHING
    days: int = 0
    """On how many different days the lessons that count were; 0 where nobody has asked."""

    @property
    def missed(self) -> Fraction:
        return self.weight - self.credit

    @property
    def rate(self) -> Fraction | None:
        return self.credit / self.weight if self.weight else None

    def best(self, *, ahead: Fraction) -> Fraction | None:
        """The rate of whoever comes to all that is ahead, of this weight."""
        whole = self.weight + ahead
        return (self.credit + ahead) / whole if whole else None

    def can_miss(self, *, threshold: Fraction, ahead: Fraction = NOTHING) -> Fraction:
        """What may still be missed of all that is held and ahead; below 0: too much already."""
        return (self.weight + ahead) * (1 - threshold) - self.missed

    def can_miss_next(self, *, threshold: Fraction) -> Fraction | None:
        """What may be missed from now on without a break, where nobody knows what is ahead.

        The largest weight with credit / (weight so far + it) at the threshold or above; below 0:
        the rate is below the threshold. None where no share is needed.
        """
        return self.credit / threshold - self.weight if threshold else None

    def is_below(self, threshold: Fraction) -> bool:
        return self.rate is not None and self.rate < threshold


def add_up(marks: Iterable[Counting]) -> Figures:
    """The figures of one person from their marks.

    This and `by_days` are the rule; `reports` adds up in SQL, and tests hold it to them.
    """
    counted = [(each, credit) for each in marks if (credit := each.credit) is not None]
    return Figures(
        lessons=len(counted),
        here=sum(each.status in HERE for each, _ in counted),
        weight=sum((each.weight for each, _ in counted), NOTHING),
        credit=sum((each.weight * credit for each, credit in counted), NOTHING),
        days=len({each.on for each, _ in counted if each.on is not None}),
    )


def by_days(marks: Iterable[Counting]) -> list[Counting]:
    """The marks that count, so weighed that each day is 1: of two lessons a day, each is a half.

    A day on which nothing counts is no day. Raises ValueError for a mark without its day.
    """
    counted = [each for each in marks if each.credit is not None]
    if any(each.on is None for each in counted):
        raise ValueError("Days are counted, and a mark has none.")
    lessons = Counter(each.on for each in counted)
    return [msgspec.structs.replace(each, weight=Fraction(1, lessons[each.on])) for each in counted]


def in_a_row(statuses: Iterable[str]) -> int:
    """How many were missed without one in between to which the person came, the latest first.

    What is excused or pending is skipped: it neither counts nor ends the row. Late ends it.
    """
    row = 0
    for status in statuses:
        if status in HERE:
            return row
        row += status in MISSED
    return row


def last_attended_on(marks: Iterable[tuple[str, date]]) -> date | None:
    """The last day on which somebody came to a lesson, late or not; None for never."""
    return max((on for status, on in marks if status in HERE), default=None)


def days_without(*, last_on: date | None, since: date, today: date) -> int:
    """Days since somebody last came; since they were first expected, where they never came."""
    return max(0, (today - (since if last_on is None else max(last_on, since))).days)


def share(permille: int) -> Fraction:
    """An exact share of a whole from permille."""
    return Fraction(permille, _PERMILLE)


def shown_permille(rate: Fraction) -> int:
    """A rate rounded for the eye, half up; nothing is decided by it."""
    return floor(rate * _PERMILLE + Fraction(1, 2))
