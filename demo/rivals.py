"""Two persistence tasks started at once, one of them killed in the middle."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.core.management.base import CommandError

from demo.processes import database_url

SECONDS = 60

_BEGIN = """
import sys, django
django.setup()
from uuid import UUID
from attendance.services.persistence import failpoints
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


class Rivalry(NamedTuple):
    is_killed: bool
    """False where there was no task to kill: the task of a served site was faster."""
    survivor_said: str
    """The outcomes that the other task reports."""


def run_rivals(lesson_ids: Sequence[UUID]) -> Rivalry:
    """Start both; the first is killed -9 while it holds its claims, just before its commit.

    The second works on what the first does not hold; what that held is free at
    once, and the next run completes it.
    """
    ids = [str(lesson_id) for lesson_id in lesson_ids]
    with _spawn(_VICTIM, ids) as victim, _spawn(_SURVIVOR, ids) as survivor:
        reached = victim.stdout.readline() if victim.stdout else ""
        # The other one begins while the victim holds its claims.
        outcomes, _ = survivor.communicate("begin\n", timeout=SECONDS)
        is_killed = reached.strip() == "reached"
        if is_killed:
            victim.communicate("die\n", timeout=SECONDS)
    if victim.returncode != (-signal.SIGKILL if is_killed else 0):
        raise CommandError("The task that was to be killed failed before that: see above.")
    if survivor.returncode:
        raise CommandError("The other task failed: see above.")
    return Rivalry(is_killed, outcomes.strip())


def _spawn(code: str, arguments: Sequence[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603 - this program and the ids of this demo
        [sys.executable, "-c", _BEGIN + code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(settings.BASE_DIR),
        env={**os.environ, "DATABASE_URL": database_url(), "ATTN_LOG_LEVEL": "ERROR"},
    )
