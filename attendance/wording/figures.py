"""A student's figures in one course, in words."""

from collections.abc import Iterator
from fractions import Fraction
from math import ceil, floor
from typing import Final

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from attendance.rules.figures import NOTHING, Figures, share, shown_permille
from attendance.rules.judging import Judgement, needed_by
from attendance.wording.policies import percent
from courses.models import Policy
from courses.vocabulary import Basis, Counted

_TENTHS: Final = 10


def of_figures(figures: Figures, policy: Policy | None, *, ahead: Fraction = NOTHING) -> list[str]:
    """The share so far, and what may still be missed; the second only where a share is needed.

    `ahead` is what is planned and still to come, in the unit that the policy counts.
    """
    return list(_figures(figures, policy, ahead))


def _figures(figures: Figures, policy: Policy | None, ahead: Fraction) -> Iterator[str]:
    if figures.rate is None:
        yield _("No lesson counts yet.")
        return
    values = {"here": figures.here, "share": percent(shown_permille(figures.rate))}
    yield ngettext(
        "Here in %(here)d of %(n)d lesson so far: %(share)s.",
        "Here in %(here)d of %(n)d lessons so far: %(share)s.",
        figures.lessons,
    ) % (values | {"n": figures.lessons})
    if policy is None or not policy.threshold_permille:
        return
    best = figures.best(ahead=ahead)
    if policy.basis == Basis.BEST and best is not None:
        yield _("%(share)s can still be reached.") % {"share": percent(shown_permille(best))}
    yield from _judged(figures, policy, ahead)


def _judged(figures: Figures, policy: Policy, ahead: Fraction) -> Iterator[str]:
    standing = needed_by(policy).judge(figures, ahead=ahead)
    needed = {"share": percent(policy.threshold_permille)}
    if standing is Judgement.NOT_JUDGED:
        yield from _too_early(figures, policy)
    elif standing is Judgement.BELOW and policy.must_exceed:
        yield _("More than %(share)s are needed, and that is not.") % needed
    elif standing is Judgement.BELOW:
        yield _("That is below %(share)s, which are needed.") % needed
    else:
        yield _what_is_left(figures, policy, ahead)


def _too_early(figures: Figures, policy: Policy) -> Iterator[str]:
    if figures.lessons < policy.min_lessons:
        yield ngettext(
            "Nobody is judged before %(n)d lesson.",
            "Nobody is judged before %(n)d lessons.",
            policy.min_lessons,
        ) % {"n": policy.min_lessons}
    else:
        yield ngettext(
            "Nobody is judged before %(n)d day.",
            "Nobody is judged before %(n)d days.",
            policy.min_days,
        ) % {"n": policy.min_days}


def _what_is_left(figures: Figures, policy: Policy, ahead: Fraction) -> str:
    threshold = share(policy.threshold_permille)
    if policy.planned is not None:
        return _left_of_planned(figures.can_miss(threshold=threshold, ahead=ahead), policy)
    left = figures.can_miss_next(threshold=threshold) or NOTHING
    needed = {"share": percent(policy.threshold_permille)}
    if policy.counted == Counted.HOURS:
        hours = _in_tenths(_largest(left * _TENTHS, policy))
        return _("You may miss the next %(hours)s hours and stay at %(share)s.") % (
            needed | {"hours": hours}
        )
    whole = _largest(left, policy)
    if policy.counted == Counted.DAYS:
        return ngettext(
            "You may miss the next %(n)d day and stay at what is needed.",
            "You may miss the next %(n)d days and stay at what is needed.",
            whole,
        ) % {"n": whole}
    if whole < 1:
        return _("Miss the next lesson, and it is below %(share)s, which are needed.") % needed
    return ngettext(
        "You may miss the next lesson and stay at %(share)s.",
        "You may miss the next %(n)d lessons and stay at %(share)s.",
        whole,
    ) % (needed | {"n": whole})


def _left_of_planned(left: Fraction, policy: Policy) -> str:
    """Of what is held and still to come, where somebody has said how much that is."""
    if policy.counted == Counted.HOURS:
        hours = _in_tenths(_largest(left * _TENTHS, policy))
        return _("You may still miss %(hours)s hours of those to come.") % {"hours": hours}
    whole = _largest(left, policy)
    if policy.counted == Counted.DAYS:
        words = ngettext(
            "You may still miss %(n)d day of those to come.",
            "You may still miss %(n)d days of those to come.",
            whole,
        )
    else:
        words = ngettext(
            "You may still miss %(n)d lesson of those to come.",
            "You may still miss %(n)d lessons of those to come.",
            whole,
        )
    return words % {"n": whole}


def _largest(left: Fraction, policy: Policy) -> int:
    """The largest whole number that leaves enough: as much as the threshold, or more than it."""
    return max(0, ceil(left) - 1 if policy.must_exceed else floor(left))


def _in_tenths(tenths: int) -> str:
    return number_format(tenths / _TENTHS, decimal_pos=1 if tenths % _TENTHS else 0)
