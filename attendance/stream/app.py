"""The event stream: tells boards that a lesson has changed. ASGI; it reads Redis only.

    granian --interface asgi attendance.stream.app:application

    GET /stream/<lesson id>/?ticket=<ticket>   text/event-stream
        event: changed   data: a word that differs for each version
        event: away      the live store does not answer; when it does, `changed` comes again
        event: gone      the lesson has left the live store; the stream ends

A ticket comes from the site, which has checked the caller's rights. No name and no
mark is sent here: the board gets its rows from the site.
"""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import django

# Not the settings of the site: what it signs with is not needed here.
os.environ["DJANGO_SETTINGS_MODULE"] = "attn_project.stream_settings"
django.setup()

from django.conf import settings  # noqa: E402 - after the setup
from django.http.request import validate_host  # noqa: E402

from attendance.live import tickets, versions  # noqa: E402
from attendance.stream.watcher import Listener, Watcher  # noqa: E402

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

BEAT_SECONDS = 15
"""How often a comment line is sent, so that no proxy closes a quiet stream."""

RECONNECT_MS = 1_000
_PATH = re.compile(r"/stream/([0-9a-f-]{36})/")
_EVENTS = {versions.GONE: "gone", versions.AWAY: "away"}
_watcher = Watcher(versions.read_versions)


async def application(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
    """One request: a stream, or why there is none."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
    elif scope["type"] == "http":
        await _answer(scope, receive, send)


async def _live(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


async def _answer(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
    if scope["path"] == "/stream/healthz":
        await _end(send, 200, "ok")
        return
    lesson_id = _lesson_of(scope["path"])
    if scope["method"] != "GET" or lesson_id is None:
        await _end(send, 404, "There is no such stream.")
        return
    query = parse_qs(scope["query_string"].decode("ascii", "replace"))
    ticket = query.get("ticket", [""])[0]
    keys: list[str] = settings.STREAM_KEYS  # type: ignore[misc]  # of stream_settings
    if not tickets.is_valid(ticket, lesson_id, keys):
        await _end(send, 403, "This ticket is not valid, or not any more: load the board again.")
        return
    await _stream(scope, receive, send, lesson_id)


def _lesson_of(path: str) -> UUID | None:
    match = _PATH.fullmatch(path)
    try:
        return UUID(match[1]) if match else None
    except ValueError:
        return None


async def _end(send: Send, status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


async def _stream(scope: Mapping[str, Any], receive: Receive, send: Send, lesson_id: UUID) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": _headers(scope)})
    listener = _watcher.add(lesson_id)
    end: asyncio.Future[Any] = asyncio.ensure_future(_wait_for_disconnect(receive))
    try:
        await _write(send, f"retry: {RECONNECT_MS}\n\n")
        while await _next(send, listener, end):
            pass
    finally:
        end.cancel()
        _watcher.remove(lesson_id, listener)
    await send({"type": "http.response.body", "body": b""})


async def _next(send: Send, listener: Listener, end: "asyncio.Future[Any]") -> bool:
    """Write one event or one beat. Returns whether the stream goes on."""
    waiting: asyncio.Future[Any] = asyncio.ensure_future(listener.next_version())
    await asyncio.wait([waiting, end], timeout=BEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    if not waiting.done():
        waiting.cancel()
        if not end.done():
            await _write(send, ": beat\n\n")
        return not end.done()
    version: str = waiting.result()
    await _write(send, f"event: {_EVENTS.get(version, 'changed')}\ndata: {version}\n\n")
    return version != versions.GONE


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _write(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


def _headers(scope: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-store"),
        # A proxy that buffers the response would hold events back.
        (b"x-accel-buffering", b"no"),
    ]
    origin = dict(scope["headers"]).get(b"origin", b"")
    host = urlsplit(origin.decode("ascii", "replace")).hostname or ""
    if host and validate_host(host, settings.ALLOWED_HOSTS):
        headers += [(b"access-control-allow-origin", origin), (b"vary", b"origin")]
    return headers
