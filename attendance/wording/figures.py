"""A student's figures in one course, in words."""

from collections.abc import Iterator
from math import floor
from typing import Final

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from attendance.rules.figures import Figures, share, shown_permille
from attendance.wording.policies import percent
from courses.models import Policy
from courses.vocabulary import Counted

_TENTHS: Final = 10


def of_figures(figures: Figures, policy: Policy | None) -> list[str]:
    """The share so far, and what may still be missed; the second only where a share is needed."""
    return list(_figures(figures, policy))


def _figures(figures: Figures, policy: Policy | None) -> Iterator[str]:
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
    if figures.lessons < policy.min_lessons:
        yield ngettext(
            "Nobody is judged before %(n)d lesson.",
            "Nobody is judged before %(n)d lessons.",
            policy.min_lessons,
        ) % {"n": policy.min_lessons}
        return
    yield _what_is_left(figures, policy)


def _what_is_left(figures: Figures, policy: Policy) -> str:
    threshold = share(policy.threshold_permille)
    needed = {"share": percent(policy.threshold_permille)}
    left = figures.can_miss_next(threshold=threshold)
    if left is None or left < 0:
        return _("That is below %(share)s, which are needed.") % needed
    if policy.counted == Counted.HOURS:
        tenths = floor(left * _TENTHS)
        hours = number_format(tenths / _TENTHS, decimal_pos=1 if tenths % _TENTHS else 0)
        return _("You may miss the next %(hours)s hours and stay at %(share)s.") % (
            needed | {"hours": hours}
        )
    if left < 1:
        return _("Miss the next lesson, and it is below %(share)s, which are needed.") % needed
    return ngettext(
        "You may miss the next lesson and stay at %(share)s.",
        "You may miss the next %(n)d lessons and stay at %(share)s.",
        floor(left),
    ) % (needed | {"n": floor(left)})
