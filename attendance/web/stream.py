"""The page's way to the event stream: an address with a ticket that soon ends."""

from uuid import UUID

from django.conf import settings

from attendance.live import tickets


def url_for(lesson_id: UUID) -> str:
    """Where a board of this lesson hears of changes, or '' where pages have to ask."""
    if not settings.STREAM_URL:
        return ""
    ticket = tickets.issue(lesson_id, settings.SECRET_KEY)
    return f"{settings.STREAM_URL}{lesson_id}/?ticket={ticket}"
