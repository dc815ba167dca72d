"""A deadline for bodies: who sends half of one holds no thread of the site for long.

The proxy of deploy/ sends a body on when it has all of it. This is for what comes past it, and
for files, of which it keeps the beginning only.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any, Final

SECONDS: Final = 20.0
BYTES_A_SECOND: Final = 64 * 1024
"""A larger body has longer: at least so much has to come in a second."""
SMALL: Final = 256 * 1024
LARGE_AT_ONCE: Final = 3
"""Large bodies that one process reads at a time; its other threads are free for check-ins."""
LOOK_EVERY_SECONDS: Final = 0.5

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]


class _Watch:
    """Ends the reading of sockets whose time is over; one thread in each process."""

    def __init__(self) -> None:
        self._deadlines: dict[socket.socket, float] = {}
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def begin(self, connection: socket.socket, deadline: float) -> None:
        self._deadlines[connection] = deadline
        # A worker that was forked has no thread yet.
        if self._thread is None or not self._thread.is_alive():
            with self._starting:
                self._start()

    def end(self, connection: socket.socket) -> None:
        self._deadlines.pop(connection, None)

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="body-deadlines", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            time.sleep(LOOK_EVERY_SECONDS)
            now = time.monotonic()
            for connection, deadline in list(self._deadlines.items()):
                if deadline < now:
                    self.end(connection)
                    # Whoever reads from it sees the end of the body.
                    with contextlib.suppress(OSError):
                        connection.shutdown(socket.SHUT_RD)


class BodyDeadline:
    """WSGI middleware for gunicorn: 408 for a body that does not come, 503 for one too many."""

    def __init__(self, application: Application, *, seconds: float = SECONDS) -> None:
        self._application, self._seconds = application, seconds
        self._watch = _Watch()
        self._large = threading.BoundedSemaphore(LARGE_AT_ONCE)

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        connection = environ.get("gunicorn.socket")
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if connection is None or length == 0:
            return self._application(environ, start_response)
        deadline = time.monotonic() + self._seconds + length / BYTES_A_SECOND
        self._watch.begin(connection, deadline)
        try:
            read = self._small if length <= SMALL else self._in_turn
            return read(environ, start_response, length)
        finally:
            self._watch.end(connection)

    def _small(self, environ: Environ, start_response: Any, length: int) -> Iterable[bytes]:
        try:
            body = environ["wsgi.input"].read(length)
        except OSError:
            body = b""
        self._watch.end(environ["gunicorn.socket"])
        if len(body) < length:
            return _refuse(start_response, "408 Request Timeout")
        environ["wsgi.input"] = BytesIO(body)
        return self._application(environ, start_response)

    def _in_turn(self, environ: Environ, start_response: Any, length: int) -> Iterable[bytes]:
        if not self._large.acquire(blocking=False):
            return _refuse(start_response, "503 Service Unavailable", ("Retry-After", "5"))
        try:
            return self._application(environ, start_response)
        finally:
            self._large.release()


def _refuse(start_response: Any, status: str, *headers: tuple[str, str]) -> Iterable[bytes]:
    # What is left of the body stands where the next request would begin.
    start_response(status, [("Connection", "close"), ("Content-Length", "0"), *headers])
    return ()
