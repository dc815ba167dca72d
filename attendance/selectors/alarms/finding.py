"""The sources of alarms, asked one after the other; a server that is away hides only its own."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from django.db import Error, connection, transaction

from attendance.errors import LiveStoreUnavailable
from attendance.selectors.alarms import kinds
from attendance.selectors.alarms.jobs import of_jobs
from attendance.selectors.alarms.kinds import AlarmPart, FoundAlarm
from attendance.selectors.alarms.lessons import of_lessons, of_quarantine
from attendance.selectors.alarms.servers import (
    of_files,
    of_live_store,
    of_migrations,
    of_postgresql,
    of_site,
)
from attendance.selectors.alarms.totals import of_totals

Source = Callable[[], Iterable[FoundAlarm]]

SERVERS: dict[AlarmPart, tuple[Source, ...]] = {
    AlarmPart.REDIS: (of_live_store,),
    AlarmPart.POSTGRESQL: (of_postgresql,),
    AlarmPart.MIGRATIONS: (of_migrations,),
    AlarmPart.SITE: (of_site,),
}
"""What a system check asks."""

SOURCES: dict[AlarmPart, tuple[Source, ...]] = {
    **SERVERS,
    AlarmPart.LESSONS: (of_lessons, of_quarantine, of_totals),
    AlarmPart.JOBS: (of_jobs,),
}
"""What a probe asks as well: each answers within seconds."""

SLOW: dict[AlarmPart, tuple[Source, ...]] = {AlarmPart.FILES: (of_files,)}
"""What a person and a run ask, and no probe: it may hang."""

_SECONDS = 5
_NOT_OF_POSTGRESQL = {AlarmPart.REDIS, AlarmPart.FILES}


class FoundAlarms(NamedTuple):
    found: list[FoundAlarm]
    unknown: set[AlarmPart]
    """Parts that could not be asked: nothing is known of their alarms."""


def find(sources: dict[AlarmPart, tuple[Source, ...]] = SOURCES) -> FoundAlarms:
    """Every alarm that is on, by its sources. It raises nothing where a server is away."""
    finding = FoundAlarms([], set())
    for part in (part for part in sources if part in _NOT_OF_POSTGRESQL):
        _ask(part, sources[part], finding)
    try:
        with _bounded():
            for part in (part for part in sources if part not in _NOT_OF_POSTGRESQL):
                _ask_postgresql(part, sources[part], finding)
    except Error:
        connection.close()
        finding.found.append(FoundAlarm(kinds.POSTGRESQL_UNREACHABLE))
        finding.unknown.update(set(sources) - _NOT_OF_POSTGRESQL)
    return finding


def _ask(part: AlarmPart, sources: Iterable[Source], finding: FoundAlarms) -> None:
    try:
        for source in sources:
            finding.found.extend(source())
    except LiveStoreUnavailable as error:
        finding.found.append(FoundAlarm(kinds.LIVE_STORE_UNREACHABLE, error=error))
        finding.unknown.add(part)


def _ask_postgresql(part: AlarmPart, sources: Iterable[Source], finding: FoundAlarms) -> None:
    # Tables of another release have other columns, or are not there.
    if any(each.kind is kinds.MIGRATIONS_MISSING for each in finding.found):
        finding.unknown.add(part)
        return
    for source in sources:
        finding.found.extend(source())


@contextmanager
def _bounded() -> Iterator[None]:
    """A probe must end. The limit is this transaction's: behind a pooler, others come next."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{_SECONDS}s"])
        yield
