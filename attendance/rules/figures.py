"""What marks add up to: a share, and what may still be missed, in exact fractions.

    rate = Σ weight · credit / Σ weight       none where nothing counts, never 0
    can_miss = (Σ weight + ahead) · (1 - threshold) - missed

A weight is 1, or the hours of a lesson. Excused lessons are worth what their reason says:
`neutral` ones are in no sum. A mark that waits for a decision counts nowhere. Shares are
compared as fractions and rounded for the eye alone: 69.996 % is shown as 70.0 % and is below 70 %.
"""

from collections.abc import Iterable
from fractions import Fraction
from math import floor
from typing import Final

import msgspec

WHOLE: Final = Fraction(1)
NOTHING: Final = Fraction(0)
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
    """The figures of one person from their marks."""
    counted = [(each, credit) for each in marks if (credit := each.credit) is not None]
    return Figures(
        lessons=len(counted),
        here=sum(each.status in {"present", "late"} for each, _ in counted),
        weight=sum((each.weight for each, _ in counted), NOTHING),
        credit=sum((each.weight * credit for each, credit in counted), NOTHING),
    )


def share(permille: int) -> Fraction:
    """An exact share of a whole from permille."""
    return Fraction(permille, _PERMILLE)


def shown_permille(rate: Fraction) -> int:
    """A rate rounded for the eye, half up; nothing is decided by it."""
    return floor(rate * _PERMILLE + Fraction(1, 2))
