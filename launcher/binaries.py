"""Finding the servers' programs: the pinned wheel, then PATH and the usual folders.

The wheels are never imported: only their binaries are used, by path.
"""

import hashlib
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from launcher.problem import Problem
from launcher.progress import stage, watch
from launcher.project import Project


class Wanted(NamedTuple):
    """One kind of server, and the places where its program may be."""

    lock: str
    in_wheel: str
    """Pattern of the program's path inside the wheel."""
    override: str
    """Environment variable with the path of the program."""
    program: str
    elsewhere: tuple[str, ...]
    """Patterns below the root folder."""
    advice: str


POSTGRES = Wanted(
    lock="postgres",
    in_wheel="*/pginstall*/bin/initdb*",
    override="ATTN_POSTGRES_BIN",
    program="initdb",
    elsewhere=(
        "usr/lib/postgresql/*/bin/initdb",
        "opt/homebrew/opt/postgresql*/bin/initdb",
        "usr/local/opt/postgresql*/bin/initdb",
    ),
    advice="set DATABASE_URL to a PostgreSQL of yours, or install one: "
    "apt install postgresql (or brew install postgresql@17)",
)
VALKEY = Wanted(
    lock="redis",
    in_wheel="*/_binaries/*/valkey-server*",
    override="ATTN_VALKEY_BIN",
    program="valkey-server",
    elsewhere=("usr/bin/redis-server", "opt/homebrew/bin/redis-server"),
    advice="set REDIS_URL and CACHE_URL to servers of yours, or install one: "
    "apt install valkey-server or redis-server (or brew install valkey)",
)


def find(server: Wanted, project: Project) -> Path:
    """The program of a server: initdb, or valkey-server. Raises Problem with what to do."""
    override = os.environ.get(server.override)
    if override:
        return Path(override)
    path = _in_wheel(server, project) or _elsewhere(server)
    if path is None:
        raise Problem(
            f"No {server.program} for Python {platform.python_version()} on "
            f"{platform.machine()}: {server.advice}."
        )
    return path


def _in_wheel(server: Wanted, project: Project) -> Path | None:
    lock = project.root / "requirements" / f"{server.lock}.txt"
    stamp = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = project.home / f"wheel-{server.lock}-{stamp}"
    with project.lock(f"wheel-{server.lock}.lock"):
        if not folder.is_dir() and not _install(lock, folder, project):
            return None
    return next((folder / path for path in sorted(folder.glob(server.in_wheel))), None)


def _install(lock: Path, folder: Path, project: Project) -> bool:
    """Install a wheel aside and rename it, so that a killed installation leaves nothing."""
    aside = folder.with_name(folder.name + ".new")
    shutil.rmtree(aside, ignore_errors=True)
    command = [
        *(str(project.state / "venv" / "bin" / "python"), "-m", "pip", "install", "--quiet"),
        *("--disable-pip-version-check", "--no-input", "--no-deps", "--only-binary", ":all:"),
        *("--require-hashes", "--no-compile", "--target", str(aside), "-r", str(lock)),
    ]
    with (project.state / "install.log").open("ab") as log, stage(f"Fetching {lock.stem}") as now:
        status = watch(command, log, now)
    if status:
        shutil.rmtree(aside, ignore_errors=True)
        return False
    aside.rename(folder)
    return True


def _elsewhere(server: Wanted) -> Path | None:
    on_path = shutil.which(server.program) or (
        shutil.which("redis-server") if server is VALKEY else None
    )
    if on_path:
        return Path(on_path).resolve()
    usual = sorted(path for pattern in server.elsewhere for path in Path("/").glob(pattern))
    return usual[-1] if usual else None
