"""Run as a module: a worker with what patches.py changes, and two more modes than worker.py has.

pause STEP            loop, and stop itself (SIGSTOP) the first time it comes to STEP
command               manage.py persist_attendance
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from uuid import UUID

import django

from tests.faults import patches, worker


def pause_at(step: str) -> None:
    from attendance.services.persistence import failpoints

    # Two lanes may come to the step at the same time.
    first = threading.Lock()

    def pause(lesson_ids: Sequence[UUID]) -> None:
        if lesson_ids and first.acquire(blocking=False):
            os.kill(os.getpid(), signal.SIGSTOP)
            # Another thread may be the one that takes the signal: go no further until it has.
            time.sleep(0.2)

    with failpoints.installed(step, pause):
        worker.loop(0.1)


def main(mode: str, *arguments: str) -> None:
    match mode, arguments:
        case "pause", (step,):
            pause_at(step)
        case "command", ():
            from django.core.management import call_command

            call_command("persist_attendance", no_progress=True)
        case _:
            worker.main(mode, *arguments)


if __name__ == "__main__":
    django.setup()
    patches.install()
    main(*sys.argv[1:])
