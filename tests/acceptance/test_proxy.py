"""The proxy of deploy/Caddyfile, tried on a real Caddy with site and stream behind it."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from knox.models import AuthToken

from attendance.services.check_in import check_in
from attendance.services.lessons import LessonPlan, start_lesson
from tests.support.callers import account
from tests.support.lessons import TEACHER, student
from tests.support.ports import free_port, listens
from tests.support.site import served
from tests.support.streaming import event, stream_of, streaming, ticket_for

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not shutil.which("caddy"), reason="These tests need Caddy: install Debian's package caddy."
    ),
]

CADDYFILE = Path(settings.BASE_DIR) / "deploy" / "Caddyfile"
# A certificate of its own, nothing outside this folder, and no second port.
AROUND = (
    "{",
    "admin off",
    "local_certs",
    "skip_install_trust",
    "auto_https disable_redirects",
    "}",
)


@contextmanager
def proxied(folder: Path) -> Iterator[int]:
    """Site and stream behind Caddy; returns its port."""
    port = free_port()
    with ExitStack() as stack:
        production = {
            "ATTN_HTTPS": "true",
            "ATTN_STAFF_MFA": "true",
            "ATTN_ALLOWED_HOSTS": "localhost",
            "ATTN_TRUSTED_PROXIES": "1",
            "ATTN_STREAM_URL": f"https://localhost:{port}/stream/",
        }
        stream = stack.enter_context(streaming(**production))
        site = stack.enter_context(served(**production))
        config = folder / "Caddyfile"
        config.write_text("\n".join([*AROUND, f"import {CADDYFILE}", ""]))
        where = {
            "ATTN_HOST": f"localhost:{port}",
            "ATTN_SITE": f"127.0.0.1:{site}",
            "ATTN_STREAM": f"127.0.0.1:{stream}",
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
        }
        command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(config)]
        with (folder / "caddy.log").open("wb") as log:
            child = subprocess.Popen(command, env={**os.environ, **where}, stderr=log)
        try:
            while not listens(port):
                assert child.poll() is None, (folder / "caddy.log").read_text()
                time.sleep(0.05)
            yield port
        finally:
            child.terminate()
            child.wait(20)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    with proxied(tmp_path) as found:
        yield found


def connect(port: int) -> HTTPSConnection:
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    return HTTPSConnection("localhost", port, timeout=20, context=trusting)


def ask(port: int, method: str, path: str, **headers: str) -> Any:
    with closing(connect(port)) as connection:
        body = "{}" if method == "POST" else None
        kind = {"Content-Type": "application/json"} if body else {}
        connection.request(method, path, body, {**kind, **headers})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def test_pages_come_by_tls_with_secure_cookies_and_strict_policies(port: int) -> None:
    status, headers, _ = ask(port, "GET", "/accounts/login/")
    assert status == 200
    assert "Secure" in headers["Set-Cookie"]
    assert "max-age=31536000" in headers["Strict-Transport-Security"]
    assert f"connect-src 'self' https://localhost:{port}" in headers["Content-Security-Policy"]


def test_the_proxy_speaks_http_2(port: int) -> None:
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    trusting.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("localhost", port), 20) as raw,
        trusting.wrap_socket(raw, server_hostname="localhost") as secure,
    ):
        assert secure.selected_alpn_protocol() == "h2"


def test_events_come_through_at_once(port: int) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    with closing(connect(port)) as connection:
        connection.request("GET", stream_of(lesson.id, ticket_for(lesson.id)))
        with closing(connection.getresponse()) as answer:
            assert answer.status == 200
            event(answer)
            check_in(lesson.id, student=student(1))
            # A proxy that gathers would answer when its buffer is full: never, here.
            assert event(answer)[0] == "changed"


def test_nobody_claims_another_address(port: int) -> None:
    plan = LessonPlan("Physics", minutes=45, checks=("network",), networks=("10.1.0.0/16",))
    lesson = start_lesson(plan, teacher=TEACHER)
    token = AuthToken.objects.create(user=account(student(1)))[1]
    status, _, body = ask(
        port,
        "POST",
        f"/api/v1/lessons/{lesson.id}/check-in/",
        **{"Authorization": f"Token {token}", "X-Forwarded-For": "10.1.2.3"},
    )
    assert (status, json.loads(body)["code"]) == (403, "network_not_allowed")
