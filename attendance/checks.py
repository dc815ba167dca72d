"""System checks: they report settings with which ATTN could lose marks.

Every process registers them, and few run them: what they ask is imported by the checks themselves.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from django.apps.config import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004

from attendance.errors import LiveStoreUnavailable

if TYPE_CHECKING:
    from attendance.selectors.alarms import FoundAlarm

SERVERS = "servers"
MINUTES_OF_AN_HOUR = 60
FEWEST_LOG_DAYS, MOST_LOG_DAYS = 7, 3_650


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
    from attendance.selectors.alarms import FoundAlarm
    from attendance.selectors.alarms.kinds import EVIDENCE_NOT_KEPT

    messages: list[CheckMessage] = []
    if settings.EVIDENCE_FOLDER:
        try:
            folder = Path(settings.EVIDENCE_FOLDER)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with TemporaryFile(dir=folder):
                pass
        except OSError as error:
            messages.append(_message(FoundAlarm(EVIDENCE_NOT_KEPT, facts={"value": error})))
    if settings.EVIDENCE_DAYS < 1:
        text = f"ATTN_EVIDENCE_DAYS={settings.EVIDENCE_DAYS} is below 1."
        hint = "Use the days after an absence for which its evidence is kept."
        messages.append(Error(text, hint=hint, id="attn.E005"))
    return messages


@register
def check_security_log(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Long enough to look back, and not for ever."""
    if FEWEST_LOG_DAYS <= settings.SECURITY_LOG_DAYS <= MOST_LOG_DAYS:
        return []
    return [
        Error(
            f"ATTN_SECURITY_LOG_DAYS={settings.SECURITY_LOG_DAYS} is not between "
            f"{FEWEST_LOG_DAYS} and {MOST_LOG_DAYS}.",
            hint="Use the days for which the security log is kept.",
            id="attn.E006",
        )
    ]


@register
def check_mail(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Mail is set up as a whole, and what it carries is not read on the way."""
    from jobs import mail

    messages: list[CheckMessage] = []
    missing = mail.missing_settings() if settings.MAIL.is_asked_for else []
    if missing:
        messages.append(
            Error(
                f"ATTN_EMAIL_URL is set and {', '.join(missing)} is not: no mail is sent.",
                hint="Set what is missing, or leave ATTN_EMAIL_URL out.",
                id="attn.E007",
            )
        )
    if settings.MAIL.goes_in_the_clear:
        messages.append(
            Warning(
                "ATTN_EMAIL_URL goes to another machine without TLS: whoever is on the way reads "
                "links to choose a password.",
                hint="Use smtp+tls:// or smtps://.",
                id="attn.W007",
            )
        )
    return messages


@register(SERVERS)
def check_servers(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """What the alarms say of both servers. Those of lessons are `manage.py alarms`."""
    from attendance.selectors import alarms
    from attendance.selectors.alarms import finding

    return [_message(found) for found in alarms.find(finding.SERVERS).found]


def _message(found: "FoundAlarm") -> CheckMessage:
    """An alarm as a check says it; where there are several servers, with the name of this one."""
    from attendance.wording import alarms as wording

    of = f"{found.about}: " if found.about else ""
    level = Error if found.kind.check.startswith("attn.E") else Warning
    text, hint = wording.cause(found), wording.what_to_do(found)
    return level(of + text, hint=hint, id=found.kind.check)


@register(SERVERS)
def check_cache(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The cache is no part of the live store."""
    from attendance.live import health

    try:
        states = health.live_states()
    except LiveStoreUnavailable:
        return []  # check_servers says it.
    cache = health.cache_identity()
    shared = {(state.run_id, state.database) for state in states}
    if cache is not None and cache in shared and health.UNKNOWN not in cache:
        return [_shared_cache()]
    return []


def _shared_cache() -> CheckMessage:
    return Error(
        "The cache shares the database of the live store: clearing it would remove every lesson.",
        hint="Give CACHE_URL another server, or at least another database.",
        id="attn.E010",
    )
