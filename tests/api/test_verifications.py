"""The external verifier: what it gets, what its verdict does, and what a stranger cannot do."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from attendance.live import client, keys, outbox, store
from attendance.models import AttendanceEvent, AttendanceRecord
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import LessonPlan, finish_lesson, start_lesson
from attendance.services.verifier import send_waiting
from attendance.vocabulary import Verdict
from tests.support.callers import Api
from tests.support.clock import Clock
from tests.support.lessons import TEACHER, student
from webhooks.signing import signature

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("totals_agree")]

SECRET = b"0123456789abcdef0123456789abcdef"


class Verifier(BaseHTTPRequestHandler):
    status = 200
    got: list[tuple[dict[str, str], bytes]]
    nonsense: dict[str, bytes]
    """By school number: what is answered instead of a status."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).got.append(({k.lower(): v for k, v in self.headers.items()}, body))
        answer = self.nonsense.get(json.loads(body)["data"]["school_number"])
        if answer is not None:
            self.wfile.write(answer)
            self.close_connection = True
            return
        self.send_response(type(self).status)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        return


@pytest.fixture
def verifier(settings: Any) -> Iterator[type[Verifier]]:
    """A real HTTP server in the place of the verifier."""
    Verifier.got, Verifier.status, Verifier.nonsense = [], 200, {}
    with HTTPServer(("127.0.0.1", 0), Verifier) as server:
        settings.VERIFIER_URL = f"http://127.0.0.1:{server.server_port}/"
        settings.VERIFIER_SECRET = SECRET
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Verifier
        server.shutdown()


def pending(late_after: int | None = None) -> tuple[Any, str]:
    """A lesson with one pending check-in, and the id of its verification."""
    plan = LessonPlan("Physics", minutes=30, checks=["external"], late_after_minutes=late_after)
    lesson = start_lesson(plan, teacher=TEACHER)
    told = Api(student(1)).post(f"lessons/{lesson.id}/check-in/").json()
    assert told["status"] == "pending"
    return lesson, f"{lesson.id}.S-0001.{told['revision']}"


def say(verification: str, body: Any, *, message: str = "msg-1", **changes: str) -> Any:
    if isinstance(body, dict):
        body = {"verification_id": changes.get("of", verification), **body}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    at = changes.get("timestamp", str(int(time.time())))
    headers = {
        "webhook-id": message,
        "webhook-timestamp": at,
        "webhook-signature": changes.get(
            "signature", f"v1,other {signature(message, at, raw, key=SECRET)}"
        ),
    }
    api = Api()
    path = f"/api/v1/verifications/{verification}/"
    return api.client.generic("POST", path, raw, "application/json", headers=headers)


ACCEPT = {"verdict": "accept"}


def test_a_check_in_is_posted_signed_and_once(verifier: type[Verifier]) -> None:
    lesson, verification = pending()

    assert (send_waiting(), send_waiting()) == (1, 0)

    ((headers, body),) = verifier.got
    data = json.loads(body)["data"]
    assert data["verification_id"] == headers["webhook-id"] == verification
    assert (data["school_number"], data["lesson_id"]) == ("S-0001", str(lesson.id))
    wanted = signature(headers["webhook-id"], headers["webhook-timestamp"], body, key=SECRET)
    assert headers["webhook-signature"] == wanted
    assert base64.b64decode(wanted.removeprefix("v1,"))


