"""A wire between a process and its server, which a test can cut, slow down and make forgetful.

It copies bytes between two Unix sockets, so what it breaks is what a network
breaks: a request that never arrives, an answer that is lost although the work
was done, a connection that ends in the middle of either.
"""

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.support.rig.servers import Servers

TO_SERVER, TO_CLIENT = "to server", "to client"


class Fate(Enum):
    """What becomes of some bytes."""

    PASS = "pass"
    LOSE = "lose"
    """They vanish, and the connection ends."""
    HALVE = "halve"
    """The first half arrives, and the connection ends."""


class Line:
    """One connection through a wire."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.asked = b""
        """The last that the client has sent."""

    def end(self) -> None:
        for each in (self.client, self.server):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


Plan = Callable[[Line, str, bytes], Fate]


def pass_on(line: Line, direction: str, data: bytes) -> Fate:
    return Fate.PASS


class Wire:
    """Listens at `path` and copies to a server's own socket."""

    def __init__(self, path: Path, server: Path) -> None:
        self.path, self._server = path, server
        self.plan: Plan = pass_on
        self.is_cut = False
        """No new connection is made."""
        self.faults = 0
        """How often something was lost."""
        self._flows = threading.Event()
        self._flows.set()
        self._lines: set[Line] = set()
        self._lock = threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        path.chmod(0o777)
        self._listener.listen(64)
        self._spawn(self._accept)

    def end_all(self) -> None:
        """End every connection that there is now."""
        with self._lock:
            for line in self._lines:
                line.end()
        self.faults += 1

    def stall(self, seconds: float) -> None:
        """Nothing arrives for a while, in either direction."""
        self._flows.clear()
        self.faults += 1
        time.sleep(seconds)
        self._flows.set()

    def mend(self) -> None:
        self.plan, self.is_cut = pass_on, False
        self._flows.set()

    def close(self) -> None:
        self.mend()
        self._listener.close()
        self.end_all()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            if self.is_cut or server.connect_ex(str(self._server)):
                client.close()
                server.close()
                continue
            line = Line(client, server)
            with self._lock:
                self._lines.add(line)
            self._spawn(self._copy, line, client, server, TO_SERVER)
            self._spawn(self._copy, line, server, client, TO_CLIENT)

    def _copy(self, line: Line, one: socket.socket, other: socket.socket, way: str) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65_536):
                self._flows.wait()
                if way == TO_SERVER:
                    line.asked = data
                fate = self.plan(line, way, data)
                if fate is not Fate.PASS:
                    self.faults += 1
                    other.sendall(data[: len(data) // 2] if fate is Fate.HALVE else b"")
                    break
                other.sendall(data)
        line.end()
        with self._lock:
            is_last = line in self._lines
            self._lines.discard(line)
        if not is_last:
            # Both ends have said that they are done.
            line.client.close()
            line.server.close()

    def _spawn(self, work: Callable[..., None], *arguments: Any) -> None:
        threading.Thread(target=work, args=arguments, daemon=True).start()


class Wires:
    """What stands between the processes of a rig and its servers."""

    def __init__(self, folder: Path, servers: Servers, stack: ExitStack) -> None:
        # PostgreSQL's socket has a fixed name in a folder.
        folder.mkdir()
        name = ".s.PGSQL.5432"
        self.postgres = Wire(folder / name, servers.sockets / name)
        self.live = Wire(folder / "live.sock", servers.live.socket)
        stack.enter_context(closing(self.postgres))
        stack.enter_context(closing(self.live))
        self.urls = {
            "DATABASE_URL": f"postgresql://attn@{quote(str(folder), safe='')}/attn",
            "REDIS_URL": f"unix://{quote(str(self.live.path))}?db=0",
        }


def at_random(chance: random.Random, way: str, fate: Fate, *, share: float) -> Plan:
    """Some of what goes one way meets a fate."""

    def plan(line: Line, direction: str, data: bytes) -> Fate:
        is_met = direction == way and chance.random() < share
        return fate if is_met else Fate.PASS

    return plan


def lose_answer_of_commit(line: Line, direction: str, data: bytes) -> Fate:
    """The server commits, and the connection ends before anybody hears of it."""
    is_answer = direction == TO_CLIENT and b"COMMIT" in line.asked
    return Fate.LOSE if is_answer else Fate.PASS
