"""Who sends half a body is answered, and holds no thread."""

import socket
import time
from typing import Any

from attn_project.bodies import BYTES_A_SECOND, LARGE_AT_ONCE, SMALL, BodyDeadline


class Connection:
    """A request as gunicorn hands it over, and the other end of its connection."""

    def __init__(self, length: int) -> None:
        self.client, own = socket.socketpair()
        self.own = own
        self.environ: dict[str, Any] = {
            "CONTENT_LENGTH": str(length),
            "gunicorn.socket": own,
            "wsgi.input": own.makefile("rb"),
        }
        self.status = ""

    def start(self, status: str, headers: list[tuple[str, str]]) -> None:
        self.status, self.headers = status, dict(headers)

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self.environ["wsgi.input"], self.own, self.client):
            each.close()


def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0))]


def test_a_body_that_comes_is_read() -> None:
    with Connection(5) as each:
        each.client.sendall(b"hello")
        assert list(BodyDeadline(echo)(each.environ, each.start)) == [b"hello"]
        assert each.status == "200 OK"


def test_half_a_body_is_answered_when_its_time_is_over() -> None:
    with Connection(5) as each:
        each.client.sendall(b"he")
        assert list(BodyDeadline(echo, seconds=0.2)(each.environ, each.start)) == []
        assert (each.status, each.headers["Connection"]) == ("408 Request Timeout", "close")


def test_a_drip_does_not_prolong_it() -> None:
    with Connection(100) as each:
        each.client.settimeout(5)
        site, began = BodyDeadline(echo, seconds=0.2), time.monotonic()
        each.environ["wsgi.input"] = _Dripping(each)
        list(site(each.environ, each.start))
        assert each.status.startswith("408")
        # A second at most between two looks; all of the drip would have taken ten.
        assert time.monotonic() - began < 5


class _Dripping:
    """Reads as gunicorn does, piece by piece, while a byte comes every tenth of a second."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            time.sleep(0.1)
            self._connection.client.sendall(b"x")
            piece = self._connection.own.recv(1)
            if not piece:
                break
            found += piece
        return found

    def close(self) -> None:
        return None


def test_a_file_that_stops_is_cut_short() -> None:
    with Connection(SMALL + 1) as each:
        each.client.sendall(b"x" * 100)
        site = BodyDeadline(echo, seconds=0.2 - (SMALL + 1) / BYTES_A_SECOND)
        assert list(site(each.environ, each.start)) == [b"x" * 100]


def test_few_large_bodies_are_read_at_a_time() -> None:
    site: BodyDeadline

    def nested(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        depth = environ["depth"]
        with Connection(SMALL + 1) as inner:
            inner.environ["depth"] = depth + 1
            list(site(inner.environ, inner.start))
            seen.append((depth, inner.status))
        return []

    seen: list[tuple[int, str]] = []
    site = BodyDeadline(nested)
    with Connection(SMALL + 1) as outer:
        outer.environ["depth"] = 1
        list(site(outer.environ, outer.start))
    assert seen[0] == (LARGE_AT_ONCE, "503 Service Unavailable")
    assert len(seen) == LARGE_AT_ONCE


def test_what_has_no_body_and_what_is_not_gunicorn_pass() -> None:
    with Connection(0) as each:
        each.environ["CONTENT_LENGTH"] = ""
        list(BodyDeadline(echo)(each.environ, each.start))
        assert each.status == "200 OK"
