"""What the site's health says, in words for staff: the verdict, then what works."""

from collections.abc import Iterator
from typing import NamedTuple

from django.utils.translation import gettext as _

from attendance.selectors.alarms import AlarmPart, Current

TONES = {"ok": "good", "degraded": "warn", "unavailable": "bad"}


class Sign(NamedTuple):
    """One line; its tone is good, warn or bad."""

    tone: str
    text: str


def of_health(now: Current, *, has_scheduler: bool) -> list[Sign]:
    """The verdict first, then each part that is well; what is not well is an alarm."""
    titles = {
        "ok": _("Everything runs"),
        "degraded": _("Runs, and something needs a person"),
        "unavailable": _("Marks cannot be taken or kept now"),
    }
    return [Sign(TONES[now.status], titles[now.status]), *_parts(now, has_scheduler)]


def _parts(now: Current, has_scheduler: bool) -> Iterator[Sign]:
    for name, part in (("Redis", AlarmPart.REDIS), ("PostgreSQL", AlarmPart.POSTGRESQL)):
        if now.works(part):
            yield Sign("good", _("%(server)s works.") % {"server": name})
    if not has_scheduler:
        yield Sign("good", _("This process has no scheduler; another one, or a timer, persists."))
    elif now.works(AlarmPart.SCHEDULER):
        yield Sign("good", _("The scheduler runs."))
