"""Who uses the project's servers: the last one to leave stops them.

A lease is a shared lock on a file, so it ends with its process, however that dies.
The next command uses servers that were left running, and stops them.
"""

import contextlib
import fcntl
import os
import signal
from collections.abc import Iterator, Mapping

from launcher import instance
from launcher.instance import Instance
from launcher.problem import Problem
from launcher.progress import stage
from launcher.project import Project, remove

KEEP = "keep-running"


@contextlib.contextmanager
def leased(project: Project, environ: Mapping[str, str]) -> Iterator[Instance]:
    """Start what is not running, and stop it afterwards unless others or `up` need it."""
    servers = instance.make(project, project.home, project.name, environ)
    with (project.state / "lease").open("a") as lease:
        with project.lock("servers.lock"):
            fcntl.flock(lease, fcntl.LOCK_SH)
            if all(servers.running().values()):
                servers.start()
            else:
                with stage("Starting PostgreSQL and Valkey"):
                    servers.start()
        try:
            yield servers
        finally:
            with uninterrupted(), project.lock("servers.lock"):
                fcntl.flock(lease, fcntl.LOCK_UN)
                if not (project.state / KEEP).exists() and not is_leased(project):
                    servers.stop()
                    remove(servers.sockets)


def look(project: Project, environ: Mapping[str, str]) -> dict[str, int | None]:
    """The process of each server, or None; leaves nothing behind."""
    with project.lock("servers.lock"):
        servers = instance.make(project, project.home, project.name, environ)
        running = servers.running()
        if not any(running.values()):
            remove(servers.sockets)
    return running


def is_leased(project: Project) -> bool:
    """Whether somebody uses the servers now."""
    with (project.state / "lease").open("a") as lease:
        try:
            fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def keep(project: Project, environ: Mapping[str, str]) -> None:
    """`up`: start the servers and leave them running."""
    (project.state / KEEP).touch()
    with leased(project, environ):
        pass


def release(project: Project, *, force: bool) -> None:
    """`down`: stop the servers. Raises Problem where somebody uses them."""
    (project.state / KEEP).unlink(missing_ok=True)
    servers = instance.make(project, project.home, project.name, {})
    with project.lock("servers.lock"):
        if is_leased(project) and not force:
            raise Problem(
                "Somebody uses the servers: they stop when the last one leaves. "
                "To stop them now: ./attn down --force",
                status=1,
            )
        servers.stop()
        remove(servers.sockets)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Ignore signals, so that a second Ctrl-C does not leave a cleanup half done."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def lock_of_owner(path: str) -> int | None:
    """An exclusive lock on a file, or None while its owner lives."""
    number = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(number)
        return None
    return number
