"""uv, which installs in seconds what takes pip a minute: the one on the PATH, or one of our own.

Our own is a pinned wheel that pip fetches. Where there is none for this machine, or it fails,
pip does all of it: see environment.py.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from launcher.progress import TimedStage, watch
from launcher.project import Project

LOCK = "requirements/uv.txt"
_SETTING = re.compile(r"^(\S+?)\.(index-url|cert)='(.*)'$", re.MULTILINE)
_VARIABLES = {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE"}
"""Settings of pip, and what uv calls them."""


def done(project: Project, arguments: Sequence[str], now: TimedStage) -> bool:
    """Whether uv is to be had, and has done what the arguments say."""
    on_path = shutil.which("uv")
    # Whoever has put uv there has told it about their index.
    found = Path(on_path) if on_path else _our_own(project, now)
    if found is None:
        return False
    settings = {} if on_path else _settings_of_pip()
    with (project.state / "install.log").open("ab") as log:
        command = [str(found), "--no-progress", *arguments]
        return watch(command, log, now, env=settings | os.environ) == 0


def _our_own(project: Project, now: TimedStage) -> Path | None:
    """The pinned one, fetched where it is not there yet."""
    lock = project.root / LOCK
    stamp = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = project.state / f"wheel-uv-{stamp}"
    found = folder / "bin" / "uv"
    pip = pip_of_this_python()
    if found.exists() or not pip:
        return found if found.exists() else None
    aside = folder.with_name(folder.name + ".new")
    shutil.rmtree(aside, ignore_errors=True)
    command = [
        *(*pip, "install", "--quiet", "--disable-pip-version-check", "--no-input"),
        *("--no-deps", "--only-binary", ":all:", "--require-hashes", "--no-compile"),
        *("--target", str(aside), "-r", str(lock)),
    ]
    with (project.state / "install.log").open("ab") as log:
        status = watch(command, log, now)
    if status or not (aside / "bin" / "uv").exists():
        shutil.rmtree(aside, ignore_errors=True)
        return None
    shutil.rmtree(folder, ignore_errors=True)
    aside.rename(folder)
    return found


def pip_of_this_python() -> list[str]:
    """The command that runs pip: the one that is installed, or the wheel of ensurepip as it is."""
    if find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    spec = find_spec("ensurepip")
    folders = [Path(spec.origin).parent / "_bundled"] if spec and spec.origin else []
    # Debian keeps the wheels elsewhere.
    if set_apart := sysconfig.get_config_var("WHEEL_PKG_DIR"):
        folders.append(Path(set_apart))
    wheels = [wheel for folder in folders for wheel in sorted(folder.glob("pip-*.whl"))]
    return [sys.executable, str(wheels[-1] / "pip")] if wheels else []


def _settings_of_pip() -> dict[str, str]:
    """The package index and the certificates that pip uses here, as variables of uv."""
    told = subprocess.run(
        [*pip_of_this_python(), "config", "list"], capture_output=True, text=True, check=False
    )
    found: dict[str, str] = {}
    # What stands nearer to the caller wins: the environment, then what is for `pip install`.
    for place in ("global", "user", "site", "install", ":env:"):
        for where, name, value in _SETTING.findall(told.stdout):
            if where == place:
                found[_VARIABLES[name]] = value
    return found
