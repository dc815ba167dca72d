"""Check-ins reach the verifier from a served site, also after a restart; mail and webhooks go."""

import base64
import json
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from attendance.live import client, keys
from attendance.services.lessons import LessonPlan, start_lesson
from jobs.models import Job
from tests.acceptance.process_group import serving
from tests.support.callers import account
from tests.support.job_kinds import send_letter
from tests.support.lessons import TEACHER, student
from tests.support.ports import free_port
from tests.support.smtp_server import environment_for, mail_server
from tests.support.subscriber import hangs, subscriber
from tests.support.waiting import wait_until
from users.tokens import issue_token
from webhooks.endpoints import EndpointPlan, add_endpoint
from webhooks.models import WebhookEvent
from webhooks.telling import Happening, tell
from webhooks.vocabulary import WebhookKind

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
COMMAND = ["-m", "gunicorn", "attn_project.wsgi:application", "--workers", "2", "--bind"]


class LateVerifier(BaseHTTPRequestHandler):
    got: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).got.append(json.loads(body)["data"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        return


@pytest.fixture
def verifier() -> Iterator[HTTPServer]:
    LateVerifier.got = []
    with HTTPServer(("127.0.0.1", 0), LateVerifier) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def check_in(port: int, lesson_id: UUID, token: str) -> int:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/lessons/{lesson_id}/check-in/",
        data=b"{}",
        headers={"Authorization": f"Token {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return int(answer.status)


def test_what_waited_over_a_restart_is_sent_once(
    tmp_path: Path, verifier: HTTPServer, settings: Any
) -> None:
    settings.VERIFIER_URL = "http://127.0.0.1:1/"
    plan = LessonPlan("Physics", minutes=30, checks=["external"])
    lesson = start_lesson(plan, teacher=TEACHER)
    token = issue_token(account(student(1)).pk).token
    # Without the persistence task in the site, the outbox is sent all the same.
    env = {
        "ATTN_SCHEDULER": "off",
        "ATTN_VERIFIER_SECRET": SECRET,
        "ATTN_ALLOWED_HOSTS": "127.0.0.1",
    }
    first, second = free_port(), free_port()

    # While this site runs, nobody is where the verifier should be.
    dead = {"ATTN_VERIFIER_URL": "http://127.0.0.1:1/", **env}
    with serving([*COMMAND, f"127.0.0.1:{first}"], tmp_path, **dead):
        wait_until(lambda: _answers(first), "the start of the site")
        assert check_in(first, lesson.id, token) == 201
    assert client.connection().hlen(keys.outbox(lesson.id)) == 1

    alive = {"ATTN_VERIFIER_URL": f"http://127.0.0.1:{verifier.server_port}/", **env}
    with serving([*COMMAND, f"127.0.0.1:{second}"], tmp_path, **alive):
        wait_until(lambda: LateVerifier.got, "the message")
        wait_until(lambda: not client.connection().exists(keys.outbox(lesson.id)), "its end")

    assert [each["school_number"] for each in LateVerifier.got] == ["S-0001"]


def test_mail_and_webhooks_leave_a_served_site_once_while_one_receiver_hangs(
    tmp_path: Path, settings: Any
) -> None:
    addresses = [f"s{number}@school.example" for number in range(12)]
    network = "127.0.0.0/8"
    settings.WEBHOOK_NETWORKS = [ip_network(network)]
    env = {"ATTN_SCHEDULER": "off", "ATTN_ALLOWED_HOSTS": "127.0.0.1"}
    env["ATTN_WEBHOOK_NETWORKS"] = network
    port = free_port()
    with mail_server(settings) as server, subscriber(hangs) as slow, subscriber() as quick:
        for each in (slow, quick):
            add_endpoint(EndpointPlan(f"at {each.port}", each.url, ["lesson.started"]))
        for number, address in enumerate(addresses):
            tell([Happening(WebhookKind.LESSON_STARTED, str(number), {"lesson_id": str(number)})])
            send_letter.enqueue(to=address)
        command = [*COMMAND, f"127.0.0.1:{port}"]
        with serving(command, tmp_path, **env, **environment_for(server)):
            wait_until(lambda: len(server.letters) >= len(addresses), "the mails")
            wait_until(lambda: len(quick.messages) >= len(addresses), "the webhooks")
            wait_until(lambda: not Job.objects.waiting().filter(lane="").exists(), "their end")
            assert 0 < len(slow.messages) < len(addresses)
            slow.close()
        assert sorted(str(each["To"]) for each in server.letters) == sorted(addresses)
        ids = sorted(each.headers["webhook-id"] for each in quick.messages)
        assert ids == sorted(WebhookEvent.objects.values_list("message_id", flat=True))


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
