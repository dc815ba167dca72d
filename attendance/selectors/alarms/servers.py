"""Alarms of the two servers: what they say of themselves, and how they are set."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from attendance.errors import LiveStoreUnavailable
from attendance.live import health as live_health
from attendance.live import store
from attendance.live.health import UNKNOWN, ServerState
from attendance.models import KnownSite
from attendance.selectors import health
from attendance.selectors.alarms import kinds
from attendance.selectors.alarms.kinds import AlarmKind, FoundAlarm


def of_live_store() -> Iterator[FoundAlarm]:
    """Of its server, or of every primary of a cluster. Raises LiveStoreUnavailable."""
    for state in live_health.live_states():
        yield from _of_server(state)


def _of_server(state: ServerState) -> Iterator[FoundAlarm]:
    if UNKNOWN in {state.eviction, state.append_only}:
        yield _found(kinds.LIVE_STORE_TELLS_NOTHING, state)
    if state.eviction not in {"noeviction", UNKNOWN}:
        yield _found(kinds.LIVE_STORE_EVICTS, state, state.eviction)
    if not state.has_written:
        yield _found(kinds.LIVE_STORE_WRITE_FAILED, state)
    if state.is_clock_wrong:
        yield _found(kinds.LIVE_STORE_CLOCK_WRONG, state)
    if state.cluster != "ok":
        yield _found(kinds.LIVE_STORE_SLOTS_MISSING, state, state.cluster)
    yield from _of_its_file(state)


def _of_its_file(state: ServerState) -> Iterator[FoundAlarm]:
    if state.append_only == "no":
        yield _found(kinds.LIVE_STORE_KEEPS_NOTHING, state)
        return
    if state.fsync not in {"always", UNKNOWN}:
        yield _found(kinds.LIVE_STORE_SYNCS_LATE, state, state.fsync)
    if state.pauses_syncs == "yes":
        yield _found(kinds.LIVE_STORE_PAUSES_SYNCS, state)


def _found(kind: AlarmKind, state: ServerState, value: str = "") -> FoundAlarm:
    return FoundAlarm(kind, state.name, value, {"value": value}, about=state.name)


def of_postgresql() -> Iterator[FoundAlarm]:
    """Raises django.db.Error."""
    state = health.database_state()
    if state.is_standby:
        yield FoundAlarm(kinds.POSTGRESQL_STANDBY)
    if state.fsync == "off":
        yield FoundAlarm(kinds.POSTGRESQL_FSYNC_OFF)
    if state.full_page_writes == "off":
        yield FoundAlarm(kinds.POSTGRESQL_PAGES_TEAR)
    if state.synchronous_commit in health.WEAK_COMMITS:
        value = state.synchronous_commit
        yield FoundAlarm(kinds.POSTGRESQL_COMMITS_EARLY, cause=value, facts={"value": value})


def of_site() -> Iterator[FoundAlarm]:
    """Whether both stores are of this site, and of the same age. Raises django.db.Error."""
    rows = list(KnownSite.objects.all())
    own = next((row for row in rows if row.is_own), None)
    with contextlib.suppress(LiveStoreUnavailable):
        other = store.site_of_redis()
        if own is not None and other and other not in {str(row.pk) for row in rows}:
            yield FoundAlarm(kinds.FOREIGN_SITE, cause=other)
    if own is not None and own.disagreement:
        yield FoundAlarm(kinds.STORES_DISAGREE, cause=own.disagreement, since=own.disagreed_at)


def of_migrations() -> Iterator[FoundAlarm]:
    """Raises django.db.Error."""
    if health.missing_migrations():
        yield FoundAlarm(kinds.MIGRATIONS_MISSING)


def of_files() -> Iterator[FoundAlarm]:
    """The folder for evidence. A disk that hangs hangs whoever asks, so no probe does."""
    folder = settings.EVIDENCE_FOLDER
    if not folder:
        return
    if not Path(folder).is_dir():
        why = "not a folder"
    elif not os.access(folder, os.W_OK | os.X_OK):
        why = "not writable"
    else:
        return
    yield FoundAlarm(kinds.EVIDENCE_NOT_KEPT, cause=why, facts={"value": why})
