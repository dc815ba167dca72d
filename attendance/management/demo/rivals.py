"""Two persistence tasks started at once, one of them killed in the middle."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection

SECONDS = 60

_BEGIN = """
import sys, django
django.setup()
from uuid import UUID
from attendance.services import failpoints
from attendance.services.persistence import RunOptions, unified_persistence_task
lesson_ids = [UUID(text) for text in sys.argv[1:]]
"""
_VICTIM = """
import os, signal
def die(claimed):
    if not claimed:
        return
    print("reached", flush=True)
    sys.stdin.readline()
    os.kill(os.getpid(), signal.SIGKILL)
with failpoints.installed("before_commit", die):
    unified_persistence_task(lesson_ids=lesson_ids, options=RunOptions(chunk_records=200))
"""
_SURVIVOR = """
sys.stdin.readline()
report = unified_persistence_task(lesson_ids=lesson_ids)
print(", ".join(f"{n} {word}" for word, n in report.totals.outcomes.items()), flush=True)
"""


def run_rivals(lesson_ids: Sequence[UUID]) -> str:
    """Start both; the first is killed -9 while it holds its claims, just before its commit.

    The second works on what the first does not hold; what that held is free at
    once, and the next run completes it. Returns what the second says of its lessons.
    """
    ids = [str(lesson_id) for lesson_id in lesson_ids]
    with _spawn(_VICTIM, ids) as victim, _spawn(_SURVIVOR, ids) as survivor:
        reached = victim.stdout.readline() if victim.stdout else ""
        # The other one begins while the victim holds its claims.
        said, _ = survivor.communicate("begin\n", timeout=SECONDS)
        if reached.strip() == "reached":
            victim.communicate("die\n", timeout=SECONDS)
    if victim.returncode != -signal.SIGKILL:
        raise CommandError("The task that was to be killed did not come to its commit.")
    if survivor.returncode:
        raise CommandError("The other task failed: see above.")
    return said.strip()


def _spawn(code: str, arguments: Sequence[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603 - this program and the ids of this demo
        [sys.executable, "-c", _BEGIN + code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(settings.BASE_DIR),
        env={**os.environ, "DATABASE_URL": database_url(), "ATTN_LOG_LEVEL": "ERROR"},
    )


def database_url() -> str:
    """The address of the database that this very process uses."""
    at = connection.settings_dict
    user, password = quote(at["USER"] or ""), quote(at["PASSWORD"] or "", safe="")
    secret = f":{password}" if password else ""
    port = f":{at['PORT']}" if at["PORT"] else ""
    return f"postgresql://{user}{secret}@{quote(at['HOST'], safe='')}{port}/{quote(at['NAME'])}"
