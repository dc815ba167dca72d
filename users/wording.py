"""Errors as people read them: in the reader's language, instants in the campus's time."""

from datetime import datetime
from typing import Any

from django.db.models import Choices
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from users.errors import AttnError, Wait


def in_words(error: AttnError) -> str:
    """What an error says, in the language that is active now."""
    return said(error.message, **error.values)


def said(message: str, **values: Any) -> str:
    """A marked message with its values, in the language that is active now."""
    return gettext(message) % {name: _readable(value) for name, value in values.items()}


def time_of_day(local: datetime, form: str) -> str:
    """A local time; with its offset in the hour that comes twice when clocks are put back."""
    text = date_format(local, form)
    if local.utcoffset() == local.replace(fold=1 - local.fold).utcoffset():
        return text
    offset = local.strftime("%z")
    return f"{text} (UTC{offset[:3]}:{offset[3:5]})"


def _readable(value: Any) -> Any:
    if isinstance(value, Wait):
        return _wait_in_words(value)
    if isinstance(value, datetime):
        return time_of_day(timezone.localtime(value), "D j M Y, H:i")
    return value.label if isinstance(value, Choices) else value


def _wait_in_words(wait: Wait) -> str:
    if wait.minutes:
        return ngettext("%(n)d minute", "%(n)d minutes", wait.minutes) % {"n": wait.minutes}
    return ngettext("%(n)d second", "%(n)d seconds", wait.seconds) % {"n": wait.seconds}
