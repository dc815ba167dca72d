"""Figures: worked examples by hand, and that only exact fractions decide."""

from fractions import Fraction

import pytest

from attendance.rules.figures import Counting, Figures, add_up, share, shown_permille
from attendance.vocabulary import Status
from courses.vocabulary import Effect

SEVENTY = share(700)


def hours(status: str, number: int, effect: str = "neutral") -> Counting:
    return Counting(status=status, effect=effect, weight=Fraction(number))


@pytest.mark.parametrize(
    ("missed", "excused", "effect", "rate", "is_below"),
    [
        (12, 0, "neutral", Fraction(30, 42), False),
        (13, 0, "neutral", Fraction(29, 42), True),
        (12, 3, "neutral", Fraction(27, 39), True),
        (12, 3, "counts_present", Fraction(30, 42), False),
        (12, 3, "counts_absent", Fraction(27, 42), True),
    ],
)
def test_forty_two_hours_of_theory(
    missed: int, excused: int, effect: str, rate: Fraction, is_below: bool
) -> None:
    came = 42 - missed - excused
    found = add_up(
        [hours("present", came), hours("absent", missed), hours("excused", excused, effect)]
    )
    assert (found.rate, found.is_below(SEVENTY)) == (rate, is_below)


def test_late_is_worth_what_its_lesson_says() -> None:
    late = Counting(status="late", late_credit=share(500))
    present = Counting(status="present")
    assert add_up([]).rate is None
    assert add_up([late]).rate == Fraction(1, 2)
    both = add_up([late, present])
    assert (both.rate, both.here, both.lessons) == (Fraction(3, 4), 2, 2)
    # A third of the term is ahead.
    assert both.best(ahead=Fraction(1)) == Fraction(5, 6)


@pytest.mark.parametrize(("missed", "is_below"), [(48, False), (49, True)])
def test_the_best_that_can_still_be_reached(missed: int, is_below: bool) -> None:
    found = add_up([hours("present", 120 - missed), hours("absent", missed)])
    best = found.best(ahead=Fraction(120))
    assert best is not None
    assert (best < share(800)) is is_below
    left = found.can_miss(threshold=share(800), ahead=Fraction(120))
    assert (left < 0) is is_below


@pytest.mark.parametrize(
    ("came", "missed", "left", "whole"),
    [(8, 2, Fraction(1), 1), (7, 3, Fraction(0), 0), (6, 4, Fraction(-1), -2), (10, 0, 3, 4)],
)
def test_what_may_still_be_missed(came: int, missed: int, left: Fraction, whole: int) -> None:
    """`whole` lessons in a row from now on: one more, and the share is below."""
    found = add_up([hours("present", came), hours("absent", missed)])
    assert found.can_miss(threshold=SEVENTY) == left
    next_ones = found.can_miss_next(threshold=SEVENTY)
    assert next_ones is not None
    assert next_ones // 1 == whole
    for more, is_below in ((max(whole, 0), whole < 0), (max(whole, 0) + 1, True)):
        later = add_up([hours("present", came), hours("absent", missed + more)])
        assert later.is_below(SEVENTY) is is_below
    assert found.can_miss_next(threshold=Fraction(0)) is None


def test_a_share_is_rounded_for_the_eye_and_compared_as_it_is() -> None:
    found = Figures(lessons=25_000, here=17_499, weight=Fraction(25_000), credit=Fraction(17_499))
    assert found.rate is not None
    assert shown_permille(found.rate) == 700
    assert found.is_below(SEVENTY)
    assert not Figures(weight=Fraction(10), credit=Fraction(7)).is_below(SEVENTY)


def test_what_counts_nowhere_and_every_status_has_its_worth() -> None:
    worth = {status: Counting(status=status).credit for status in Status.values}
    assert {status for status, credit in worth.items() if credit is None} == {"pending", "excused"}
    of_effect = {e: Counting(status="excused", effect=e).credit for e in Effect.values}
    assert of_effect == {"neutral": None, "counts_present": 1, "counts_absent": 0}
    assert add_up([Counting(status="pending"), hours("excused", 3)]) == Figures()
