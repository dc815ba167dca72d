"""Run as a module: a process that runs the persistence task and tells each report as JSON.

    asked                 once for each line on stdin, also what is parked
    loop SECONDS          again and again, with a pause
    die STEP [NTH]        loop, and kill -9 itself when it comes to STEP for the NTH time
    hold STEP SECONDS     loop, and stand still at STEP

The hooks are installed here: production has no door for them.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from uuid import UUID

import django
from django.db import close_old_connections


def run(*, retry_parked: bool = False) -> None:
    """One run, as the scheduler makes it, and its report on stdout."""
    from attendance.services.persistence import unified_persistence_task
    from attendance.services.persistence.candidates import RunOptions

    close_old_connections()
    report = unified_persistence_task(options=RunOptions(retry_parked=retry_parked)).as_dict()
    told = {name: report[name] for name in ("unavailable", "sums_agree", "exit_status", "totals")}
    print(json.dumps(told), flush=True)


def loop(seconds: float) -> None:
    while True:
        run()
        time.sleep(seconds)


def die_at(step: str, nth: int) -> None:
    from attendance.services.persistence import failpoints

    seen = 0

    def die(lesson_ids: Sequence[UUID]) -> None:
        nonlocal seen
        seen += bool(lesson_ids)
        if seen == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    with failpoints.installed(step, die):
        loop(0.1)


def hold_at(step: str, seconds: float) -> None:
    from attendance.services.persistence import failpoints

    def hold(lesson_ids: Sequence[UUID]) -> None:
        time.sleep(seconds if lesson_ids else 0)

    with failpoints.installed(step, hold):
        loop(0.1)


def main(mode: str, *arguments: str) -> None:
    match mode, arguments:
        case "asked", ():
            for _ in sys.stdin:
                run(retry_parked=True)
        case "loop", (seconds,):
            loop(float(seconds))
        case "die", (step, *nth):
            die_at(step, int(nth[0]) if nth else 1)
        case "hold", (step, seconds):
            hold_at(step, float(seconds))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    django.setup()
    if os.environ.get("FAULTS_WRONG_CLOCKS"):
        from tests.faults import clocks

        clocks.install()
    main(*sys.argv[1:])