def test_what_the_verifier_does_not_take_is_sent_again(
    verifier: type[Verifier], clock: Clock
) -> None:
    pending()
    verifier.status = 500

    assert (send_waiting(), send_waiting()) == (0, 0)
    assert len(verifier.got) == 1
    clock.offset_ms = 2_500
    verifier.status = 204
    assert (send_waiting(), len(verifier.got)) == (1, 2)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"",
        b"HTTP/1.1 \r\n\r\n",
        b"HTTP/1.1 200 " + b"x" * 70_000,
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 307 Temporary Redirect\r\nLocation: file:///etc/passwd\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_an_answer_that_takes_nothing_holds_up_no_other_message(
    verifier: type[Verifier], answer: bytes
) -> None:
    lesson, _ = pending()
    for number in (2, 3):
        Api(student(number)).post(f"lessons/{lesson.id}/check-in/")
    verifier.nonsense = {"S-0002": answer}

    assert send_waiting() == 2

    paths = {json.loads(body)["data"]["school_number"] for _, body in verifier.got}
    assert paths == {"S-0001", "S-0002", "S-0003"}
    assert client.connection().hlen(keys.outbox(lesson.id)) == 1


def test_the_outbox_outlives_its_lesson(verifier: type[Verifier]) -> None:
    lesson, verification = pending()
    finish_lesson(lesson.id, actor=TEACHER)
    assert AttendanceRecord.objects.get().status == "pending"

    assert send_waiting() == 1

    assert say(verification, ACCEPT).json()["status"] == "present"
    assert AttendanceRecord.objects.get().status == "present"
    assert not client.connection().exists(keys.outbox(lesson.id))


def test_an_empty_outbox_of_an_old_lesson_is_left_out(
    verifier: type[Verifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson, _ = pending()
    finish_lesson(lesson.id, actor=TEACHER)
    send_waiting()
    outbox.tidy()
    assert client.connection().zcard(keys.OUTBOXES) == 1

    monkeypatch.setattr(outbox, "KEEP_EMPTY", timedelta(hours=-1))
    outbox.tidy()
    assert client.connection().zcard(keys.OUTBOXES) == 0


@pytest.mark.parametrize("is_stored", [False, True])
@pytest.mark.parametrize(
    ("body", "late_after", "status"),
    [
        (ACCEPT, None, "present"),
        (ACCEPT, 0, "late"),
        ({"verdict": "reject", "reason": "another face"}, None, "rejected"),
    ],
)
def test_a_verdict_decides_live_and_stored(
    verifier: type[Verifier], body: Any, late_after: int | None, status: str, is_stored: bool
) -> None:
    lesson, verification = pending(late_after)
    if is_stored:
        finish_lesson(lesson.id, actor=TEACHER)

    first, again = say(verification, body), say(verification, body)

    assert (first.status_code, first.json()["status"]) == (200, status)
    assert (again.status_code, again.json()) == (200, first.json())
    assert first.json()["source"] == "verifier"
    finish_lesson(lesson.id, actor=TEACHER)
    event = AttendanceEvent.objects.get(kind="record_verified")
    assert (event.old, event.new, event.source) == ("pending", status, "verifier")


@pytest.mark.parametrize("is_stored", [False, True])
def test_a_verdict_after_the_teacher_s_word_is_kept_in_the_history(
    verifier: type[Verifier], is_stored: bool
) -> None:
    lesson, verification = pending()
    number = verification.split(".")[1]
    Api(TEACHER).patch(
        f"lessons/{lesson.id}/records/{number}/", {"status": "absent", "reason": "not seen"}
    )
    if is_stored:
        finish_lesson(lesson.id, actor=TEACHER)

    for _ in range(2):
        answer = say(verification, ACCEPT)
        assert (answer.status_code, answer.json()["code"]) == (409, "already_settled")

    if not is_stored:
        finish_lesson(lesson.id, actor=TEACHER)
    record = AttendanceRecord.objects.get()
    assert (record.status, record.source) == ("absent", "teacher")
    claim = AttendanceEvent.objects.get(kind="record_claimed")
    assert (claim.old, claim.source) == ("absent", "verifier")


def test_another_verdict_on_the_same_check_in_is_refused(verifier: type[Verifier]) -> None:
    _, verification = pending()
    say(verification, ACCEPT)

    answer = say(verification, {"verdict": "reject"}, message="msg-2")

    assert (answer.status_code, answer.json()["code"]) == (409, "already_settled")


def test_a_teacher_who_was_faster_is_not_overruled(verifier: type[Verifier]) -> None:
    lesson, verification = pending()
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number="S-0001",
            verdict=Verdict.EXCUSE,
            actor=TEACHER,
            reason="ill",
        )
    )

    assert say(verification, ACCEPT).status_code == 409
    assert Api(student(1)).get(f"lessons/{lesson.id}/my-record/").json()["status"] == "excused"


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": "v1,AAAA"},
        {"signature": ""},
        {"seconds": -301},
        {"seconds": 400},
        {"timestamp": "soon"},
    ],
)
def test_a_wrong_signature_changes_nothing(
    verifier: type[Verifier], changes: dict[str, Any]
) -> None:
    lesson, verification = pending()
    if "seconds" in changes:
        changes = {"timestamp": str(int(time.time()) + changes["seconds"])}
    before = store.read_lesson(lesson.id).revision

    answer = say(verification, ACCEPT, **changes)

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_signature")
    assert store.read_lesson(lesson.id).revision == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"verdict": "perhaps"}, 422),
        ({}, 422),
        ({"verdict": "accept", "score": 1}, 422),
        ([], 422),
        (b"{", 422),
    ],
)
def test_a_malformed_verdict_changes_nothing(
    verifier: type[Verifier], body: Any, status: int
) -> None:
    lesson, verification = pending()

    assert say(verification, body).status_code == status
    assert store.read_lesson(lesson.id).revision == 2


