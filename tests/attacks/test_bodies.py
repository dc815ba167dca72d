"""Bodies that are too large, of no known length, with files, or for no address."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from attendance.http_bodies import LARGEST_CALL, LARGEST_FORM
from tests.support.callers import Api, signed_in
from tests.support.lessons import TEACHER, live_lesson, student

pytestmark = pytest.mark.django_db(transaction=True)

JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def send(client: Client, path: str, length: int, kind: str = FORM, method: str = "POST") -> Any:
    return client.generic(method, path, b"x" * length, kind)


@pytest.mark.parametrize(
    "path",
    ["/accounts/login/", "/", "/lessons/start/", "/admin/login/", "/nowhere/", "/i18n/setlang/"],
)
def test_no_page_reads_a_large_body(path: str) -> None:
    for kind in (FORM, "multipart/form-data; boundary=x", JSON, "text/plain"):
        answer = send(Client(), path, LARGEST_FORM + 1, kind)
        assert answer.status_code == 413, (path, kind)
        assert "too large" in answer.content.decode()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/api/v1/lessons/", "/api/v1/nowhere/", "/api/nowhere", "/api/"])
def test_no_call_reads_a_large_body(method: str, path: str) -> None:
    answer = send(Client(), path, LARGEST_CALL + 1, JSON, method)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_call_in_chunks_is_not_taken_for_an_empty_one(method: str) -> None:
    lesson, api = live_lesson(1), Api(TEACHER)
    answer = api.client.generic(
        method,
        f"/api/v1/lessons/{lesson.id}/",
        headers={"Transfer-Encoding": "chunked"},
        CONTENT_LENGTH="",
    )
    assert (answer.status_code, answer.json()["code"]) == (411, "length_required")


def test_a_form_in_chunks_is_not_taken_for_an_empty_one() -> None:
    answer = Client().post(
        "/accounts/login/", headers={"Transfer-Encoding": "chunked"}, CONTENT_LENGTH=""
    )
    assert answer.status_code == 411
    assert "send it again" in answer.content.decode()


@pytest.mark.parametrize("path", ["/accounts/login/", "/lessons/start/", "/i18n/setlang/"])
def test_a_form_keeps_no_file(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.NamedTemporaryFile", _no_file)
    file = SimpleUploadedFile("large.bin", b"x" * 200_000)
    answer = signed_in(TEACHER).post(path, {"lesson_name": "Physics", "file": file})
    assert answer.status_code < 500
    assert not answer.wsgi_request.FILES


def _no_file(*args: Any, **kwargs: Any) -> None:
    raise AssertionError("a file was written")


def test_files_of_strangers_are_not_read() -> None:
    file = SimpleUploadedFile("doctor.pdf", b"%PDF-1.7 " + b"x" * 3_000_000)
    answer = Client().post("/me/absences/ask/", {"files": file})
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/accounts/login/?next=/me/absences/ask/"


@pytest.mark.parametrize(
    "path", ["/api/", "/api", "/api/v1/", "/api/v2/lessons/", "/api/v1/nowhere"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
def test_no_address_below_api_answers_with_a_page(path: str, method: str) -> None:
    answer = Client().generic(method, path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_call_without_the_last_slash_is_told_and_not_sent_on(method: str, settings: Any) -> None:
    for settings.DEBUG in (False, True):
        answer = Api(student(1)).client.generic(method, "/api/v1/lessons", b"{}", JSON)
        assert answer.status_code == 404
        assert "ends with a slash" in json.loads(answer.content)["detail"]


def test_a_look_without_the_last_slash_is_sent_on() -> None:
    answer = Client().get("/api/v1/lessons?search=a")
    assert (answer.status_code, answer.headers["Location"]) == (301, "/api/v1/lessons/?search=a")
