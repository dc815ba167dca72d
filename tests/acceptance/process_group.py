"""The servers that people use, as a process group of their own."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from tests.support.processes import environment
from tests.support.waiting import SECONDS

APP = """
import json, os, threading
from attn_project.wsgi import application as site


def application(environ, start_response):
    if environ["PATH_INFO"] != "/threads":
        return site(environ, start_response)
    names = [thread.name for thread in threading.enumerate()]
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"pid": os.getpid(), "threads": names}).encode()]
"""


@contextmanager
def serving(command: list[str], folder: Path, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server as a process group of its own, ended at the end."""
    (folder / "threads_app.py").write_text(APP)
    paths = os.pathsep.join([str(folder), str(settings.BASE_DIR)])
    full = environment(PYTHONPATH=paths, ATTN_HTTPS="false", NOTES=str(folder / "notes"), **env)
    with (folder / "server.log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, *command],
            cwd=settings.BASE_DIR,
            env=full,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield child
    finally:
        end_group(child)


def end_group(child: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(SECONDS)
            return
