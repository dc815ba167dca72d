"""Log lines: one id for all lines of a request, no names of people, no traceback for strangers.

The id is also in the answer's header `X-Request-ID`. A proxy that has one for its own log hands it
on.
"""

import logging
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.core.signals import request_finished
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from users import origin

HEADER = "X-Request-ID"
NUMBERED = "attn.request_id"
"""Where a request keeps its id that went past Django first."""
_IN_ENVIRON = "HTTP_X_REQUEST_ID"
_TAKEN = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
# PostgreSQL writes the whole row there, with the names in it.
_ROW = re.compile(r"^\s*(?:DETAIL|HINT|CONTEXT):.*\n?", re.MULTILINE)
# Whoever reads the log could make the first account with it, or choose somebody's password.
_SECRET_LINK = re.compile(r"(/(?:setup|j|password/reset/key)/)[^/\s]+", re.IGNORECASE)
_HOST = "django.security.DisallowedHost"


def request_id_of(environ: Mapping[str, Any]) -> str:
    """The id that a request has already, from the shortcut or a trusted proxy, or a new one."""
    if NUMBERED in environ:
        return str(environ[NUMBERED])
    given = environ.get(_IN_ENVIRON, "") if settings.TRUSTED_PROXIES else ""
    return given if given and _TAKEN.fullmatch(given) else secrets.token_hex(8)


class NumberRequests:
    """Middleware: every request has an id, the proxy's where the site trusts one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = request_id_of(request.META)
        # Until the request is finished: what Django writes of its answer comes after this.
        origin.begin(request_id)
        response = self.get_response(request)
        response[HEADER] = request_id
        return response


@receiver(request_finished)
def _forget(**_: object) -> None:
    origin.end()


class OfRequest(logging.Filter):
    """Gives a line the id of its request."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = origin.current().request_id
        if record.name == _HOST:
            # Whoever scans the network would write a traceback each time.
            record.exc_info = record.exc_text = None
        return True


class Lines(logging.Formatter):
    """Leaves out the rows that PostgreSQL quotes in its errors, and the secret of a link."""

    def format(self, record: logging.LogRecord) -> str:
        return _SECRET_LINK.sub(r"\1...", _ROW.sub("", super().format(record)))
