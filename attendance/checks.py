"""System checks: they report settings with which ATTN could lose marks."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from django.apps.config import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004
from django.db import Error as DatabaseError
from django.db import connection

from attendance.errors import LiveStoreUnavailable
from attendance.live import health
from attendance.live.health import UNKNOWN, ServerState
from attendance.selectors import health as database_health
from attendance.services import durable_commits

SERVERS = "servers"
MINUTES_OF_AN_HOUR = 60


@register
def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Settings that can be checked without a server."""
    messages: list[CheckMessage] = []
    minutes = settings.PERSIST_MINUTES
    if minutes < 1 or MINUTES_OF_AN_HOUR % minutes:
        messages.append(
            Error(
                f"ATTN_PERSIST_MINUTES={minutes} is not a divisor of 60.",
                hint="Use 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60.",
                id="attn.E001",
            )
        )
    if settings.DISCARD_AFTER_MINUTES < 0:
        messages.append(
            Error(
                "ATTN_DISCARD_AFTER_MINUTES is below 0.",
                hint="Use 0, or the minutes for which stored lessons stay in Redis.",
                id="attn.E002",
            )
        )
    if any(database.get("ATOMIC_REQUESTS") for database in settings.DATABASES.values()):
        messages.append(
            Error(
                "ATOMIC_REQUESTS is on, and each chunk of a persistence run commits for itself.",
                hint="Remove ATOMIC_REQUESTS from DATABASES.",
                id="attn.E003",
            )
        )
    live = settings.CACHES.get(settings.LIVE_STORE_ALIAS, {})
    if settings.CACHES["default"]["LOCATION"] == live.get("LOCATION"):
        messages.append(_shared_cache())
    return messages


@register
def check_evidence(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Files that people send can be kept; where they are not served, the settings see to."""
    messages: list[CheckMessage] = []
    if settings.EVIDENCE_FOLDER:
        try:
            folder = Path(settings.EVIDENCE_FOLDER)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with TemporaryFile(dir=folder):
                pass
        except OSError as error:
            text = f"No file can be kept in ATTN_EVIDENCE_FOLDER: {error}."
            hint = "Let the account of the site write there, or name another folder."
            messages.append(Error(text, hint=hint, id="attn.E004"))
    if settings.EVIDENCE_DAYS < 1:
        text = f"ATTN_EVIDENCE_DAYS={settings.EVIDENCE_DAYS} is below 1."
        hint = "Use the days after an absence for which its evidence is kept."
        messages.append(Error(text, hint=hint, id="attn.E005"))
    return messages


@register(SERVERS)
def check_live_store(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The live store keeps what it has acknowledged, and is no cache."""
    try:
        states = health.live_states()
    except LiveStoreUnavailable as error:
        hint = "Start it, or correct REDIS_URL."
        return [Warning(f"The live store: {error.detail}", hint=hint, id="attn.W010")]
    messages = [message for state in states for message in _durability(state)]
    cache = health.cache_identity()
    shared = {(state.run_id, state.database) for state in states}
    if cache is not None and cache in shared and UNKNOWN not in cache:
        messages.append(_shared_cache())
    return messages


def _shared_cache() -> CheckMessage:
    return Error(
        "The cache shares the database of the live store: clearing it would remove every lesson.",
        hint="Give CACHE_URL another server, or at least another database.",
        id="attn.E010",
    )


def _durability(state: ServerState) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    store = f"The live store at {state.name}" if state.name else "The live store"
    if UNKNOWN in {state.eviction, state.append_only}:
        text = f"{store} does not tell its settings (CONFIG GET)."
        hint = "Make sure of: maxmemory-policy noeviction, appendonly yes, appendfsync always."
        messages.append(Warning(text, hint=hint, id="attn.W011"))
    if state.eviction not in {"noeviction", UNKNOWN}:
        text = f"{store} may evict lessons (maxmemory-policy {state.eviction})."
        messages.append(Error(text, hint="Set maxmemory-policy noeviction.", id="attn.E011"))
    if state.append_only == "no":
        text = f"{store} keeps nothing on disk (appendonly no)."
        messages.append(Error(text, hint="Set appendonly yes.", id="attn.E012"))
    if state.fsync not in {"always", UNKNOWN} and state.append_only != "no":
        text = f"{store} may lose acknowledged check-ins in a power cut"
        text += f" (appendfsync {state.fsync})."
        messages.append(Warning(text, hint="Set appendfsync always.", id="attn.W012"))
    if not state.has_written:
        text = f"{store} failed in its last write to its disk."
        messages.append(Error(text, hint="Free or repair its disk.", id="attn.E013"))
    if state.cluster != "ok":
        text = f"{store} is in a cluster that does not serve every slot ({state.cluster})."
        hint = "Bring its missing servers back, or give their slots to others."
        messages.append(Error(text, hint=hint, id="attn.E014"))
    return messages


@register(SERVERS)
def check_database(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """PostgreSQL keeps what it has committed, since Redis forgets after the commit."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('fsync'), current_setting('full_page_writes')")
            fsync, full_pages = cursor.fetchone()
        commit = durable_commits.effective()
    except DatabaseError as error:
        hint = "Start it, or correct DATABASE_URL."
        return [Warning(f"PostgreSQL cannot be reached: {error}", hint=hint, id="attn.W020")]
    messages: list[CheckMessage] = []
    if fsync == "off":
        text = "PostgreSQL does not write to disk what it commits (fsync off)."
        messages.append(Error(text, hint="Set fsync on.", id="attn.E020"))
    if commit in durable_commits.WEAK:
        text = f"PostgreSQL acknowledges what is not on its disk (synchronous_commit {commit})."
        hint = "Behind a pooler: ALTER ROLE … SET synchronous_commit = on, and let it reconnect."
        messages.append(Error(text, hint=hint, id="attn.E021"))
    if full_pages == "off":
        text = "A power cut may tear PostgreSQL's pages (full_page_writes off)."
        messages.append(Warning(text, hint="Set full_page_writes on.", id="attn.W021"))
    return messages


@register(SERVERS)
def check_migrations(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The tables are those of this release."""
    try:
        missing = database_health.missing_migrations()
    except DatabaseError:
        return []  # check_database says it.
    if not missing:
        return []
    text = f"{len(missing)} migrations are not applied, first {missing[0]}."
    return [Warning(text, hint="Run manage.py migrate.", id="attn.W022")]
