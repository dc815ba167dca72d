"""A real PgBouncer with transaction pooling before the PostgreSQL of the tests."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.db import connection

from launcher.project import Project, remove
from tests.support.ports import free_port, listens
from tests.support.waiting import wait_until

POOL = 10
"""Server connections to one database: two for each of four persisting processes, and a few more."""

SETTINGS = """
[databases]
* = host={host} port={port} user={user}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool}
max_client_conn = 200
"""


def binary() -> str | None:
    """PgBouncer's program, or None: it is in no wheel, so it may be missing."""
    named = os.environ.get("ATTN_PGBOUNCER_BIN")
    return named or shutil.which("pgbouncer", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")


class Bouncer:
    """One PgBouncer, run by the account that runs the servers: it refuses root."""

    def __init__(self, program: str, folder: Path) -> None:
        self.port = free_port()
        self._settings = folder / "pgbouncer.ini"
        self._program = program
        at = connection.settings_dict
        self._settings.write_text(
            SETTINGS.format(
                host=at["HOST"] or "localhost",
                port=at["PORT"] or 5432,
                user=at["USER"],
                listen=self.port,
                pool=POOL,
            )
        )
        self._settings.chmod(0o644)

    def start(self) -> None:
        with self._settings.with_name("log").open("ab") as log:
            self._child = subprocess.Popen(
                [self._program, str(self._settings)],
                stdout=log,
                stderr=log,
                cwd="/",
                **Project().account.arguments,
            )
        wait_until(lambda: listens(self.port), "the start of PgBouncer")

    def kill(self) -> None:
        self._child.kill()
        self._child.wait(20)


@contextlib.contextmanager
def pgbouncer(program: str) -> Iterator[Bouncer]:
    folder = Path(tempfile.mkdtemp(prefix="attn-pool-"))
    Project().account.own(folder)
    made = Bouncer(program, folder)
    made.start()
    try:
        yield made
    finally:
        made.kill()
        remove(folder)
