"""The demo's way into the API: a site as in production, and one connection for each thread."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from datetime import datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.management.base import CommandError

from demo.processes import database_url

SECONDS_TO_START, SECONDS_TO_STOP = 30, 20
_WORKERS, _THREADS = 2, 8
_SECONDS_KEPT = 1
"""gunicorn closes a connection that was idle for two seconds; a slow machine takes that long."""


class AcknowledgedCheckIn(NamedTuple):
    """The answer that a student got, as the demo wrote it down."""

    school_number: str
    status: str
    checked_in_at: datetime | None
    is_repeated: bool


class SiteGone(CommandError):
    """The site does not answer any more."""


class SiteRefused(CommandError):
    """The site has answered with an error; its code says which."""

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


class SiteApi:
    """The API at an address; its connections are kept and used again."""

    def __init__(self, address: str) -> None:
        self._address = urlsplit(address)
        self._idle: list[tuple[float, HTTPConnection]] = []
        """Each with the instant since when nobody uses it."""

    def call(self, method: str, path: str, token: str, body: Any = None) -> tuple[int, Any]:
        """One request to the API; returns status and JSON. Raises SiteGone and SiteRefused."""
        headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        connection = self._take()
        try:
            connection.request(method, f"/api/v1/{path}", json.dumps(body or {}), headers)
            answer = connection.getresponse()
            data = json.loads(answer.read() or b"null")
        except (OSError, HTTPException) as error:
            connection.close()
            raise SiteGone(f"The site does not answer any more: {error}.") from error
        self._idle.append((time.monotonic(), connection))
        if answer.status >= HTTPStatus.BAD_REQUEST:
            said = f"{method} {path} was answered with {answer.status}: {data}"
            raise SiteRefused(said, data.get("code", "") if isinstance(data, dict) else "")
        return answer.status, data

    def close(self) -> None:
        """Close what is kept, when no thread calls any more."""
        while self._idle:
            self._idle.pop()[1].close()

    def _take(self) -> HTTPConnection:
        # Another thread may take the last one between a look and a pop.
        with suppress(IndexError):
            while True:
                since, connection = self._idle.pop()
                if time.monotonic() - since < _SECONDS_KEPT:
                    return connection
                connection.close()
        return HTTPConnection(self._address.hostname or "", self._address.port, timeout=30)


def start_lesson(site: SiteApi, token: str, lesson_name: str) -> UUID:
    """A teacher starts a lesson of 45 minutes."""
    body = {"lesson_name": lesson_name, "minutes": 45, "late_after_minutes": 10}
    _, lesson = site.call("POST", "lessons/", token, body)
    return UUID(lesson["id"])


def check_in(site: SiteApi, token: str, lesson_id: UUID) -> AcknowledgedCheckIn:
    """A student checks in; 201 the first time, 200 when repeated."""
    status, record = site.call("POST", f"lessons/{lesson_id}/check-in/", token)
    at = record["checked_in_at"]
    return AcknowledgedCheckIn(
        record["school_number"],
        record["status"],
        datetime.fromisoformat(at) if at else None,
        is_repeated=status == HTTPStatus.OK,
    )


@contextmanager
def served(address: str) -> Iterator[SiteApi]:
    """The site at this address, or one of the demo's own for as long as it runs."""
    with nullcontext(address) if address else _own_site() as url, closing(SiteApi(url)) as site:
        yield site


@contextmanager
def _own_site() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Its own task would interfere with those that the demo starts and kills.
    env = {**os.environ, "DATABASE_URL": database_url(), "ATTN_SCHEDULER": "off"}
    env |= {"ATTN_HTTPS": "false", "ATTN_ALLOWED_HOSTS": "127.0.0.1", "ATTN_LOG_LEVEL": "ERROR"}
    command = [sys.executable, "-m", "gunicorn", "attn_project.wsgi:application"]
    command += ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread"]
    command += ["--workers", str(_WORKERS), "--threads", str(_THREADS), "--log-level", "warning"]
    command += ["--no-control-socket"]
    child = subprocess.Popen(command, cwd=Path(settings.BASE_DIR), env=env)  # noqa: S603 - this site
    try:
        _wait_for(port, child)
        yield f"http://127.0.0.1:{port}"
    finally:
        child.terminate()
        child.wait(SECONDS_TO_STOP)


def _wait_for(port: int, child: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and child.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise CommandError("The demo's site does not start: see above.")
