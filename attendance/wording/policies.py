"""The rules of a course in plain words."""

from collections.abc import Iterator
from typing import Final

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from courses.models import Policy
from courses.services.policies import PolicyPlan
from courses.vocabulary import WHOLE_PERMILLE, Basis, Counted, ExcusedAs

_MINUTE: Final = 60
PolicyFacts = Policy | PolicyPlan
"""A version, or one that may be made: they have the same fields."""


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


def of_arrivals(policy: PolicyFacts) -> list[str]:
    """What becomes of whoever comes, by the minute."""
    return list(_arrivals(policy))


def of_figures(policy: PolicyFacts) -> list[str]:
    """What lessons are worth, how many are needed, and when somebody is warned."""
    return list(_figures(policy))


def _arrivals(policy: PolicyFacts) -> Iterator[str]:
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


def _figures(policy: PolicyFacts) -> Iterator[str]:
    if policy.late_after_s is not None and policy.late_credit_permille != WHOLE_PERMILLE:
        worth = {"share": percent(policy.late_credit_permille)}
        yield _("Late is worth %(share)s of a lesson.") % worth
    if policy.min_presence_permille:
        least = {"share": percent(policy.min_presence_permille)}
        yield _("Whoever checks out needs %(share)s of a lesson.") % least
    if policy.threshold_permille:
        yield from _needed(policy)
    yield from _warnings(policy)
    yield from _judged_from(policy)
    if policy.document_days is not None:
        yield ngettext(
            "A last attendance is written down within %(n)d day.",
            "A last attendance is written down within %(n)d days.",
            policy.document_days,
        ) % {"n": policy.document_days}


_NEEDED: Final = {
    (Counted.LESSONS, False): gettext_lazy("%(share)s of the lessons are needed."),
    (Counted.HOURS, False): gettext_lazy("%(share)s of the hours are needed."),
    (Counted.DAYS, False): gettext_lazy("%(share)s of the days are needed."),
    (Counted.LESSONS, True): gettext_lazy("More than %(share)s of the lessons are needed."),
    (Counted.HOURS, True): gettext_lazy("More than %(share)s of the hours are needed."),
    (Counted.DAYS, True): gettext_lazy("More than %(share)s of the days are needed."),
}


def _needed(policy: PolicyFacts) -> Iterator[str]:
    words = _NEEDED[Counted(policy.counted), policy.must_exceed]
    yield words % {"share": percent(policy.threshold_permille)}
    if policy.basis == Basis.BEST:
        yield _("Compared is what can still be reached.")
    if policy.planned is not None:
        yield _planned(policy.counted, policy.planned)
    if policy.excused_as == ExcusedAs.ABSENT:
        yield _("An excused lesson counts as a missed one.")


def _planned(counted: str, n: int) -> str:
    if counted == Counted.HOURS:
        words = ngettext("%(n)d hour is planned.", "%(n)d hours are planned.", n)
    elif counted == Counted.DAYS:
        words = ngettext("%(n)d day is planned.", "%(n)d days are planned.", n)
    else:
        words = ngettext("%(n)d lesson is planned.", "%(n)d lessons are planned.", n)
    return words % {"n": n}


def _judged_from(policy: PolicyFacts) -> Iterator[str]:
    if policy.min_lessons:
        yield ngettext(
            "Nobody is judged before %(n)d lesson.",
            "Nobody is judged before %(n)d lessons.",
            policy.min_lessons,
        ) % {"n": policy.min_lessons}
    if policy.min_days:
        yield ngettext(
            "Nobody is judged before %(n)d day.",
            "Nobody is judged before %(n)d days.",
            policy.min_days,
        ) % {"n": policy.min_days}


def _warnings(policy: PolicyFacts) -> Iterator[str]:
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
