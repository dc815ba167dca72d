"""Who may what: every endpoint for everybody, from the addresses themselves."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.urls import URLPattern
from django.utils import timezone
from knox.models import AuthToken

from attendance.live.payloads import LiveLesson
from tests.api.endpoints import ENDPOINTS
from tests.support.absences import NOT_ON_ROSTER, added_file, asked_absence, made_course
from tests.support.callers import Api, account
from tests.support.factories import LessonLedgerFactory, QuarantinedPayloadFactory
from tests.support.lessons import TEACHER, live_lesson, student
from tests.support.members import (
    ASSISTANT,
    LEARNER,
    OBSERVER,
    OTHER_TEACHER,
    STAFF,
    section_with_everybody,
)
from users.tokens import issue_token

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = {
    "nobody": None,
    "student": student(2),
    "teacher": OTHER_TEACHER,
    "owner": TEACHER,
    "staff": STAFF,
    "assistant": ASSISTANT,
    "observer": OBSERVER,
    "learner": LEARNER,
}


class Rule(NamedTuple):
    """The status for each of PEOPLE.

    The student is on no roster, the teacher teaches something else, the owner started the
    lesson and teaches the section. Whoever has no status of their own here gets that of the
    student: assistant, observer and learner belong to the section, and are students elsewhere.
    """

    nobody: int
    student: int
    teacher: int
    owner: int
    staff: int
    body: Any = None
    assistant: int | None = None
    observer: int | None = None
    learner: int | None = None

    def status_for(self, who: str) -> int:
        own: int | None = getattr(self, who)
        return self.student if own is None else own


ANYONE = Rule(401, 200, 200, 200, 200)
# An assistant runs lessons, and this one is of no section.
OWN_LESSON = Rule(401, 403, 404, 200, 200, assistant=404)
# Not found for whoever does not belong to it; refused to those who belong and do not teach it.
OWN_SECTION = Rule(401, 404, 404, 200, 200, None, assistant=200, observer=403, learner=403)
STAFF_ONLY = Rule(401, 403, 403, 403, 200)
OPEN_SIGNED = Rule(401, 401, 401, 401, 401, {"verdict": "accept"})

ASK = {
    "starts_at": "2026-10-05T09:00:00Z",
    "ends_at": "2026-10-05T10:00:00Z",
    "reason": "ill",
}
# Of a student who is in none of these teachers' sections; tests/api/test_absences.py has those.
FOREIGN_ABSENCE = Rule(401, 404, 404, 404, 200)

RULES = {
    ("schema", "GET"): Rule(200, 200, 200, 200, 200),
    ("docs", "GET"): Rule(200, 200, 200, 200, 200),
    # A token makes no other token.
    ("tokens", "POST"): Rule(400, 400, 400, 400, 400, {}),
    ("tokens", "DELETE"): Rule(401, 204, 204, 204, 204),
    ("current-token", "DELETE"): Rule(401, 204, 204, 204, 204),
    ("me", "GET"): ANYONE,
    ("my-tokens", "GET"): ANYONE,
    # It is of somebody else.
    ("my-token", "DELETE"): Rule(401, 404, 404, 404, 404),
    ("my-records", "GET"): ANYONE,
    ("absence-reasons", "GET"): ANYONE,
    ("absences", "GET"): ANYONE,
    ("absences", "POST"): Rule(401, 201, 201, 201, 201, ASK),
    ("absence", "GET"): FOREIGN_ABSENCE,
    ("absence-decision", "POST"): FOREIGN_ABSENCE._replace(body={"approve": True}),
    ("absence-decisions", "POST"): ANYONE._replace(body={"ids": [1], "approve": True}),
    ("absence-withdraw", "POST"): FOREIGN_ABSENCE,
    # A file comes as a form.
    ("absence-evidence", "POST"): Rule(401, 415, 415, 415, 415, {}),
    ("absence-evidence-file", "GET"): FOREIGN_ABSENCE,
    ("lessons", "GET"): Rule(401, 403, 200, 200, 200, assistant=200),
    # The owner has a live lesson already.
    ("lessons", "POST"): Rule(401, 403, 201, 409, 201, {"lesson_name": "Art", "minutes": 5}),
    ("find-lessons", "GET"): ANYONE,
    ("lesson", "GET"): OWN_LESSON,
    ("lesson", "PATCH"): OWN_LESSON._replace(body={"lesson_name": "Art"}),
    # It is live: it cannot be flagged yet.
    ("lesson", "DELETE"): Rule(401, 403, 404, 409, 409, {"reason": "a test"}, assistant=404),
    ("finish", "POST"): OWN_LESSON,
    ("code", "GET"): OWN_LESSON,
    ("persist", "POST"): STAFF_ONLY,
    ("check-in", "POST"): Rule(401, 201, 403, 403, 403, {}),
    ("scans", "POST"): Rule(403, 403, 403, 403, 403, {"code": "AAAAAAAA"}),
    ("my-record", "GET"): Rule(401, 404, 404, 404, 404),
    ("records", "GET"): OWN_LESSON,
    ("record", "PUT"): OWN_LESSON._replace(body={"full_name": "Student 0001"}),
    ("record", "PATCH"): OWN_LESSON._replace(body={"status": "late", "reason": "tram"}),
    ("record", "DELETE"): Rule(401, 403, 404, 204, 204, {"reason": "a test"}, assistant=404),
    ("roster", "GET"): OWN_LESSON,
    # It is live, and of no section.
    ("add-expected", "POST"): Rule(
        401, 403, 403, 403, 404, {"school_number": "S-0001", "reason": "a test"}
    ),
    ("close-roster", "POST"): Rule(401, 403, 404, 404, 404, assistant=404),
    ("not-held", "POST"): OWN_LESSON._replace(body={"reason": "a test"}),
    ("not-held", "DELETE"): OWN_LESSON,
    ("events", "GET"): OWN_LESSON,
    ("refusals", "GET"): OWN_LESSON,
    ("receipts", "POST"): Rule(401, 400, 400, 400, 400, {"receipt": "none"}),
    ("merge", "POST"): STAFF_ONLY._replace(body={"into": "S-0002", "reason": "a test"}),
    # It was never merged.
    ("unmerge", "POST"): Rule(401, 403, 403, 403, 409, {"reason": "a test"}),
    ("sections", "GET"): ANYONE,
    ("section", "GET"): OWN_SECTION._replace(observer=200, learner=200),
    ("section-roster", "GET"): OWN_SECTION,
    ("section-lessons", "GET"): OWN_SECTION,
    ("recompute", "POST"): OWN_SECTION._replace(
        assistant=403, body={"from": "2026-10-05", "to": "2026-10-06"}
    ),
    ("policy", "GET"): OWN_SECTION,
    ("policy", "PUT"): OWN_SECTION._replace(assistant=403, body={"late_after_s": 600}),
    # What is in them is each caller's own: tests/pages/test_reports.py.
    ("reports", "GET"): ANYONE,
    ("report", "GET"): ANYONE,
    ("report-csv", "GET"): ANYONE,
    ("runs", "GET"): STAFF_ONLY,
    ("alarms", "GET"): STAFF_ONLY,
    ("alarm-acknowledge", "POST"): Rule(401, 403, 403, 403, 200, {"reason": "known"}),
    # It is not lost.
    ("settle-lost", "POST"): Rule(401, 403, 403, 403, 404, {"reason": "nothing more comes"}),
    ("quarantine", "GET"): STAFF_ONLY,
    # It cannot be read now either.
    ("retry", "POST"): Rule(401, 403, 403, 403, 409),
    ("discard", "POST"): STAFF_ONLY._replace(body={"reason": "a test"}),
    ("verification", "POST"): OPEN_SIGNED,
}


@pytest.fixture(autouse=True)
def evidence_folder(settings: Any, tmp_path: Path) -> None:
    settings.EVIDENCE_FOLDER = str(tmp_path)


def test_every_endpoint_has_a_rule_and_no_rule_is_left_over() -> None:
    assert {(each.name, method) for each, method in ENDPOINTS} == set(RULES)


def foreign_token_id() -> str:
    issue_token(account(student(1)).pk)
    return str(AuthToken.objects.values_list("digest", flat=True)[0][:16])


def path_of(pattern: URLPattern, lesson: LiveLesson) -> str:
    """An address with what it names, made where it is named."""
    # Always: whoever assists in any section runs lessons.
    section = section_with_everybody()
    named: dict[str, Callable[[], Any]] = {
        "<uuid:lesson_id>": lambda: lesson.id,
        "<str:school_number>": lambda: "S-0001",
        "<slug:key>": lambda: "marks",
        "<str:token_id>": foreign_token_id,
        "<str:verification_id>": lambda: f"{lesson.id}.S-0001.2",
        "<int:section_id>": lambda: section.pk,
        "<str:code>": code_of_an_alarm,
        "<int:payload_id>": lambda: QuarantinedPayloadFactory().pk,
    }
    path = str(pattern.pattern)
    for part, make in named.items():
        if part in path:
            path = path.replace(part, str(make()))
    course = made_course() if path.startswith("absences") else None
    if course and "<int:absence_id>" in path:
        absence = asked_absence(course, person=NOT_ON_ROSTER, for_all=True)
        path = path.replace("<int:absence_id>", str(absence.pk))
        if "<int:evidence_id>" in path:
            path = path.replace("<int:evidence_id>", str(added_file(absence).pk))
    return path


def code_of_an_alarm() -> str:
    LessonLedgerFactory(ends_at=timezone.now() - timedelta(minutes=20))
    return "lesson_late"


# Reading leaves everything as it is, so all read of one school; each change has its own.
CALLS = [
    pytest.param(pattern, method, people, id=f"{pattern.name}-{method}-{'-'.join(people)}")
    for pattern, method in ENDPOINTS
    for people in ([tuple(PEOPLE)] if method == "GET" else [(who,) for who in PEOPLE])
]


@pytest.mark.parametrize(("pattern", "method", "people"), CALLS)
def test_an_endpoint_answers_by_who_calls(
    pattern: URLPattern, method: str, people: tuple[str, ...]
) -> None:
    rule = RULES[(pattern.name or "", method)]
    for person in (STAFF, student(1), student(2)):
        account(person)
    path = path_of(pattern, live_lesson(1))
    for who in people:
        answer = Api(PEOPLE[who]).send(method, path, rule.body)

        assert answer.status_code == rule.status_for(who), (who, answer)
        if answer.streaming:
            answer.close()
        if answer.status_code >= 400:
            assert answer["Content-Type"] == "application/problem+json"
            assert {"type", "title", "status", "detail", "code"} <= set(answer.json())


@pytest.mark.parametrize(("pattern", "method"), ENDPOINTS, ids=lambda x: getattr(x, "name", x))
def test_reading_changes_nothing(pattern: URLPattern, method: str) -> None:
    if method != "GET":
        return
    from django.db import connection

    from tests.support.lessons import redis_state

    account(STAFF)
    path = path_of(pattern, live_lesson(1))
    caller = Api(STAFF)
    caller.get(path).close()
    before = redis_state()
    statements: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        caller.get(path).close()

    assert redis_state() == before
    changing = [
        sql
        for sql in statements
        # That a file was taken out is written down: docs/security.md.
        if not sql.lstrip("( \n").upper().startswith(("SELECT", "INSERT INTO USERS_SECURITYEVENT"))
    ]
    assert changing == []
