"""The proxy of deploy/Caddyfile, tried on a real Caddy with site and stream behind it."""

import json
import os
import re
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
BESIDE = "{\nadmin off\nlocal_certs\nskip_install_trust\nauto_https disable_redirects\n"


def _for_this_caddy(text: str) -> str:
    """The file with options for a test; before 2.7 Caddy had another word for buffers."""
    version = subprocess.run(
        ["caddy", "version"], capture_output=True, text=True, check=True
    ).stdout
    numbers = re.findall(r"\d+", version)
    if (int(numbers[0]), int(numbers[1])) < (2, 7):
        text = re.sub(r"request_buffers (\S+)", r"buffer_requests\nmax_buffer_size \1", text)
    return re.sub(r"^\{\n", BESIDE, text, count=1, flags=re.MULTILINE)


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
        config.write_text(_for_this_caddy(CADDYFILE.read_text()))
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


def test_half_sent_bodies_hold_no_thread_of_the_site(port: int) -> None:
    """As many as the site has threads, four times; each says that more will come."""
    half = (
        f"POST /accounts/login/ HTTP/1.1\r\nHost: localhost:{port}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 4000\r\n\r\nlogin="
    )
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with ExitStack() as stack:
        for _ in range(64):
            raw = stack.enter_context(socket.create_connection(("localhost", port), 20))
            secure = stack.enter_context(trusting.wrap_socket(raw, server_hostname="localhost"))
            secure.sendall(half.encode())
        time.sleep(1)
        statuses = {ask(port, "GET", "/accounts/login/")[0] for _ in range(20)}
    assert statuses == {200}


def test_a_body_that_no_page_takes_is_refused_at_the_proxy(port: int) -> None:
    with closing(connect(port)) as connection:
        connection.request("POST", "/accounts/login/", b"x" * 300_000)
        # Before 2.7, Caddy calls the body that it does not read an error of the site's.
        assert connection.getresponse().status in {413, 502}


def test_a_body_in_chunks_is_not_taken_for_an_empty_one(port: int) -> None:
    token = AuthToken.objects.create(user=account(TEACHER))[1]
    with closing(connect(port)) as connection:
        headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        body = (part for part in (b'{"lesson_name": ', b'"Physics", "minutes": 5}'))
        connection.request("POST", "/api/v1/lessons/", body, headers, encode_chunked=True)
        answer = connection.getresponse()
        assert (answer.status, json.load(answer)["code"]) == (411, "length_required")
