"""A subscriber of webhooks on a real socket: it takes them, or behaves as badly as others.

`python -m tests.support.subscriber PORT_FILE TAKEN_FILE SECRET` is one as a process of its own: it
checks signatures and writes down the id of each message that it has taken.
"""

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from webhooks.signing import Signature, is_of_now, is_signed, key_of

Handler = Callable[["Subscriber", socket.socket], None]
Wrap = Callable[[socket.socket], socket.socket]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class Message(NamedTuple):
    """One POST as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def signature(self) -> Signature:
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        return Signature(*(self.headers.get(name, "") for name in names))


class Subscriber:
    """What it has got is in `messages`; each connection is answered by `behave`."""

    def __init__(self, behave: Handler | None = None, wrap: Wrap | None = None) -> None:
        self.behave: Handler = behave or answers(OK)
        self._wrap = wrap
        self.messages: list[Message] = []
        self.closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?to=us"

    def close(self) -> None:
        self.closing.set()
        self._listener.close()

    def _serve(self) -> None:
        while not self.closing.is_set():
            try:
                made, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(made,), daemon=True).start()

    def _answer(self, made: socket.socket) -> None:
        try:
            with made, self._wrap(made) if self._wrap else made as spoken:
                self.messages.append(read_message(spoken))
                self.behave(self, spoken)
        except OSError:
            return


def read_message(made: socket.socket) -> Message:
    """One POST as a plain server reads it."""
    file = made.makefile("rb")
    path = file.readline().decode("ascii").split(" ")[1]
    headers: dict[str, str] = {}
    while line := file.readline().decode("ascii").strip():
        name, _, value = line.partition(": ")
        headers[name.lower()] = value
    return Message(path, headers, file.read(int(headers["content-length"])))


def answers(raw: bytes) -> Handler:
    """Sends these bytes, and closes."""

    def behave(_: Subscriber, made: socket.socket) -> None:
        made.sendall(raw)

    return behave


def says(status: int, *headers: str) -> Handler:
    lines = "".join(f"{header}\r\n" for header in headers)
    return answers(f"HTTP/1.1 {status} So\r\n{lines}Content-Length: 0\r\n\r\n".encode())


def hangs(self: Subscriber, made: socket.socket) -> None:
    self.closing.wait(60)


def drips(self: Subscriber, made: socket.socket) -> None:
    """A byte now and then, and never a whole line."""
    for byte in b"HTTP/1.1 200 " + b"O" * 10_000:
        made.sendall(bytes([byte]))
        if self.closing.wait(0.05):
            return


def floods(self: Subscriber, made: socket.socket) -> None:
    """Ten megabytes after an answer that counts."""
    made.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(160):
        made.sendall(b"x" * 65_536)


@contextmanager
def subscriber(behave: Handler | None = None, *, wrap: Wrap | None = None) -> Iterator[Subscriber]:
    """`wrap` speaks TLS to whoever connects."""
    found = Subscriber(behave, wrap)
    try:
        yield found
    finally:
        found.close()


def main(port_file: str, taken_file: str, secret: str) -> None:
    """Refuses what is not signed, and every second message at first."""
    seen: dict[str, int] = {}

    def behave(self: Subscriber, made: socket.socket) -> None:
        message = self.messages[-1]
        headers = message.signature
        is_own = is_signed(headers, message.body, key=key_of(secret)) and is_of_now(headers)
        seen[headers.message_id] = seen.get(headers.message_id, 0) + 1
        if not is_own:
            return says(401)(self, made)
        if len(seen) % 2 and seen[headers.message_id] == 1:
            return says(503)(self, made)
        with Path(taken_file).open("a") as file:
            kind = json.loads(message.body)["type"]
            file.write(f"{headers.message_id} {kind}\n")
        return answers(OK)(self, made)

    with subscriber(behave) as found:
        Path(port_file).write_text(str(found.port))
        while True:
            time.sleep(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
