"""Every example of the API's page is run as it stands, and every endpoint has one."""

import re
import shlex
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from knox.crypto import hash_token

from attendance.api.problems import STATUS
from attendance.api.views import documents
from attendance.errors import AttendanceError
from attendance.live.codes import code_at
from attendance.live.store import read_lesson
from attendance.services.lessons import LessonPlan, finish_lesson, start_lesson
from courses.errors import CourseError
from tests.api.endpoints import ENDPOINTS
from tests.support.absences import PDF, added_file, asked_absence, made_course
from tests.support.alarm_scenes import live_setting
from tests.support.callers import PASSWORD, Api, account
from tests.support.factories import LessonLedgerFactory, QuarantinedPayloadFactory
from tests.support.lessons import TEACHER, live_lesson, student
from tests.support.sections import section_lesson
from users.errors import UserError
from users.identity import Person, Role
from users.tokens import issue_token
from webhooks.signing import signature

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = (Path(settings.BASE_DIR) / "docs" / "reference" / "api.md").read_text()
EXAMPLES = re.findall(r"^\$ (curl .*)$", PAGE, re.MULTILINE)
# A payload that still cannot be read, and a lesson that is over by then.
EXPECTED = {"/retry/": 409}


def token_of(person: Person) -> str:
    return issue_token(account(person).pk).token


def form_of(fields: list[str]) -> dict[str, list[Any]]:
    """The fields of a form; one that begins with @ names a file."""
    form: dict[str, list[Any]] = {}
    for field in fields:
        name, _, value = field.partition("=")
        is_file = value.startswith("@")
        form.setdefault(name, []).append(SimpleUploadedFile(value[1:], PDF) if is_file else value)
    return form


def run(line: str, variables: dict[str, str]) -> Any:
    """One curl command, against the site in this process."""
    for name, value in sorted(variables.items(), reverse=True):
        line = line.replace(f"${name}", value)
    words = shlex.split(line)[1:]
    values: dict[str, list[str]] = {"": []}
    while words:
        word = words.pop(0)
        if word in {"-X", "-H", "-d", "-F"}:
            values.setdefault(word, []).append(words.pop(0))
        elif word != "-s":
            values[""].append(word)
    (address,) = values[""]
    headers = dict(header.split(": ", 1) for header in values.get("-H", []))
    parts = urlsplit(address)
    client = Client(headers=headers)
    if "-F" in values:
        return client.post(parts.path, form_of(values["-F"]))
    content = headers.get("Content-Type", "application/octet-stream")
    (method,), (body,) = values.get("-X", ["GET"]), values.get("-d", [""])
    return client.generic(method, f"{parts.path}?{parts.query}", body, content)


