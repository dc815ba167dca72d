"""The site as `./attn serve` runs it, on the database of the test."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from tests.support.ports import free_port, listens
from tests.support.processes import environment

THREADS = "8"
SERVERS = {
    "gunicorn": (
        *("--worker-class", "gthread", "--threads", THREADS),
        *("--log-level", "error", "--no-control-socket"),
    ),
    "granian": ("--interface", "wsgi", "--blocking-threads", THREADS, "--no-log"),
}
ADDRESS = {"gunicorn": "--bind=127.0.0.1:{}", "granian": "--port={}"}


@contextmanager
def served(
    workers: int = 1,
    /,
    *,
    app: str = "attn_project.wsgi:application",
    server: str = "gunicorn",
    **env: str,
) -> Iterator[int]:
    """Serve on a free port, and return it; the persistence task is left to the caller."""
    port = free_port()
    command = [sys.executable, "-m", server, *SERVERS[server], ADDRESS[server].format(port)]
    command += ["--workers", str(workers), app]
    ours = {"ATTN_SCHEDULER": "off", "ATTN_HTTPS": "false", "ATTN_LOG_LEVEL": "ERROR", **env}
    child = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment(**ours))
    try:
        while not listens(port):
            time.sleep(0.05)
        yield port
    finally:
        child.terminate()
        child.wait(20)
