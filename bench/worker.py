"""A persisting process of its own: gets ready, waits for a line, runs, says what it took."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from tests.support.processes import environment

SECONDS = 900


def start(count: int, *, limit: int = 0, lanes_of_each: int = 0) -> list["subprocess.Popen[str]"]:
    """Start processes and wait until each is ready; `limit` is in lessons, 0 for all.

    `lanes_of_each` is how many chunks one has under way, 0 for the site's own number.
    """
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.worker", str(limit), str(lanes_of_each)],
            cwd=settings.BASE_DIR,
            # One arena, as deploy/attn-site.service has it.
            env=environment(ATTN_LOG_LEVEL="ERROR", MALLOC_ARENA_MAX="1"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    for worker in workers:
        assert worker.stdout
        assert worker.stdout.readline() == "ready\n"
    return workers


def run(workers: Sequence["subprocess.Popen[str]"]) -> tuple[float, list[dict[str, Any]]]:
    """Let all of them go at once. Returns seconds until the last is done, and what each said."""
    started = time.perf_counter()
    for worker in workers:
        assert worker.stdin
        worker.stdin.write("go\n")
        worker.stdin.flush()
    said = []
    for worker in workers:
        assert worker.stdout
        said.append(json.loads(worker.stdout.readline()))
    seconds = time.perf_counter() - started
    for worker in workers:
        worker.communicate(timeout=SECONDS)
    return seconds, said


def peak_kib() -> int:
    """The most memory that this process has held; rusage would tell its parent's as well."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1])


def main() -> None:
    import django

    django.setup()
    from django.db import connection

    from attendance.live import store
    from attendance.services.persistence import lanes, unified_persistence_task
    from attendance.services.persistence.candidates import RunOptions

    limit, lanes.LANES = int(sys.argv[1]) or None, int(sys.argv[2]) or lanes.LANES
    connection.ensure_connection()
    store.now()
    print("ready", flush=True)
    sys.stdin.readline()
    before = time.process_time()
    report = unified_persistence_task(options=RunOptions(limit=limit))
    assert report.sums_agree
    assert not report.unavailable, report.unavailable
    said = {
        "cpu": time.process_time() - before,
        "peak_kib": peak_kib(),
        "inserted": report.totals.counts.inserted,
        "outcomes": report.totals.outcomes,
    }
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
