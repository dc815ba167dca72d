"""The page's way to the event stream: an address with a ticket that soon ends."""

from uuid import UUID

from django.conf import settings

from attendance.live import tickets


def url_for(lesson_id: UUID) -> str:
    """The address at which a board listens for changes, or '' where it has to poll."""
    if not settings.STREAM_URL:
        return ""
    ticket = tickets.issue(lesson_id, settings.SECRET_KEY)
    return f"{settings.STREAM_URL}{lesson_id}/?ticket={ticket}"
