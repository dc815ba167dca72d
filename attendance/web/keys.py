"""Where a list goes on."""

from uuid import UUID

from django.http import HttpRequest


def key_of(request: HttpRequest, name: str) -> UUID | None:
    """The key that a link to an older or newer part carries."""
    try:
        return UUID(request.GET[name]) if name in request.GET else None
    except ValueError:
        # A link that somebody has cut short begins at the newest.
        return None
