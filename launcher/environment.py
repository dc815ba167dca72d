"""The virtual environment, made again only where a lock file changed and nobody uses it."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from launcher import uv
from launcher.problem import Problem
from launcher.progress import TimedStage, stage, watch
from launcher.project import Project

SITE, DEMO, DEV = "requirements.txt", "requirements/demo.txt", "requirements/dev.txt"
PARQUET = "requirements/parquet.txt"
_COMPLETE = {
    SITE: (SITE, DEMO, PARQUET, DEV),
    DEMO: (DEMO, DEV),
    PARQUET: (PARQUET, DEV),
    DEV: (DEV,),
}
"""Each lock, and the locks that hold all of it."""
USERS = "venv-users"
IN_USE = 1


def python(project: Project) -> Path:
    return project.state / "venv" / "bin" / "python"


def ensure(project: Project, lock: str = SITE) -> None:
    """Make the virtual environment and install what a lock names; use it until this process ends.

    Raises Problem, also where another Python or another lock would change what runs now.
    """
    with project.lock("venv.lock"):
        if not _is_complete(project, lock):
            # To add to what is there harms nobody who runs from it.
            adds = _is_sound(project) and any(_is_complete(project, each) for each in _COMPLETE)
            with contextlib.nullcontext() if adds else _alone(project):
                _make(project, lock)
        _use(project)


def _is_complete(project: Project, lock: str) -> bool:
    return any(_stamp(project, each) == _installed(project, each) for each in _COMPLETE[lock])


def _make(project: Project, lock: str) -> None:
    if not _is_sound(project):
        with stage("Making a virtual environment") as now:
            _create(project, now)
    with stage(f"Installing {lock}") as now:
        _install(project, lock, now)
    _stamp_file(project, lock).write_text(_stamp(project, lock))


_USED: dict[Path, int] = {}
"""The locks by which this process says that it uses an environment; they end with it."""


def _use(project: Project) -> None:
    path = project.state / USERS
    if path not in _USED:
        _USED[path] = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(_USED[path], fcntl.LOCK_SH)


@contextlib.contextmanager
def _alone(project: Project) -> Iterator[None]:
    """Nobody else uses the environment while the block runs. Raises Problem where somebody does."""
    with (project.state / USERS).open("a") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Problem(_why_not_now(project), status=IN_USE) from None
        yield


def _why_not_now(project: Project) -> str:
    there, here = _version(project), "{}.{}.{}".format(*sys.version_info)
    if there and there != here:
        minor = there.rpartition(".")[0]
        return (
            f"ATTN runs here with Python {there}, and this is {here}: stop it first, "
            f"or run this with the same one, as python{minor} attn ..."
        )
    return "What ATTN needs has changed, and a running ATTN uses what is there: stop it first."


def _version(project: Project) -> str:
    with contextlib.suppress(OSError):
        for line in (project.state / "venv" / "pyvenv.cfg").read_text().splitlines():
            name, _, value = line.partition("=")
            if name.strip() in {"version", "version_info"}:
                return value.strip()
    return ""


def _stamp_file(project: Project, lock: str) -> Path:
    return project.state / "venv" / f"{Path(lock).stem}.stamp"


def _stamp(project: Project, lock: str) -> str:
    # Scripts of a virtual environment contain its path: a moved one is made again.
    parts = (project.root / lock).read_bytes() + f"{sys.version} {project.state}".encode()
    return hashlib.sha256(parts).hexdigest()


def _installed(project: Project, lock: str) -> str:
    try:
        is_there = python(project).exists()
        return _stamp_file(project, lock).read_text() if is_there else ""
    except OSError:
        return ""


def _is_sound(project: Project) -> bool:
    if not python(project).exists():
        return False
    code = "import sys, pip; print(sys.version)"
    command = [str(python(project)), "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout.strip() == sys.version.strip()


def _create(project: Project, now: TimedStage) -> None:
    folder = project.state / "venv"
    shutil.rmtree(folder, ignore_errors=True)
    if uv.done(project, ["venv", "--seed", "--python", sys.executable, str(folder)], now):
        return
    shutil.rmtree(folder, ignore_errors=True)
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        version = "{}.{}".format(*sys.version_info)
        raise Problem(
            "This Python has no ensurepip: apt install "
            f"python{version}-venv, or put uv on the PATH, and run this again."
        ) from None
    command = [sys.executable, "-m", "venv", str(folder)]
    _run(project, command, "no virtual environment", now)


def _install(project: Project, lock: str, now: TimedStage) -> None:
    for stamp in (project.state / "venv").glob("*.stamp"):
        stamp.unlink()
    wanted = ["--quiet", "--no-deps", "--require-hashes", "-r", str(project.root / lock)]
    venv = ["--compile-bytecode", "--python", str(python(project))]
    if uv.done(project, ["pip", "install", *venv, *wanted], now):
        return
    command = [
        *(str(python(project)), "-m", "pip", "install", "--no-input"),
        *("--disable-pip-version-check", *wanted),
    ]
    _run(project, command, f"{lock} cannot be installed", now)


def _run(project: Project, command: list[str], what: str, now: TimedStage) -> None:
    log = project.state / "install.log"
    with log.open("wb") as file:
        status = watch(command, file, now)
    if status:
        raise Problem(f"{what}: see {log}; is the package index reachable?")
