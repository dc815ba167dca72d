"""The site as `./attn serve` runs it, with the rivals' views beside its own."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection

from django.conf import settings
from knox.models import AuthToken

from tests.support.processes import environment
from users.models import User

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
    app: str = "bench.wsgi:application",
    server: str = "gunicorn",
    **env: str,
) -> Iterator[int]:
    """Serve on a free port, and return it; the persistence task is left to the bench."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", server, *SERVERS[server], ADDRESS[server].format(port)]
    command += ["--workers", str(workers), app]
    ours = {"ATTN_SCHEDULER": "off", "ATTN_HTTPS": "false", "ATTN_LOG_LEVEL": "ERROR", **env}
    child = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment(**ours))
    try:
        while not _listens(port):
            time.sleep(0.05)
        yield port
    finally:
        child.terminate()
        child.wait(20)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def tokens_for(count: int) -> list[str]:
    """Accounts of as many students, and a token of each."""
    users = [User(school_number=f"B-{n:04}", full_name=f"Student {n:04}") for n in range(count)]
    return [AuthToken.objects.create(user=user)[1] for user in User.objects.bulk_create(users)]


class Caller:
    """One connection to the site that is kept open."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)

    def post(self, path: str, token: str) -> int:
        headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        return self._send("POST", path, headers, "{}")

    def get(self, path: str, token: str, etag: str = "") -> int:
        known = {"If-None-Match": etag} if etag else {}
        return self._send("GET", path, {"Authorization": f"Token {token}", **known})

    def etag_of(self, path: str, token: str) -> str:
        self._connection.request("GET", path, headers={"Authorization": f"Token {token}"})
        answer = self._connection.getresponse()
        answer.read()
        return answer.headers["ETag"]

    def close(self) -> None:
        self._connection.close()

    def _send(self, method: str, path: str, headers: dict[str, str], body: str = "") -> int:
        self._connection.request(method, path, body or None, headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which this part of them lies."""
    found = sorted(values)
    return found[min(int(len(found) * part), len(found) - 1)]
