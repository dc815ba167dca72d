"""What the site's health says, in words for staff: each line with what to do."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

TONES = {"ok": "good", "degraded": "warn", "unavailable": "bad"}


ALARMS = {
    "lost": (
        "bad",
        ngettext_lazy(
            "%d lesson is lost from the live store. Open it in the ledger.",
            "%d lessons are lost from the live store. Open them in the ledger.",
        ),
    ),
    "quarantined": (
        "warn",
        ngettext_lazy(
            "%d lesson is unreadable. Open the quarantine.",
            "%d lessons are unreadable. Open the quarantine.",
        ),
    ),
    "rewound": (
        "warn",
        ngettext_lazy(
            "%d lesson came back older than it was stored. Open the ledger.",
            "%d lessons came back older than they were stored. Open the ledger.",
        ),
    ),
    "failed": (
        "warn",
        ngettext_lazy(
            "%d lesson could not be stored yet; it is tried again by itself.",
            "%d lessons could not be stored yet; they are tried again by themselves.",
        ),
    ),
}
"""What the ledger counts, with the text for one and for many."""


class Sign(NamedTuple):
    """One line; its tone is good, warn or bad."""

    tone: str
    text: str


def of_health(report: dict[str, Any]) -> list[Sign]:
    """The verdict first, then each part, then everything that wants a person."""
    titles = {
        "ok": _("Everything runs"),
        "degraded": _("Runs, and something needs a person"),
        "unavailable": _("Marks cannot be taken or kept now"),
    }
    status = report["status"]
    return [Sign(TONES[status], titles[status]), *_parts(report), *_alarms(report["lessons"])]


def _parts(report: dict[str, Any]) -> Iterator[Sign]:
    for name, part in (("Redis", report["redis"]), ("PostgreSQL", report["postgresql"])):
        if part["ok"]:
            yield Sign("good", _("%(server)s works.") % {"server": name})
        else:
            yield Sign("bad", _(part["detail"]))
    migrations, scheduler = report["migrations"], report["scheduler"]
    if report["postgresql"]["ok"] and not migrations["ok"]:
        yield Sign("bad", _(migrations["detail"]))
    if scheduler.get("is_late"):
        yield Sign("warn", _("No scheduled run has begun for a long time. Start the site again."))
    elif not scheduler["ok"]:
        yield Sign("warn", _("The scheduler of this process stands still. Start the site again."))
    elif "detail" in scheduler:
        yield Sign("good", _("This process has no scheduler; another one, or a timer, persists."))
    else:
        yield Sign("good", _("The scheduler runs."))


def _alarms(lessons: dict[str, Any]) -> Iterator[Sign]:
    """Nothing where the ledger could not be asked."""
    for name, (tone, words) in ALARMS.items():
        if count := lessons.get(name):
            yield Sign(tone, words % count)
    if lessons.get("is_late"):
        text = _("A lesson waits longer than it should. Does a scheduler or a timer run?")
        yield Sign("warn", text)
