"""What the cache must hear of for certain: where it does not answer, it is told once it does."""

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

from django.core.cache import cache

logger = logging.getLogger(__name__)

KNOWN_SECONDS = 300
"""How long an entry in the cache is valid without a query."""

_RETRY_SECONDS = 1.0


def put(entries: Mapping[str, Any]) -> None:
    """Replace these entries, now or later: an old one must not undo a revocation."""
    if not _try_put(entries):
        logger.warning("The cache does not answer: %d changes are sent to it later", len(entries))
        threading.Thread(target=_put_later, args=(entries,), daemon=True).start()


def _try_put(entries: Mapping[str, Any]) -> bool:
    try:
        cache.set_many(dict(entries), KNOWN_SECONDS)
    except Exception:  # noqa: BLE001 - whatever the cache's client raises when it cannot answer
        return False
    return True


def _put_later(entries: Mapping[str, Any]) -> None:
    until = time.monotonic() + KNOWN_SECONDS
    while time.monotonic() < until:
        time.sleep(_RETRY_SECONDS)
        if _try_put(entries):
            return
