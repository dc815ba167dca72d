"""The check-in before Django: the same services and the same answer, without the way through it.

Most of what a check-in costs over HTTP is Django's handler, its middleware and the search for the
view. Only what the view would answer with 200 or 201 is answered here, for whoever shows a token.
Everything else goes on to Django: untouched while nothing was counted, and afterwards with the
error that came, so that the view says it and nothing is done twice.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from io import BytesIO
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from attendance.api.callers import SCHEME, StudentOnly
from attendance.api.views.check_in import (
    JSON,
    TRIED,
    CheckInBody,
    answer_of,
    decode_body,
    is_too_long,
)
from attendance.services.access import limits
from attendance.services.access.addresses import address_of, shortened
from attendance.services.check_in import Given, check_in
from attn_project.logs import HEADER, NUMBERED, request_id_of
from users import origin
from users.callers import Caller
from users.origin import Where

Environ = dict[str, Any]
Headers = tuple[tuple[str, str], ...]
Application = Callable[[Environ, Any], Iterable[bytes]]

MOST_SURROUNDINGS = 1_024
LONGEST_BODY = 1_024
_PATH = re.compile(
    r"/api/v1/lessons/"
    r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/check-in/"
)
_SURROUNDINGS = (
    *("wsgi.url_scheme", "SERVER_NAME", "SERVER_PORT"),
    *("HTTP_HOST", "HTTP_X_FORWARDED_PROTO", "HTTP_ACCEPT_LANGUAGE"),
)
"""What of a request the site's middleware looks at, when it has a token and no cookie."""
_FOR_DJANGO = ("HTTP_COOKIE", "HTTP_TRANSFER_ENCODING", "SCRIPT_NAME", "QUERY_STRING")
"""A request that has one of these goes on to Django."""


class _Ready(NamedTuple):
    """A check-in that was read; nothing was asked of any server yet."""

    lesson_id: UUID
    token: str
    body: CheckInBody
    headers: Headers


class _NotForUs(Exception):
    """Django has to look at the caller; nothing was counted."""


class CheckInShortcut:
    """WSGI middleware around Django's application."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._headers = lru_cache(MOST_SURROUNDINGS)(headers_in)

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        ready = self._read(environ)
        if ready is None:
            return self._application(environ, start_response)
        request_id = environ[NUMBERED] = request_id_of(environ)
        origin.begin(request_id)
        origin.current().find_where = lambda: Where(address=shortened(address_of(environ)))
        close_old_connections()
        try:
            status, etag, body = _take(ready, environ)
        except Exception as error:  # noqa: BLE001 - the view raises it again
            if not isinstance(error, _NotForUs):
                environ[TRIED] = error
            return self._application(environ, start_response)
        finally:
            close_old_connections()
            origin.end()
        own = {"ETag": etag, "Content-Length": str(len(body)), HEADER: request_id}
        start_response(status, [(name, own.get(name, value)) for name, value in ready.headers])
        return [body]

    def _read(self, environ: Environ) -> _Ready | None:
        """What a check-in needs, or None for a request that Django answers."""
        if environ["REQUEST_METHOD"] != "POST" or any(map(environ.get, _FOR_DJANGO)):
            return None
        path = _PATH.fullmatch(environ["PATH_INFO"])
        scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if path is None or scheme != SCHEME:
            return None
        headers = self._headers(tuple(map(environ.get, _SURROUNDINGS)))
        body = _read_body(environ) if headers else None
        return _Ready(UUID(path[1]), token.strip(), body, headers) if body else None


def _take(ready: _Ready, environ: Environ) -> tuple[str, str, bytes]:
    """Status, revision and body of the answer. Raises _NotForUs, and what the view answers."""
    caller = limits.count_check_in_with(ready.token)
    if caller is None:
        raise _NotForUs
    if not _may_check_in(caller):
        limits.give_back_check_in(caller.person.school_number)
        raise _NotForUs
    given = Given(
        code=ready.body.code,
        scan=ready.body.scan,
        address=address_of(environ),
        other_numbers=caller.other_numbers,
    )
    result = check_in(ready.lesson_id, student=caller.person, given=given)
    status = "200 OK" if result.is_repeated else "201 Created"
    return status, f'"{result.record.revision}"', answer_of(result)


def _may_check_in(caller: Caller) -> bool:
    is_through = not (caller.lacks_factor or caller.must_change_password)
    return is_through and caller.person.role in StudentOnly.roles


_NOTHING = CheckInBody()


def _read_body(environ: Environ) -> CheckInBody | None:
    """What was sent, or None where Django has to say something about it, which then reads it."""
    length = environ.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > LONGEST_BODY:
        return None
    raw = environ["wsgi.input"].read(int(length)) if length != "0" else b""
    environ["wsgi.input"] = BytesIO(raw)
    if not raw:
        return _NOTHING
    if environ.get("CONTENT_TYPE") != JSON:
        return None
    try:
        body = decode_body(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return None if is_too_long(body) else body


def headers_in(surroundings: tuple[str | None, ...]) -> Headers:
    """The headers of an answer in its order, as the site's middleware makes them; () if it refuses.

    The middleware itself is asked: about hosts, HTTPS and languages there is one truth.
    """
    reached = []

    def view(request: HttpRequest) -> HttpResponse:
        reached.append(request)
        return HttpResponse(b"", JSON, headers={"Cache-Control": "no-store", "ETag": ""})

    ask: Callable[[HttpRequest], HttpResponse] = view
    for name in reversed(settings.MIDDLEWARE):
        ask = import_string(name)(ask)
    known = zip(_SURROUNDINGS, surroundings, strict=True)
    environ = {name: value for name, value in known if value is not None}
    path = f"/api/v1/lessons/{UUID(int=0)}/check-in/"
    empty = {"REQUEST_METHOD": "POST", "PATH_INFO": path, "wsgi.input": BytesIO()}
    try:
        response = ask(WSGIRequest(environ | empty))
    except Exception:  # noqa: BLE001 - Django meets the same, and says it
        return ()
    finally:
        origin.end()
    return tuple(response.items()) if reached else ()
