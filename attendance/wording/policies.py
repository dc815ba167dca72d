"""The rules of a course in plain words."""

from collections.abc import Iterator
from typing import Final

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from courses.models import Policy
from courses.vocabulary import WHOLE_PERMILLE, Counted

_MINUTE: Final = 60


def duration(seconds: int) -> str:
    """Minutes, and seconds where there are some: "10 minutes", "1 min 30 s"."""
    minutes, rest = divmod(seconds, _MINUTE)
    if rest:
        return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": rest}
    return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}


def percent(permille: int) -> str:
    """With one decimal where there is one: 70 %, 69,9 % in Turkish."""
    whole, tenth = divmod(permille, 10)
    number = number_format(permille / 10, decimal_pos=1) if tenth else str(whole)
    return _("%(number)s %%") % {"number": number}


def of_arrivals(policy: Policy) -> list[str]:
    """What becomes of whoever comes, by the minute."""
    return list(_arrivals(policy))


def of_figures(policy: Policy) -> list[str]:
    """What lessons are worth, how many are needed, and when somebody is warned."""
    return list(_figures(policy))


def _arrivals(policy: Policy) -> Iterator[str]:
    if policy.opens_before_s:
        before = {"before": duration(policy.opens_before_s)}
        yield _("Check-in opens %(before)s before the start.") % before
    else:
        yield _("Check-in opens at the start.")
    if policy.late_after_s == 0:
        yield _("Late from the start on.")
    elif policy.late_after_s is not None:
        yield _("Late from %(after)s after the start on.") % {
            "after": duration(policy.late_after_s)
        }
    else:
        yield _("Nobody is late.")
    if policy.absent_after_s is None:
        yield _("Whoever comes before the end is not absent.")
    else:
        yield _("Absent from %(after)s after the start on; the arrival is kept.") % {
            "after": duration(policy.absent_after_s)
        }


def _figures(policy: Policy) -> Iterator[str]:
    if policy.late_after_s is not None and policy.late_credit_permille != WHOLE_PERMILLE:
        worth = {"share": percent(policy.late_credit_permille)}
        yield _("Late is worth %(share)s of a lesson.") % worth
    if policy.min_presence_permille:
        least = {"share": percent(policy.min_presence_permille)}
        yield _("Whoever checks out needs %(share)s of a lesson.") % least
    needed = {"share": percent(policy.threshold_permille)}
    if policy.counted == Counted.HOURS:
        yield _("%(share)s of the hours are needed.") % needed
    else:
        yield _("%(share)s of the lessons are needed.") % needed
    yield from _warnings(policy)
    if policy.min_lessons:
        yield ngettext(
            "Nobody is judged before %(n)d lesson.",
            "Nobody is judged before %(n)d lessons.",
            policy.min_lessons,
        ) % {"n": policy.min_lessons}


def _warnings(policy: Policy) -> Iterator[str]:
    if policy.warn_permille is not None:
        yield _("Warning below %(share)s.") % {"share": percent(policy.warn_permille)}
    if policy.in_a_row is not None:
        yield ngettext(
            "Warning after %(n)d lesson missed in a row.",
            "Warning after %(n)d lessons missed in a row.",
            policy.in_a_row,
        ) % {"n": policy.in_a_row}
    if policy.days_without is not None:
        yield ngettext(
            "Warning after %(n)d day without a lesson.",
            "Warning after %(n)d days without a lesson.",
            policy.days_without,
        ) % {"n": policy.days_without}
