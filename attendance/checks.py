"""System checks: what would make ATTN lose marks is said before it can."""

from collections.abc import Sequence
from typing import Any

from django.apps.config import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004
from django.db import Error as DatabaseError
from django.db import connection

from attendance.errors import LiveStoreUnavailable
from attendance.live import health
from attendance.live.health import UNKNOWN, ServerState
from attendance.selectors import health as books

SERVERS = "servers"
MINUTES_OF_AN_HOUR = 60


@register
def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Settings that no server has to be asked for."""
    found: list[CheckMessage] = []
    minutes = settings.PERSIST_MINUTES
    if minutes < 1 or MINUTES_OF_AN_HOUR % minutes:
        found.append(
            Error(
                f"ATTN_PERSIST_MINUTES={minutes} is not a divisor of 60.",
                hint="Use 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60.",
                id="attn.E001",
            )
        )
    if settings.DISCARD_AFTER_MINUTES < 0:
        found.append(
            Error(
                "ATTN_DISCARD_AFTER_MINUTES is below 0.",
                hint="Use 0, or the minutes for which stored lessons stay in Redis.",
                id="attn.E002",
            )
        )
    if any(database.get("ATOMIC_REQUESTS") for database in settings.DATABASES.values()):
        found.append(
            Error(
                "ATOMIC_REQUESTS is on, and each chunk of a persistence run commits for itself.",
                hint="Remove ATOMIC_REQUESTS from DATABASES.",
                id="attn.E003",
            )
        )
    live = settings.CACHES.get(settings.LIVE_STORE_ALIAS, {})
    if settings.CACHES["default"]["LOCATION"] == live.get("LOCATION"):
        found.append(_shared_cache())
    return found


@register(SERVERS)
def check_live_store(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The live store keeps what it has acknowledged, and is nobody's cache."""
    try:
        states = health.live_states()
    except LiveStoreUnavailable as error:
        hint = "Start it, or correct REDIS_URL."
        return [Warning(f"The live store: {error.detail}", hint=hint, id="attn.W010")]
    found = [message for state in states for message in _durability(state)]
    cache = health.cache_identity()
    shared = {(state.run_id, state.database) for state in states}
    if cache is not None and cache in shared and UNKNOWN not in cache:
        found.append(_shared_cache())
    return found


def _shared_cache() -> CheckMessage:
    return Error(
        "The cache shares the database of the live store: clearing it would remove every lesson.",
        hint="Give CACHE_URL another server, or at least another database.",
        id="attn.E010",
    )


def _durability(state: ServerState) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    store = f"The live store at {state.name}" if state.name else "The live store"
    if UNKNOWN in {state.eviction, state.append_only}:
        text = f"{store} does not tell its settings (CONFIG GET)."
        hint = "Make sure of: maxmemory-policy noeviction, appendonly yes, appendfsync always."
        found.append(Warning(text, hint=hint, id="attn.W011"))
    if state.eviction not in {"noeviction", UNKNOWN}:
        text = f"{store} may evict lessons (maxmemory-policy {state.eviction})."
        found.append(Error(text, hint="Set maxmemory-policy noeviction.", id="attn.E011"))
    if state.append_only == "no":
        text = f"{store} keeps nothing on disk (appendonly no)."
        found.append(Error(text, hint="Set appendonly yes.", id="attn.E012"))
    if state.fsync not in {"always", UNKNOWN} and state.append_only != "no":
        text = f"{store} may lose acknowledged check-ins in a power cut"
        text += f" (appendfsync {state.fsync})."
        found.append(Warning(text, hint="Set appendfsync always.", id="attn.W012"))
    if not state.has_written:
        text = f"{store} failed in its last write to its disk."
        found.append(Error(text, hint="Free or repair its disk.", id="attn.E013"))
    if state.cluster != "ok":
        text = f"{store} is in a cluster that does not serve every slot ({state.cluster})."
        hint = "Bring its missing servers back, or give their slots to others."
        found.append(Error(text, hint=hint, id="attn.E014"))
    return found


@register(SERVERS)
def check_database(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """PostgreSQL keeps what it has committed, since Redis forgets after the commit."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('fsync'), current_setting('full_page_writes')")
            fsync, full_pages = cursor.fetchone()
    except DatabaseError as error:
        hint = "Start it, or correct DATABASE_URL."
        return [Warning(f"PostgreSQL cannot be reached: {error}", hint=hint, id="attn.W020")]
    found: list[CheckMessage] = []
    if fsync == "off":
        text = "PostgreSQL does not write to disk what it commits (fsync off)."
        found.append(Error(text, hint="Set fsync on.", id="attn.E020"))
    if full_pages == "off":
        text = "A power cut may tear PostgreSQL's pages (full_page_writes off)."
        found.append(Warning(text, hint="Set full_page_writes on.", id="attn.W021"))
    return found


@register(SERVERS)
def check_migrations(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The tables are those of this release."""
    try:
        missing = books.missing_migrations()
    except DatabaseError:
        return []  # check_database says it.
    if not missing:
        return []
    text = f"{len(missing)} migrations are not applied, first {missing[0]}."
    return [Warning(text, hint="Run manage.py migrate.", id="attn.W022")]
