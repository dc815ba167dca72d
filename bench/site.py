"""The site as `./attn serve` runs it, with the rivals' views beside its own."""

import socket
from collections.abc import Sequence
from functools import partial

from knox.models import AuthToken

from tests.support import site
from tests.support.callers import signed_in
from users.models import User

served = partial(site.served, app="bench.wsgi:application")


def tokens_for(count: int) -> list[str]:
    """Accounts of as many students, and a token of each."""
    users = [User(school_number=f"B-{n:04}", full_name=f"Student {n:04}") for n in range(count)]
    return [AuthToken.objects.create(user=user)[1] for user in User.objects.bulk_create(users)]


def sessions_of(count: int) -> list[str]:
    """The key of a session of each of the students of `tokens_for`."""
    students = User.objects.filter(school_number__startswith="B-").order_by("pk")[:count]
    return [str(signed_in(user.as_person()).session.session_key) for user in students]


class KeptConnection:
    """One connection to the site that is kept open.

    It speaks HTTP by itself: the standard library's client takes as long for an answer as the
    site does, on a machine that both share, and every ratio would be nearer to one.
    """

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")

    def post(self, path: str, token: str) -> int:
        headers = f"{_shown(token)}Content-Type: application/json\r\n"
        return self._send("POST", path, headers, "{}")[0]

    def get(self, path: str, token: str, etag: str = "") -> int:
        headers = f"If-None-Match: {etag}\r\n" if etag else ""
        return self._send("GET", path, _shown(token) + headers)[0]

    def etag_of(self, path: str, token: str) -> str:
        return self._send("GET", path, _shown(token))[1]["etag"]

    def page(self, path: str, cookies: str) -> int:
        """What a browser asks for with its cookies."""
        return self._send("GET", path, f"Cookie: {cookies}\r\n")[0]

    def press(self, path: str, cookies: str, csrf_token: str) -> int:
        """A button of a page, by script."""
        return self._send("POST", path, f"Cookie: {cookies}\r\nX-CSRFToken: {csrf_token}\r\n")[0]

    def close(self) -> None:
        self._answers.close()
        self._socket.close()

    def _send(
        self, method: str, path: str, headers: str, body: str = ""
    ) -> tuple[int, dict[str, str]]:
        """Status and headers of the answer, its body read."""
        self._socket.sendall(
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        status = int(self._answers.readline().split()[1])
        told: dict[str, str] = {}
        while line := self._answers.readline().strip():
            name, _, value = line.decode().partition(":")
            told[name.lower()] = value.strip()
        self._answers.read(int(told.get("content-length", 0)))
        return status, told


def _shown(token: str) -> str:
    return f"Authorization: Token {token}\r\n"


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which this part of them lies."""
    found = sorted(values)
    return found[min(int(len(found) * part), len(found) - 1)]
