"""Copies of a server's files, and a server that comes back with them."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.rig import Rig
from tests.support.rig.servers import Breakable


@contextmanager
def folder_for(rig: Rig) -> Iterator[Path]:
    """Where a copy goes while the test lasts."""
    where = rig.folder / "copy"
    try:
        yield where
    finally:
        shutil.rmtree(where, ignore_errors=True)


def copy(server: Breakable, where: Path) -> None:
    """What is on its disk at one instant: every process of the server stands still meanwhile."""
    shutil.rmtree(where, ignore_errors=True)
    server.pause()
    try:
        # It keeps owners, which shutil does not.
        subprocess.run(["cp", "-a", str(server.data), str(where)], check=True)
    finally:
        server.resume()


def restore(server: Breakable, where: Path) -> None:
    """The server is stopped, and comes back as it was when it was copied."""
    server.stop()
    _empty(server.data)
    subprocess.run(["cp", "-a", f"{where}/.", str(server.data)], check=True)
    # They are of the process that was copied.
    for name in (server.pid_file.name, "postmaster.opts"):
        (server.data / name).unlink(missing_ok=True)
    server.start()


def start_empty(live: Breakable) -> None:
    """The live store comes back without its file."""
    live.stop()
    shutil.rmtree(live.data / "appendonlydir")
    live.start()


def _empty(folder: Path) -> None:
    for each in folder.iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        else:
            each.unlink()
