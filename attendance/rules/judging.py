"""Whether somebody's figures are too little by the rules of a course, in exact fractions."""

from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Final, Protocol

import msgspec

from attendance.rules.figures import NOTHING, Figures, share

COUNTS_ABSENT: Final = "counts_absent"


class Judgement(StrEnum):
    NOTHING_COUNTS = "nothing_counts"
    NOT_JUDGED = "not_judged"
    """Too few lessons or days so far."""
    ENOUGH = "enough"
    BELOW = "below"


class FigureRules(Protocol):
    """What the rules of a course say of figures, wherever they are kept."""

    @property
    def threshold_permille(self) -> int: ...
    @property
    def basis(self) -> str: ...
    @property
    def must_exceed(self) -> bool: ...
    @property
    def min_lessons(self) -> int: ...
    @property
    def min_days(self) -> int: ...
    @property
    def planned(self) -> int | None: ...
    @property
    def excused_as(self) -> str: ...


class Needed(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed, and from when on somebody is judged by it."""

    threshold: Fraction
    is_of_best: bool = False
    """Compared is what can still be reached, and not what is reached so far."""
    must_exceed: bool = False
    """Exactly the threshold is too little: 10 % absent is 10 % or more."""
    min_lessons: int = 0
    min_days: int = 0
    planned: Fraction | None = None
    """Of the whole term, in the unit that is counted; None where nobody has said so."""

    def ahead(self, held: Fraction) -> Fraction:
        """What is still to come once so much was held; nothing where nothing is planned."""
        return NOTHING if self.planned is None else max(NOTHING, self.planned - held)

    def compared(self, figures: Figures, *, ahead: Fraction) -> Fraction | None:
        """The share that is compared; None where nothing counts yet."""
        if figures.rate is None:
            return None
        return figures.best(ahead=ahead) if self.is_of_best else figures.rate

    def can_miss(self, figures: Figures, *, ahead: Fraction) -> Fraction | None:
        """What may still be missed, in the unit that is counted; below 0: too much already.

        None where no share is needed, or nothing counts yet.
        """
        if figures.rate is None or not self.threshold:
            return None
        if self.planned is None:
            return figures.can_miss_next(threshold=self.threshold)
        return figures.can_miss(threshold=self.threshold, ahead=ahead)

    def judge(self, figures: Figures, *, ahead: Fraction = NOTHING) -> Judgement:
        found = self.compared(figures, ahead=ahead)
        if found is None:
            return Judgement.NOTHING_COUNTS
        if figures.lessons < self.min_lessons or figures.days < self.min_days:
            return Judgement.NOT_JUDGED
        is_too_little = found <= self.threshold if self.must_exceed else found < self.threshold
        return Judgement.BELOW if is_too_little else Judgement.ENOUGH


def document_by(last_on: date, *, within_days: int) -> date:
    """The day by which it has to be written down that somebody came no more after `last_on`."""
    return last_on + timedelta(days=within_days)


def needed_by(rules: FigureRules) -> Needed:
    """What the rules of a course ask for."""
    return Needed(
        threshold=share(rules.threshold_permille),
        is_of_best=rules.basis == "best",
        must_exceed=rules.must_exceed,
        min_lessons=rules.min_lessons,
        min_days=rules.min_days,
        planned=None if rules.planned is None else Fraction(rules.planned),
    )


def counted_effect(rules: FigureRules | None, effect: str) -> str:
    """What an excused lesson is worth: its reason's effect, unless the rules say otherwise."""
    return COUNTS_ABSENT if rules is not None and rules.excused_as == "absent" else effect
