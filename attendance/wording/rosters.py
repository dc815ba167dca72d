"""What an import of a roster is told as on pages."""

from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from courses.services.rosters.applying import RosterReport
from courses.services.rosters.plan import Action

ACTIONS: Final = {
    Action.BAD: gettext_lazy("Left out"),
    Action.END: gettext_lazy("Ends"),
    Action.CREATE: gettext_lazy("New"),
    Action.UPDATE: gettext_lazy("Changes"),
    Action.UNCHANGED: gettext_lazy("Unchanged"),
}
"""In the order in which somebody should look at them."""


def in_words(report: RosterReport) -> str:
    """What was applied, and why something was not."""
    counts = {name: report.applied.get(name, 0) for name in ("create", "update", "end")}
    done = _("Applied: %(create)d new, %(update)d changed, %(end)d ended.") % counts
    return " ".join([done, *(failure.detail for failure in report.failed)])
