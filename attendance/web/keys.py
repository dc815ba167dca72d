"""The key at which a part of a list begins."""

import re
from datetime import date
from typing import Final
from uuid import UUID

from django.http import HttpRequest

_NUMBER: Final = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_PLACE: Final = re.compile(r"[A-Z0-9._-]{1,32} [0-9]{19}", re.ASCII)


def number_of(request: HttpRequest, name: str) -> int | None:
    """A whole number of an address, as `key_of` reads one; None where it is none."""
    text = request.GET.get(name, "")
    return int(text) if _NUMBER.fullmatch(text) else None


def place_of(request: HttpRequest, name: str) -> str | None:
    """A row of a roster, as `courses.selectors.listing.people_of` names it."""
    text = request.GET.get(name, "")
    return text if _PLACE.fullmatch(text) else None


def day_of(request: HttpRequest, name: str) -> date | None:
    """A day of an address; None where it is none."""
    try:
        return date.fromisoformat(request.GET.get(name, ""))
    except ValueError:
        return None


def key_of(request: HttpRequest, name: str) -> UUID | None:
    """The key that a link to an older or newer part carries."""
    try:
        return UUID(request.GET[name]) if name in request.GET else None
    except ValueError:
        # A broken link shows the newest part.
        return None
