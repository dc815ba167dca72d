"""What warnings say, and what somebody's own ones say to them."""

from collections.abc import Collection
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from attendance.rules.figures import shown_permille
from reports.models import FigureWarning
from reports.vocabulary import WarningKind


def own_warnings(user_id: int, section_ids: Collection[int]) -> dict[int, list[str]]:
    """What the open warnings of one person say, by section; one query, by their root account."""
    found: dict[int, list[str]] = {}
    rows = FigureWarning.objects.filter(
        user=user_id, section__in=section_ids, retracted_at=None
    ).exclude(kind=WarningKind.NOT_TAKEN)
    for row in rows.order_by("kind"):
        found.setdefault(row.section_id, []).append(said(row))
    return found


def said(warning: FigureWarning) -> str:
    """The figures that raised a warning, in one sentence."""
    own: dict[str, Any] = warning.figures
    if warning.kind == WarningKind.SHARE:
        permille = shown_permille(Fraction(own["credit"]) / Fraction(own["weight"]) / 1000)
        here = {"here": own["here"], "n": own["lessons"], "percent": f"{permille / 10:.1f}"}
        return (
            ngettext(
                "Here in %(here)d of %(n)d lesson that counts: %(percent)s %%.",
                "Here in %(here)d of %(n)d lessons that count: %(percent)s %%.",
                own["lessons"],
            )
            % here
        )
    if warning.kind == WarningKind.IN_A_ROW:
        n = own["in_a_row"]
        words = ngettext("Missed %(n)d lesson in a row.", "Missed %(n)d lessons in a row.", n)
        return words % {"n": n}
    if warning.kind == WarningKind.NOT_TAKEN:
        n = own["lessons"]
        words = ngettext(
            "%(n)d register not taken, the last one of %(day)s.",
            "%(n)d registers not taken, the last one of %(day)s.",
            n,
        )
        return words % {"n": n, "day": own["last_on"]}
    if own["last_on"] is None:
        return _("Has not come to any lesson for %(n)d days.") % {"n": own["days"]}
    return _("Last came on %(day)s, %(n)d days before.") % {"day": own["last_on"], "n": own["days"]}
