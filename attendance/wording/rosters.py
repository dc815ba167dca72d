"""What an import of a roster is told as on pages."""

from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

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


def people_in_words(counts: Mapping[str, int]) -> list[str]:
    """What becomes of people's accounts, where anything does."""
    created, completed = counts["people_created"], counts["people_completed"]
    renamed = counts["people_renamed"]
    sentences = (
        (created, ngettext("%(n)d person is new.", "%(n)d people are new.", created)),
        (
            completed,
            ngettext("%(n)d becomes a teacher.", "%(n)d become teachers.", completed),
        ),
        (renamed, ngettext("%(n)d gets another name.", "%(n)d get another name.", renamed)),
    )
    return [words % {"n": count} for count, words in sentences if count]
