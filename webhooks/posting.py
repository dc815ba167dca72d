"""One POST to a checked address: no proxy, no redirect, no more than a deadline and 64 KB.

The libraries bound each read and not the whole, so a receiver that sends a byte now and then keeps
them for hours. And nothing of an answer is needed but its first line. So the few lines of HTTP/1.1
stand here; TLS, with the name of the address, is that of Python.
"""

import contextlib
import re
import socket
import ssl
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import NamedTuple

from django.utils import timezone

from users.errors import gettext_noop as _
from webhooks import addresses
from webhooks.addresses import Address, Target
from webhooks.errors import EndpointUnreachable

SECONDS = 15.0
"""For everything: the name, the connection, TLS, sending, and the answer's first line."""
POLITE_SECONDS = 2.0
"""So long an answer is read that already counts: closing at once disturbs some receivers."""
MOST_BYTES = 64 * 1024
PIECE = 8192
_status = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r?\n", re.ASCII)
_INTERIM = range(100, 200)


_ASKS_TO_WAIT = (429, 503)
LONGEST_WAIT = timedelta(hours=24)
"""The longest of the schedule: whoever asks for more is asked again after a day."""
_retry_after = re.compile(rb"\nretry-after:[ \t]*([^\r\n]*)", re.ASCII | re.IGNORECASE)


class Answer(NamedTuple):
    status: int
    milliseconds: int
    wait: timedelta = timedelta()
    """What it asks for by `Retry-After`, where it is busy; nothing where it does not say."""


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self._began = monotonic()
        self._seconds = seconds

    @property
    def left(self) -> float:
        """Raises TimeoutError when there is nothing left."""
        left = self._seconds - self.passed
        if left <= 0:
            raise TimeoutError
        return left

    @property
    def passed(self) -> float:
        return monotonic() - self._began


def post(url: str, body: bytes, *, headers: Mapping[str, str]) -> Answer:
    """Send a message, and return what the receiver says of it.

    Raises AddressMalformed, AddressNotAllowed, and EndpointUnreachable with words of ours.
    """
    deadline = _Deadline(SECONDS)
    target = addresses.parse(url)
    found = addresses.find_addresses(target, seconds=deadline.left)
    try:
        with _connect(target, found, deadline) as connection:
            connection.settimeout(deadline.left)
            connection.sendall(_request(target, body, headers))
            status, rest = _read_status(connection, deadline)
            answer = Answer(status, int(deadline.passed * 1000))
            head = _read_rest(connection, rest)
            if status in _ASKS_TO_WAIT:
                return answer._replace(wait=wait_of(head, now=timezone.now()))
            return answer
    except ssl.SSLCertVerificationError:
        raise EndpointUnreachable(_("its certificate is not valid")) from None
    except TimeoutError:
        raise EndpointUnreachable(_("it took too long")) from None
    except OSError:
        raise EndpointUnreachable(_("the connection failed")) from None


def _connect(target: Target, found: list[Address], deadline: _Deadline) -> socket.socket:
    """To the first that answers, by its number; its certificate is of the name."""
    problem: OSError = OSError()
    for number, address in enumerate(found):
        try:
            # The number and not the name: it means nothing else by now.
            at, share = (str(address), target.port), deadline.left / (len(found) - number)
            made = socket.create_connection(at, timeout=share)
        except OSError as error:
            problem = error
            continue
        return _with_tls(made, target, deadline) if target.scheme == "https" else made
    raise problem


def _with_tls(made: socket.socket, target: Target, deadline: _Deadline) -> socket.socket:
    try:
        made.settimeout(deadline.left)
        return ssl.create_default_context().wrap_socket(made, server_hostname=target.host)
    except BaseException:
        made.close()
        raise


def _request(target: Target, body: bytes, headers: Mapping[str, str]) -> bytes:
    lines = {
        "Host": target.authority,
        "User-Agent": "ATTN",
        "Accept": "*/*",
        "Connection": "close",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {target.path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body


def _read_status(connection: socket.socket, deadline: _Deadline) -> tuple[int, bytes]:
    """The status of the answer, after those that only say that one will come, and what follows."""
    read = b""
    while True:
        found = _status.match(read)
        if found is None and b"\n" in read:
            raise EndpointUnreachable(_("it does not answer as HTTP says"))
        if found is not None and (status := int(found[1])) not in _INTERIM:
            return status, read[found.end() - 1 :]
        if found is not None and b"\r\n\r\n" in read:
            read = read.partition(b"\r\n\r\n")[2]
            continue
        read += _piece(connection, deadline)
        if len(read) > MOST_BYTES:
            raise EndpointUnreachable(_("it does not answer as HTTP says"))


def _piece(connection: socket.socket, deadline: _Deadline) -> bytes:
    connection.settimeout(deadline.left)
    piece = connection.recv(PIECE)
    if not piece:
        raise EndpointUnreachable(_("it closed the connection without an answer"))
    return piece


def _read_rest(connection: socket.socket, begun: bytes) -> bytes:
    """What follows the first line, or as much of it as comes in time; it decides little."""
    deadline, read = _Deadline(POLITE_SECONDS), begun
    with contextlib.suppress(OSError, EndpointUnreachable):
        while len(read) < MOST_BYTES:
            read += _piece(connection, deadline)
    return read


def wait_of(head: bytes, *, now: datetime) -> timedelta:
    """What `Retry-After` asks for, as seconds or as a date; nothing where that is not readable.

    `head` are the lines after the first one. A day at most.
    """
    found = _retry_after.search(head.partition(b"\r\n\r\n")[0])
    said = found[1].decode("ascii", "replace").strip() if found else ""
    if said.isdecimal():
        return timedelta(seconds=min(int(said[:9]), LONGEST_WAIT.total_seconds()))
    try:
        until = parsedate_to_datetime(said)
        return min(max(until - now, timedelta()), LONGEST_WAIT)
    except (TypeError, ValueError, OverflowError):
        # No date, or one without a zone.
        return timedelta()
