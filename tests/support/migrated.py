"""A database is migrated once, and kept: to migrate it takes longer than most tests.

`.attn/test-template` has the files of a PostgreSQL whose database `attn` is migrated and empty. A
process of a test run begins with a copy of them. They are made anew where a migration, a model or a
lock has changed.
"""

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from launcher import binaries
from launcher.project import Project

if TYPE_CHECKING:
    from launcher.servers import Server

WHAT_MAKES_IT = (
    *("*/migrations/*.py", "*/models.py", "*/*_models.py", "*/models/*.py"),
    *("requirements.txt", "requirements/dev.txt", "tests/support/migrated.py"),
)
MIGRATED = "attn"
_FOLDER = "test-template"


class KeptDatabase:
    """The files that are kept, and the right of one process at a time to copy or make them."""

    def __init__(self, project: Project) -> None:
        self._project = project
        made_by = str(binaries.find(binaries.POSTGRES, project))
        self._place = project.home / _FOLDER / digest_of(project.root, made_by)
        self._lock = ExitStack()

    def give(self, server: "Server") -> bool:
        """Put a copy where a server that was never started has its files; False where none is kept.

        Then whoever asks goes on alone, until they `keep` what they have made, or end.
        """
        self._lock.enter_context(self._project.lock(f"{_FOLDER}.lock"))
        if not self._place.is_dir():
            return False
        server.data.parent.mkdir(parents=True, exist_ok=True)
        _copy(self._place, server.data)
        self._lock.close()
        return True

    def keep(self, server: "Server") -> None:
        """Keep the files of a server that has a migrated database, and start it again."""
        server.stop()
        shutil.rmtree(self._place.parent, ignore_errors=True)
        self._place.parent.mkdir()
        aside = self._place.with_suffix(".new")
        _copy(server.data, aside)
        aside.rename(self._place)
        self._lock.close()
        server.start()

    def leave(self) -> None:
        """Nothing was made: somebody else may."""
        self._lock.close()


def make_test_database(url: str, name: str) -> None:
    """The database of a test process: a copy of the migrated one."""
    _run(url, f'DROP DATABASE IF EXISTS "{name}"', f'CREATE DATABASE "{name}" TEMPLATE {MIGRATED}')


def name_as_migrated(url: str, name: str) -> None:
    """The database that a test process has just made, and nobody uses, is the migrated one."""
    _run(
        url, f"DROP DATABASE IF EXISTS {MIGRATED}", f'ALTER DATABASE "{name}" RENAME TO {MIGRATED}'
    )


def _run(url: str, *statements: str) -> None:
    with psycopg.connect(url, dbname="postgres", autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def _copy(source: Path, target: Path) -> None:
    # It keeps owners, which shutil does not.
    subprocess.run(["cp", "-a", f"{source}/.", str(target)], check=True)


def digest_of(root: Path, made_by: str) -> str:
    """Another one wherever the kept files would be others."""
    whole = hashlib.sha256(made_by.encode())
    for path in sorted(_files(root)):
        whole.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()[:16]


def _files(root: Path) -> Iterator[Path]:
    for pattern in WHAT_MAKES_IT:
        yield from root.glob(pattern)
