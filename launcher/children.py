"""Children of the launcher: run to their end, or serve in the background; signals go on to them."""

import contextlib
import ctypes
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

from launcher import leases
from launcher.problem import Problem
from launcher.project import OURS, Account, Project

SECONDS_TO_START, SECONDS_TO_STOP = 60, 25
_PR_SET_PDEATHSIG = 1


def run(
    project: Project, command: list[str], env: dict[str, str], *, account: Account = OURS
) -> int:
    """Run a child to its end and return its exit status; signals go on to it."""
    return wait(_spawn(project, command, env, account))


def _spawn(
    project: Project, command: list[str], env: dict[str, str], account: Account
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command,
        env=env,
        cwd=project.root,
        preexec_fn=_end_with_us,  # noqa: PLW1509 - the launcher has one thread
        **account.arguments,
    )


def wait(child: "subprocess.Popen[bytes]") -> int:
    """Wait for a child's end and return its exit status; signals go on to it."""

    def forward(number: int, frame: object) -> None:
        # A terminal sends Ctrl-C to the child as well: it must not get it twice.
        if number != signal.SIGINT or not sys.stdin.isatty():
            child.send_signal(number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, forward) for number in numbers}
    try:
        ended = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 - ended if ended < 0 else ended


def _end_with_us() -> None:
    """On Linux, a child is told to stop where the launcher itself is killed."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@contextlib.contextmanager
def in_background(
    project: Project,
    command: list[str],
    env: dict[str, str],
    *,
    port: int | None = None,
    host: str = "127.0.0.1",
    account: Account = OURS,
) -> "Iterator[subprocess.Popen[bytes]]":
    """A child that serves for as long as the block runs; given a port, it listens there first."""
    child = _spawn(project, command, env, account)
    try:
        if port is not None:
            _wait_until_it_listens(child, host, port)
        yield child
    finally:
        with leases.uninterrupted():
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(SECONDS_TO_STOP)
            child.kill()
            child.wait()


def _wait_until_it_listens(child: "subprocess.Popen[bytes]", host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and child.poll() is None:
        with socket.socket(family) as probe:
            if probe.connect_ex((host, port)) == 0:
                return
        time.sleep(0.05)
    raise Problem("The site does not start: see above.")