def test_a_signed_verdict_decides_no_other_check_in(verifier: type[Verifier]) -> None:
    lesson, verification = pending()
    told = Api(student(2)).post(f"lessons/{lesson.id}/check-in/").json()
    other = f"{lesson.id}.S-0002.{told['revision']}"

    answer = say(other, ACCEPT, of=verification)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_verdict")
    assert answer.json()["errors"][0]["field"] == "verification_id"
    assert Api(student(2)).get(f"lessons/{lesson.id}/my-record/").json()["status"] == "pending"
    assert say(verification, ACCEPT).status_code == 200


@pytest.mark.parametrize(
    "verification", ["x", "x.S-0001.2", "01890000-0000-7000-8000-000000000000.S-0001.2"]
)
def test_a_verification_that_is_none_is_not_found(
    verifier: type[Verifier], verification: str
) -> None:
    assert say(verification, ACCEPT).json()["code"] == "verification_not_found"


def test_no_verdict_is_stored_as_such(verifier: type[Verifier]) -> None:
    lesson, _ = pending()
    finish_lesson(lesson.id, actor=TEACHER)

    row = AttendanceRecord.objects.get()

    assert row.status == "pending"
    assert "no verdict" in row.reason


def test_without_a_verifier_no_such_lesson_starts() -> None:
    body = {"lesson_name": "Physics", "minutes": 5, "checks": ["external"]}
    answer = Api(TEACHER).post("lessons/", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


@pytest.mark.parametrize("when", ["live", "stored"])
def test_one_message_id_decides_one_check_in(when: str, verifier: type[Verifier]) -> None:
    lesson, verification = pending()
    told = Api(student(2)).post(f"lessons/{lesson.id}/check-in/").json()
    if when == "stored":
        finish_lesson(lesson.id, actor=TEACHER)
    assert say(verification, ACCEPT).json()["status"] == "present"

    other = say(f"{lesson.id}.S-0002.{told['revision']}", ACCEPT)
    contrary = say(verification, {"verdict": "reject"})

    for answer in (other, contrary):
        assert (answer.status_code, answer.json()["code"]) == (409, "request_id_reused")
        assert "webhook-id" in answer.json()["detail"]
    assert say(verification, ACCEPT).status_code == 200
    again = say(f"{lesson.id}.S-0002.{told['revision']}", ACCEPT, message="msg-2")
    assert again.json()["status"] == "present"
