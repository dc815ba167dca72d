"""Reasons that a teacher gives with one click, in their language: the student reads them."""

from collections.abc import Sequence
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from attendance.vocabulary import Verdict

REASONS: Final[dict[Verdict, Sequence[Promise]]] = {
    Verdict.LATE: (_("came late"),),
    Verdict.ABSENT: (_("not in the room"),),
    Verdict.REJECT: (_("not in the room"),),
    Verdict.EXCUSE: (
        _("ill"),
        _("family"),
        _("appointment with a public office"),
        _("at an event of the school"),
        _("could not get here"),
    ),
}
"""The first one is given where the verdict alone says enough; an excuse has to be chosen."""


def reason_of(verdict: Verdict) -> str:
    """What one click says; '' where a reason has to be chosen, or none is needed."""
    return "" if verdict == Verdict.EXCUSE else str(next(iter(REASONS.get(verdict, ())), ""))
