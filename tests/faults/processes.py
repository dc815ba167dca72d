"""Processes of ATTN that a test kills, pauses or runs from another folder."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from launcher.project import ROOT
from tests.faults import patches
from tests.faults.desks import Desk
from tests.faults.rig import NOTHING, Rig
from tests.faults.school import School
from tests.support.waiting import SECONDS

SITE = "tests.faults.patched_site:application"
LEFT_TO_WORKERS = {patches.LEAVE: "1"}
TWO_LANES = {patches.CHUNK_LESSONS: "1"}


class Process:
    """A process with a group of its own; what it says goes to a file."""

    def __init__(self, child: "subprocess.Popen[bytes]", said: Path) -> None:
        self.child, self.said = child, said

    def reports(self) -> list[dict[str, Any]]:
        """The reports of the runs that it has completed."""
        return [json.loads(each) for each in self.said.read_text().splitlines() if each[:1] == "{"]

    def is_stopped(self) -> bool:
        """Whether it stands still by SIGSTOP."""
        told = ["ps", "-o", "state=", "-p", str(self.child.pid)]
        return subprocess.run(told, capture_output=True, check=False).stdout[:1] == b"T"

    def send(self, number: signal.Signals) -> None:
        os.kill(self.child.pid, number)


@contextmanager
def process(
    rig: Rig, *command: str, env: Mapping[str, str] = NOTHING, folder: Path = ROOT
) -> Iterator[Process]:
    """Python with these arguments, on the rig's servers; `folder` holds its release."""
    said = rig.folder / f"said-{len(list(rig.folder.glob('said-*')))}"
    with said.open("wb") as out:
        child = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env=rig.environment(**{**env, "PYTHONPATH": str(folder)}),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield Process(child, said)
    finally:
        for number in (signal.SIGCONT, signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, number)
        child.wait(SECONDS)


@contextmanager
def worker(
    rig: Rig, *arguments: str, env: Mapping[str, str] = NOTHING, folder: Path = ROOT
) -> Iterator[Process]:
    """A persisting process; `arguments` as worker.py and patched_worker.py have them."""
    command = ("-m", "tests.faults.patched_worker", *arguments)
    with process(rig, *command, env=env, folder=folder) as made:
        yield made


def backlog(school: School, *, lessons: int = 4, students: int = 5) -> list[Desk]:
    """Lessons that are over and wait for a worker; their teachers are none of the load's."""
    desks = [school.lesson(students, teacher=2 + n) for n in range(lessons)]
    for desk in desks:
        desk.correct_somebody()
        desk.add_somebody()
        desk.finish()
    return desks


def is_left(school: School, desk: Desk) -> bool:
    """Whether Redis still holds this lesson."""
    return bool(school.rig.redis().exists(f"attn:{{{desk.lesson.id}}}:lesson"))
