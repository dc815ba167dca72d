"""The alarms that are on now, each with since when and with who has acknowledged it."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db import Error, connection

from attendance.models import AlarmAcknowledgement, AlarmEpisode
from attendance.selectors.alarms import finding
from attendance.selectors.alarms.kinds import (
    KINDS,
    MIGRATIONS_MISSING,
    AlarmKind,
    AlarmPart,
    FoundAlarm,
    Severity,
)

_PLACES = {code: place for place, code in enumerate(KINDS)}


class Alarm(NamedTuple):
    found: FoundAlarm
    since: datetime | None
    """When its source knows it, or a run has seen it first; None until one has."""
    acknowledgement: AlarmAcknowledgement | None

    @property
    def kind(self) -> AlarmKind:
        return self.found.kind

    @property
    def is_open(self) -> bool:
        """Whether nobody has said that it may stay."""
        return self.acknowledgement is None


class Current(NamedTuple):
    alarms: list[Alarm]
    unknown: set[AlarmPart]

    @property
    def status(self) -> str:
        """`ok`, `degraded` or `unavailable`, as /readyz says it."""
        if any(alarm.kind.severity is Severity.UNAVAILABLE for alarm in self.alarms):
            return "unavailable"
        return "degraded" if any(alarm.is_open for alarm in self.alarms) else "ok"

    def of(self, part: AlarmPart) -> list[Alarm]:
        return [alarm for alarm in self.alarms if alarm.kind.part is part]

    def works(self, part: AlarmPart) -> bool:
        """Whether it was asked, and nothing of it keeps the site from taking and keeping marks."""
        is_stopped = any(x.kind.severity is Severity.UNAVAILABLE for x in self.of(part))
        return part not in self.unknown and not is_stopped

    def is_quiet(self, part: AlarmPart) -> bool:
        """Whether it was asked, and nobody has to look at it."""
        return part not in self.unknown and not any(alarm.is_open for alarm in self.of(part))


def current(*, is_probe: bool = False, also: Iterable[FoundAlarm] = ()) -> Current:
    """What is on now. `also` is what the calling process knows of itself.

    A probe leaves out what may hang.
    """
    sources = finding.SOURCES if is_probe else {**finding.SOURCES, **finding.SLOW}
    found, unknown = finding.find(sources)
    found += also
    episodes = _episodes(found)
    alarms = [_joined(each, episodes.get((each.kind.code, each.subject))) for each in found]
    return Current(sorted(alarms, key=_order), unknown)


def _order(alarm: Alarm) -> tuple[bool, int]:
    """What stops the site comes first; then as the kinds stand, each kind together."""
    return alarm.kind.severity is not Severity.UNAVAILABLE, _PLACES[alarm.kind.code]


def _episodes(found: list[FoundAlarm]) -> dict[tuple[str, str], AlarmEpisode]:
    """The open episodes, with what was said of each; a quiet site asks nothing."""
    if not found or any(each.kind is MIGRATIONS_MISSING for each in found):
        return {}
    rows = AlarmEpisode.objects.filter(ended_at=None).prefetch_related("acknowledgements")
    try:
        return {(row.code, row.subject): row for row in rows}
    except Error:
        connection.close()
        return {}


def _joined(found: FoundAlarm, episode: AlarmEpisode | None) -> Alarm:
    if episode is None or episode.cause != found.cause:
        return Alarm(found, found.since, None)
    said = list(episode.acknowledgements.all())
    may = found.kind.may_be_acknowledged
    return Alarm(found, found.since or episode.began_at, said[0] if said and may else None)
