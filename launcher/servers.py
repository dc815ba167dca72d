"""The embedded servers: a real PostgreSQL, and two real Valkeys, by Unix socket only."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from launcher.problem import Problem
from launcher.project import Account

SECONDS_TO_START, SECONDS_TO_END = 60, 10
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


# Servers outlive the launcher: they are kept here so that Popen does not warn of them.
_STARTED: "list[subprocess.Popen[bytes]]" = []


def _reap(stopped: int = 0) -> None:
    """Forget servers that have ended; wait for the end of the one with the process id `stopped`."""
    for child in _STARTED:
        if child.pid == stopped:
            # It removes its file of the process id a moment before it ends.
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(SECONDS_TO_END)
    _STARTED[:] = [child for child in _STARTED if child.poll() is None]


class Server:
    """One server with a data folder, a socket folder and a log, run by an account."""

    name: ClassVar[str]

    def __init__(self, binary: Path, folder: Path, sockets: Path, account: Account) -> None:
        self.binary = binary
        self.data = folder / self.name
        self.log = folder / f"{self.name}.log"
        self.sockets = sockets
        self.account = account

    def start(self) -> None:
        """Start the server unless it answers, and wait until it does. Raises Problem."""
        if self.answers():
            return
        self.prepare()
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            child = self._spawn(self.command())
            while child.poll() is None and time.monotonic() < deadline:
                if self.answers():
                    return
                time.sleep(0.02)
            # The shared memory of a killed server lives on for about a second.
            self.clear_leftovers()
            time.sleep(0.3)
        raise Problem(f"{self.name} does not start: see {self.log}.")

    def stop(self) -> None:
        """Stop the server and wait until it is gone."""
        self._end(self.stop_signal, seconds=20)

    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def pid(self) -> int | None:
        """The server's process, unless another process has its number now."""
        try:
            pid = int(self.pid_file.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None
        return pid if self.is_ours(command_line(pid)) else None

    @property
    def pid_file(self) -> Path:
        raise AssertionError("each server says where")

    def is_ours(self, command_line: str) -> bool:
        raise AssertionError("each server says how")

    def command(self) -> list[str]:
        raise AssertionError("each server says what")

    def answers(self) -> bool:
        raise AssertionError("each server says how")

    def prepare(self) -> None:
        _own_folder(self.data, self.account)

    def clear_leftovers(self) -> None:
        return None

    def _end(self, number: signal.Signals, seconds: float) -> None:
        pid = self.pid()
        if pid is None:
            return
        for signal_number in (number, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal_number)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                if self.pid() is None or not _is_alive(pid):
                    _reap(stopped=pid)
                    return
                time.sleep(0.02)

    def _spawn(self, command: list[str]) -> "subprocess.Popen[bytes]":
        # A log file, never a pipe: a pipe on a server's output would never close.
        with self.log.open("ab") as log:
            self.account.own(self.log)
            # It may name people.
            self.log.chmod(0o600)
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_ENVIRONMENT,
                cwd="/",
                start_new_session=True,
                **self.account.arguments,
            )
        _reap()
        _STARTED.append(child)
        return child


class Postgres(Server):
    name = "postgres"
    stop_signal = signal.SIGINT
    """PostgreSQL's fast shutdown."""

    @property
    def url(self) -> str:
        return f"postgresql://attn@{quote(str(self.sockets), safe='')}/attn"

    @property
    def pid_file(self) -> Path:
        return self.data / "postmaster.pid"

    def is_ours(self, command_line: str) -> bool:
        return str(self.data) in command_line

    def command(self) -> list[str]:
        return [
            *(str(self.binary.with_name("postgres")), "-D", str(self.data)),
            *("-k", str(self.sockets), "-c", "listen_addresses=", "-c", "max_connections=200"),
        ]

    def answers(self) -> bool:
        return self.pid() is not None and _handshake(self.sockets / ".s.PGSQL.5432")

    def prepare(self) -> None:
        if (self.data / "PG_VERSION").exists():
            self.clear_leftovers()
            return
        # Built aside and renamed: a killed initdb leaves a folder that looks complete.
        aside = self.data.with_name("postgres.new")
        shutil.rmtree(aside, ignore_errors=True)
        _own_folder(aside, self.account)
        version = self._run([str(self.binary.with_name("postgres")), "--version"])
        has_builtin = int(version.split()[2].split(".")[0]) >= FIRST_WITH_BUILTIN
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if has_builtin else []
        self._run(
            [
                *(str(self.binary), "-D", str(aside), "-U", "attn", "--auth=trust"),
                *("--encoding=UTF8", "--locale=C", *locale),
            ]
        )
        single = [str(self.binary.with_name("postgres")), "--single", "-D", str(aside), "postgres"]
        self._run(single, "CREATE DATABASE attn\n")
        aside.rename(self.data)

    def clear_leftovers(self) -> None:
        """Remove the files of a killed server, unless its process runs."""
        if self.pid() is None:
            for leftover in (self.pid_file, self.sockets / ".s.PGSQL.5432.lock"):
                leftover.unlink(missing_ok=True)

    def _run(self, command: list[str], text: str = "") -> str:
        result: subprocess.CompletedProcess[str] = subprocess.run(
            command,
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=_ENVIRONMENT,
            cwd="/",
            check=False,
            **self.account.arguments,
        )
        if result.returncode:
            last = (result.stdout.strip().splitlines() or ["no output"])[-1]
            raise Problem(f"{Path(command[0]).name} failed: {last}")
        return result.stdout


FIRST_WITH_BUILTIN = 17


class Valkey(Server):
    """A Valkey whose socket and settings a subclass names."""

    settings: ClassVar[tuple[str, ...]]

    @property
    def socket(self) -> Path:
        return self.sockets / f"{self.name}.sock"

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self.socket))}?db=0"

    @property
    def pid_file(self) -> Path:
        return self.data / "pid"

    def is_ours(self, command_line: str) -> bool:
        return str(self.socket) in command_line

    def command(self) -> list[str]:
        return [
            *(str(self.binary), "--port", "0", "--unixsocket", str(self.socket)),
            *("--unixsocketperm", "700", "--dir", str(self.data), "--save", ""),
            *("--pidfile", str(self.pid_file), "--daemonize", "no", *self.settings),
        ]

    def answers(self) -> bool:
        return _ask(self.socket, b"PING\r\n").startswith(b"+PONG")


class Live(Valkey):
    """The live store: what it has acknowledged is on the disk."""

    name = "live"
    settings = (
        *("--appendonly", "yes", "--appendfsync", "always"),
        *("--maxmemory-policy", "noeviction"),
    )


class Cache(Valkey):
    """Cache and sessions: may be emptied at any time."""

    name = "cache"
    settings = ("--appendonly", "no", "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")


def _own_folder(folder: Path, account: Account) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    account.own(folder)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return command_line(pid) != ""


def command_line(pid: int) -> str:
    """The command line of a process; '' where there is none, or it is a zombie."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        return raw.replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        pass
    if Path("/proc/self").exists():
        return ""
    listing = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(listing, capture_output=True, text=True, check=False).stdout.strip()


def _ask(path: Path, question: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
        client.settimeout(2)
        client.connect(str(path))
        client.sendall(question)
        return client.recv(64)
    return b""


def _handshake(path: Path) -> bool:
    """Whether PostgreSQL lets somebody in: an error means that it is starting or stopping."""
    pairs = b"user\0attn\0database\0attn\0\0"
    packet = (196608).to_bytes(4, "big") + pairs
    return _ask(path, (len(packet) + 4).to_bytes(4, "big") + packet).startswith(b"R")
