"""The page's way to the event stream: an address with a ticket that soon ends."""

from uuid import UUID

from django.conf import settings

from attendance.live import tickets
from users.derived_keys import Purpose, keys_for


def url_for(lesson_id: UUID) -> str:
    """The address at which a board listens for changes, or '' where it has to poll."""
    if not settings.STREAM_URL:
        return ""
    ticket = tickets.issue(lesson_id, keys_for(Purpose.STREAM)[0])
    return f"{settings.STREAM_URL}{lesson_id}/?ticket={ticket}"
