"""The key at which a part of a list begins."""

from uuid import UUID

from django.http import HttpRequest


def key_of(request: HttpRequest, name: str) -> UUID | None:
    """The key that a link to an older or newer part carries."""
    try:
        return UUID(request.GET[name]) if name in request.GET else None
    except ValueError:
        # A broken link shows the newest part.
        return None
