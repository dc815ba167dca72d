"""When a session or a token was last used, by the hour: kept in the cache alone.

A check-in asks PostgreSQL nothing, so nothing is written there. Each process tells the cache once
an hour of each session and token that it meets; where the cache forgets, nobody knows.
"""

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache

HOUR_SECONDS: Final = 3_600
MOST_REMEMBERED: Final = 20_000

_told: dict[str, int] = {}


def note_use(credential: str) -> None:
    """This session or token is in use; `credential` is its key or its digest."""
    hour = int(time.time()) // HOUR_SECONDS
    if _told.get(credential) == hour:
        return
    if len(_told) >= MOST_REMEMBERED:
        _told.clear()
    # Before it is tried: a cache that is away is not asked again with each request.
    _told[credential] = hour
    try:
        cache.set(_key(credential), hour, _kept_seconds())
    except Exception:  # noqa: BLE001 - whatever the cache's client raises when it cannot answer
        return


def last_uses(credentials: Iterable[str]) -> dict[str, datetime]:
    """The beginning of the last hour in which each was used, where that is known."""
    keys = {_key(each): each for each in credentials}
    try:
        found = cache.get_many(keys)
    except Exception:  # noqa: BLE001 - whatever the cache's client raises when it cannot answer
        return {}
    hours = {keys[key]: hour for key, hour in found.items() if isinstance(hour, int)}
    return {each: datetime.fromtimestamp(hour * HOUR_SECONDS, UTC) for each, hour in hours.items()}


def _key(credential: str) -> str:
    return f"attn:used:{sha256(credential.encode()).hexdigest()}"


def _kept_seconds() -> int:
    longest_of_token: Any = settings.REST_KNOX["TOKEN_TTL"]
    seconds = max(settings.SESSION_COOKIE_AGE, longest_of_token.total_seconds())
    return int(seconds) + HOUR_SECONDS
