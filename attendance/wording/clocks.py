"""Times of day in templates: `{{ lesson.starts_at|clock }}`, with the offset where it is needed."""

from datetime import datetime

from django import template
from django.utils import timezone

from users.wording import time_of_day

register = template.Library()


@register.filter
def clock(at: datetime | None, form: str = "H:i") -> str:
    """An instant in the current time zone; `form` as of Django's filter `date`."""
    return "" if at is None else time_of_day(timezone.localtime(at), form)