def test_every_example_works_in_the_order_of_the_page(settings: Any, tmp_path: Path) -> None:
    settings.EVIDENCE_FOLDER = str(tmp_path)
    settings.VERIFIER_URL, settings.VERIFIER_SECRET = "http://127.0.0.1:1/", b"0" * 32
    account(TEACHER, password=PASSWORD)
    plan = LessonPlan("Art", minutes=30, checks=["external"])
    verified = start_lesson(plan, teacher=Person("T-4", "Teacher 4", Role.TEACHER))
    pending = Api(student(2)).post(f"lessons/{verified.id}/check-in/").json()
    now = str(int(time.time()))
    second, other = (
        Person("T-2", "Teacher 2", Role.TEACHER),
        Person("T-3", "Teacher 3", Role.TEACHER),
    )
    lesson, done = live_lesson(0), live_lesson(1, teacher=other)
    data = read_lesson(lesson.id).data
    me = student(1)
    account(student(7)), account(student(8))
    receipt = Api(me).post(f"lessons/{done.id}/check-in/").json()["receipt"]
    course = made_course()
    absence, second_absence = (asked_absence(course, in_days=n) for n in (1, 2))
    office = Person("STAFF-1", "Staff 1", Role.STAFF)
    stored = section_lesson(course.section, [1], teacher=office)
    finish_lesson(stored.id, actor=office)
    verification = f"{verified.id}.{pending['school_number']}.{pending['revision']}"
    verdict = f'{{"verification_id": "{verification}", "verdict": "accept"}}'
    variables = {
        "STORED": str(stored.id),
        "LOST": str(LessonLedgerFactory(state="lost").lesson_id),
        "ABSENCE": str(absence.pk),
        "ANOTHER_ABSENCE": str(second_absence.pk),
        "SECTION": str(course.section.pk),
        "FILE": str(added_file(absence).pk),
        "SITE": "http://testserver",
        "TEACHER": token_of(TEACHER),
        "TEACHER_OF_DONE": token_of(other),
        "SECOND": token_of(second),
        "STUDENT": token_of(me),
        "OTHER_TOKEN": token_of(me),
        "TOKEN_ID": hash_token(token_of(me))[:16],
        "LEAVING": token_of(student(9)),
        "STAFF": token_of(office),
        "LESSON": str(lesson.id),
        "DONE": str(done.id),
        "CODE": code_at(data.secret, data.code_seconds, lesson.read_at).whole,
        "RECEIPT": receipt,
        "PAYLOAD": str(QuarantinedPayloadFactory().pk),
        "VERIFICATION": verification,
        "NOW": now,
        "SIGNATURE": signature("msg-1", now, verdict.encode(), key=settings.VERIFIER_SECRET),
    }

    with live_setting("appendfsync", "everysec"):
        for line in EXAMPLES:
            answer = run(line, variables)
            wanted = next((s for part, s in EXPECTED.items() if part in line), None)
            ok = answer.status_code == wanted if wanted else answer.status_code < 300
            assert ok, (line, answer.status_code, "" if answer.streaming else answer.content)
            answer.close()


@pytest.mark.parametrize(("pattern", "method"), ENDPOINTS, ids=lambda x: getattr(x, "name", x))
def test_every_endpoint_has_an_example(pattern: Any, method: str) -> None:
    path = re.sub(r"<\w+:\w+>", r"[^/ ]+", str(pattern.pattern))
    asked = rf'/api/v1/{path}[\s"?]'
    # An upper-case method stands after -X.
    # A form is sent by POST, and anything else by GET.
    used = {
        line: (re.findall(r"-X (\w+)", line) or ["POST" if " -F " in line else "GET"])[0]
        for line in EXAMPLES
    }
    own = [line for line in EXAMPLES if used[line] == method]
    assert any(re.search(asked, f"{line} ") for line in own)


def test_the_page_of_the_schema_has_nothing_inline_and_nothing_from_elsewhere() -> None:
    page = Client().get("/api/v1/docs/")
    policy = page["Content-Security-Policy"]
    html = page.content.decode()

    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\bon\w+=|\bstyle=", html)
    sources = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert sources
    assert all(source.startswith("/") and not source.startswith("//") for source in sources)
    for source in sources:
        answer = Client().get(source)
        assert answer.status_code == 200
        # A file is streamed: it is closed when it was read.
        assert b"".join(answer)
        answer.close()


def test_every_code_has_a_status() -> None:
    bases = (AttendanceError, CourseError, UserError)
    codes = {error.code for base in bases for error in base.__subclasses__()}
    assert codes - {"unreadable_file"} <= set(STATUS)


def test_the_schema_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    documents._document.cache_clear()
    made = []
    make = documents.SchemaGenerator.get_schema

    def counted(self: Any, **options: Any) -> Any:
        made.append(1)
        return make(self, **options)

    monkeypatch.setattr(documents.SchemaGenerator, "get_schema", counted)
    for _ in range(3):
        for language in ("en", "tr"):
            answer = Client().get("/api/v1/schema/", {"lang": language, "version": language})
            assert answer.status_code == 200
    assert Client().get("/api/v1/schema/?format=json").status_code == 200
    assert len(made) == 2
