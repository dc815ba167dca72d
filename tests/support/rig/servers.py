"""The launcher's servers, with the ways in which servers die, stall and are set otherwise."""

import os
import signal
import subprocess
from pathlib import Path

from launcher import binaries
from launcher.project import Project, socket_folder
from launcher.servers import Cache, Live, Postgres, Server
from tests.support.waiting import SECONDS, wait_until


class Breakable(Server):
    """A server that can be killed, stalled and started with other settings."""

    own_settings: tuple[str, ...] = ()
    """Of the rig, for its whole life: arguments after the launcher's; a later one wins."""
    settings_on_top: tuple[str, ...] = ()
    """Of one test, until the rig is healed."""

    def command(self) -> list[str]:
        return [*super().command(), *self.own_settings, *self.settings_on_top]

    def kill(self) -> None:
        """kill -9, and wait until the process is gone."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: self.pid() is None, f"the end of {self.name}")

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def restart(self, *settings: str) -> None:
        """Stop it as its owner would, and start it with these settings on top."""
        self.stop()
        self.settings_on_top = settings
        self.start()

    def _signal(self, number: signal.Signals) -> None:
        for pid in self.processes():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    def processes(self) -> list[int]:
        pid = self.pid()
        return [] if pid is None else [pid]


class RigPostgres(Breakable, Postgres):
    def processes(self) -> list[int]:
        """The postmaster and its children: each of them works for itself."""
        return [pid for parent in super().processes() for pid in (parent, *children_of(parent))]

    def stop_immediately(self) -> None:
        """`pg_ctl -m immediate`: every process ends at once, nothing is written any more."""
        self._end(signal.SIGQUIT, seconds=SECONDS)


class RigLive(Breakable, Live):
    """The live store."""


class RigCache(Breakable, Cache):
    """Cache and sessions."""


class Servers:
    """PostgreSQL, live store and cache in a folder of their own."""

    def __init__(self, project: Project, folder: Path, name: str) -> None:
        account = project.account
        self.sockets = socket_folder(name, account)
        where = (folder, self.sockets, account)
        postgres = binaries.find(binaries.POSTGRES, project)
        valkey = binaries.find(binaries.VALKEY, project)
        self.postgres = RigPostgres(postgres, *where)
        self.live = RigLive(valkey, *where)
        self.cache = RigCache(valkey, *where)

    @property
    def all(self) -> "tuple[Breakable, ...]":
        return (self.postgres, self.live, self.cache)

    @property
    def urls(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.live.url,
            "CACHE_URL": self.cache.url,
        }


def children_of(pid: int) -> list[int]:
    """The child processes of a process."""
    listing = ["ps", "-A", "-o", "pid=,ppid="]
    told = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
    pairs = [line.split() for line in told.splitlines()]
    return [int(child) for child, parent in pairs if int(parent) == pid]
