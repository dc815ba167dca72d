"""The virtual environment, made again only where a lock file changed."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from launcher.problem import Problem
from launcher.project import Project

SITE, DEMO, DEV = "requirements.txt", "requirements/demo.txt", "requirements/dev.txt"
_COMPLETE = {SITE: (SITE, DEMO, DEV), DEMO: (DEMO, DEV), DEV: (DEV,)}
"""Each lock, and the locks that hold all of it."""


def python(project: Project) -> Path:
    return project.state / "venv" / "bin" / "python"


def ensure(project: Project, lock: str = SITE) -> None:
    """Make the virtual environment and install what a lock names. Raises Problem."""
    with project.lock("venv.lock"):
        if any(_stamp(project, each) == _installed(project, each) for each in _COMPLETE[lock]):
            return
        if not _is_sound(project):
            say("Making a virtual environment...")
            _create(project)
        say(f"Installing {lock}...")
        _install(project, lock)
        _stamp_file(project, lock).write_text(_stamp(project, lock))


def say(line: str) -> None:
    """Progress, for people: never on stdout."""
    print(line, file=sys.stderr, flush=True)


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


def _create(project: Project) -> None:
    folder = project.state / "venv"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        _create_by_uv(folder)
        return
    _run(project, [sys.executable, "-m", "venv", str(folder)], "no virtual environment")


def _create_by_uv(folder: Path) -> None:
    uv = shutil.which("uv")
    if uv is None:
        version = "{}.{}".format(*sys.version_info)
        raise Problem(
            "This Python has no ensurepip: apt install "
            f"python{version}-venv, or put uv on the PATH, and run this again."
        )
    subprocess.run([uv, "venv", "--seed", "--python", sys.executable, str(folder)], check=True)


def _install(project: Project, lock: str) -> None:
    for stamp in (project.state / "venv").glob("*.stamp"):
        stamp.unlink()
    command = [
        *(str(python(project)), "-m", "pip", "install", "--quiet", "--no-deps", "--no-input"),
        *("--disable-pip-version-check", "--require-hashes", "-r", str(project.root / lock)),
    ]
    _run(project, command, f"{lock} cannot be installed")


def _run(project: Project, command: list[str], what: str) -> None:
    log = project.state / "install.log"
    with log.open("wb") as file:
        result = subprocess.run(command, stdout=file, stderr=file, env=os.environ, check=False)
    if result.returncode:
        raise Problem(f"{what}: see {log}; is the package index reachable?")
