"""Absences over the API: asked for, seen, decided, with their evidence."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django.fixtures import Settings

from attendance.http_bodies import LARGEST_CALL
from courses.models import Absence, AbsenceEvidence
from courses.services.absences import decide_absence
from tests.support import absences as school
from tests.support.absences import (
    ASSISTANT,
    NOT_ON_ROSTER,
    OBSERVER,
    ON_ROSTER,
    OTHER_TEACHER,
    PDF,
    STAFF,
    TEACHER,
    SmallCourse,
    added_file,
    asked_absence,
)
from tests.support.callers import PASSWORD, Api, account
from tests.support.course_factories import AbsenceReasonFactory
from users.identity import Person

pytestmark = pytest.mark.django_db(transaction=True)

TIMES = {"starts_at": "2026-10-05T09:00:00+03:00", "ends_at": "2026-10-05T12:00:00+03:00"}
ASKED = {**TIMES, "reason": "ill"}
WHO: dict[str, Person | None] = {
    "nobody": None,
    "on roster": ON_ROSTER,
    "not on roster": NOT_ON_ROSTER,
    "assistant": ASSISTANT,
    "observer": OBSERVER,
    "teacher": TEACHER,
    "other teacher": OTHER_TEACHER,
    "staff": STAFF,
}


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.EVIDENCE_FOLDER = str(tmp_path)
    return tmp_path


@pytest.fixture
def course() -> SmallCourse:
    return school.made_course()


def send(person: Person, path: str, **fields: Any) -> Any:
    """A form with files."""
    return Api(person).client.post(f"/api/v1/{path}", fields)


def sent(name: str = "note.pdf", content: bytes = PDF) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


MATRIX: dict[tuple[str, str], tuple[Any, list[int]]] = {
    # In the order of WHO. The absence names the section of the teacher and nothing else.
    ("GET", "absences/{id}/"): (None, [401, 200, 404, 404, 404, 200, 404, 200]),
    ("POST", "absences/{id}/decision/"): (
        {"approve": True},
        [401, 403, 404, 404, 404, 200, 404, 200],
    ),
    ("POST", "absences/{id}/withdraw/"): ({}, [401, 200, 404, 404, 404, 403, 404, 200]),
    ("GET", "absences/{id}/evidence/{file}/"): (
        None,
        [401, 200, 404, 404, 404, 200, 404, 200],
    ),
    ("GET", "absences/"): (None, [401, *[200] * 7]),
    ("GET", "absence-reasons/"): (None, [401, *[200] * 7]),
}


@pytest.mark.parametrize(("method", "path"), MATRIX)
@pytest.mark.parametrize("who", WHO)
def test_who_may_what(method: str, path: str, who: str, course: SmallCourse) -> None:
    absence = asked_absence(course)
    file = added_file(absence)
    body, statuses = MATRIX[method, path]
    address = path.format(id=absence.pk, file=file.pk)
    answer = Api(WHO[who]).send(method, address, body)
    assert answer.status_code == statuses[list(WHO).index(who)], answer.content
    if answer.streaming:
        answer.close()


@pytest.mark.parametrize(
    ("who", "status"), list(zip(WHO, [401, 201, 404, 404, 404, 403, 404, 201], strict=True))
)
def test_who_may_add_a_file(who: str, status: int, course: SmallCourse) -> None:
    absence = asked_absence(course)
    answer = Api(WHO[who]).client.post(f"/api/v1/absences/{absence.pk}/evidence/", {"file": sent()})
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("who", "own", "for_student"),
    [
        ("nobody", 401, 401),
        ("on roster", 201, 201),
        ("not on roster", 201, 403),
        ("assistant", 201, 403),
        ("observer", 201, 403),
        ("teacher", 201, 201),
        ("other teacher", 201, 403),
        ("staff", 201, 201),
    ],
)
def test_who_may_ask(who: str, own: int, for_student: int, course: SmallCourse) -> None:
    assert Api(WHO[who]).post("absences/", ASKED).status_code == own
    for_other = {
        **ASKED,
        "school_number": ON_ROSTER.school_number,
        "sections": [course.section.pk],
    }
    assert Api(WHO[who]).post("absences/", for_other).status_code == for_student


@pytest.mark.parametrize(
    ("who", "seen", "decidable"),
    [
        ("on roster", 3, 0),
        ("not on roster", 0, 0),
        ("assistant", 0, 0),
        ("observer", 0, 0),
        ("teacher", 2, 1),
        ("other teacher", 2, 1),
        ("staff", 3, 3),
    ],
)
def test_who_sees_what(who: str, seen: int, decidable: int, course: SmallCourse) -> None:
    asked_absence(course)
    asked_absence(course, for_all=True)
    asked_absence(course._replace(section=course.other))
    results = Api(WHO[who]).get("absences/").json()["results"]
    assert len(results) == seen
    assert sum(each["can_decide"] for each in results) == decidable


def test_an_absence_is_asked_for_and_told(course: SmallCourse) -> None:
    body = {**ASKED, "note": " a cold ", "sections": [course.section.pk]}
    made = Api(ON_ROSTER).post("absences/", body)
    assert made.status_code == 201
    told = made.json()
    expected = {
        "person": {"school_number": "S-0001", "full_name": "Student 0001"},
        "starts_at": "2026-10-05T06:00:00Z",
        "ends_at": "2026-10-05T09:00:00Z",
        "is_for_all_sections": False,
        "sections": [{"id": course.section.pk, "code": "PHY-101", "title": "Physics"}],
        "note": "a cold",
        "state": "requested",
        "decided_by": None,
        "decided_at": None,
        "evidence": [],
    }
    assert {name: told[name] for name in expected} == expected
    assert told["reason"]["code"] == "ill"
    assert Api(ON_ROSTER).get(f"absences/{told['id']}/").json() == told


def test_an_absence_comes_with_its_files(course: SmallCourse, folder: Path) -> None:
    fields = {**ASKED, "sections": [course.section.pk, course.other.pk]}
    made = send(ON_ROSTER, "absences/", **fields, files=[sent(), sent("p.png", b"\xff\xd8\xff")])
    assert made.status_code == 201, made.content
    assert [file["kind"] for file in made.json()["evidence"]] == ["pdf", "jpeg"]
    assert len(made.json()["sections"]) == 2
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"ends_at": "2026-10-05T09:00:00+03:00"}, 400, "absence_backwards"),
        ({"ends_at": "2026-10-05T08:00:00+03:00"}, 400, "absence_backwards"),
        ({"ends_at": "2027-11-09T09:00:00+03:00"}, 400, "absence_too_long"),
        ({"starts_at": "2026-10-05T09:00:00"}, 400, "invalid_input"),
        ({"starts_at": "1999-10-05T09:00:00Z"}, 400, "invalid_input"),
        ({"sections": []}, 400, "invalid_input"),
        ({"sections": ["1"]}, 400, "invalid_input"),
        ({"sections": [2**62]}, 404, "section_not_found"),
        ({"reason": "none"}, 404, "absence_reason_not_found"),
        ({"reason": "office"}, 403, "reason_not_for_you"),
        ({"school_number": "S-0099"}, 403, "not_your_absence"),
        ({"school_number": "no number"}, 404, "user_not_found"),
        ({"note": "x" * 501}, 400, "invalid_input"),
        ({"state": "approved"}, 400, "invalid_input"),
    ],
)
def test_a_bad_request_has_its_code(
    changes: dict[str, Any], status: int, code: str, course: SmallCourse
) -> None:
    AbsenceReasonFactory(code="office", who_may_ask="staff")
    answer = Api(ON_ROSTER).post("absences/", {**ASKED, **changes})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert not Absence.objects.exists()


def test_an_absence_across_a_change_of_clocks_is_as_long_as_it_is(course: SmallCourse) -> None:
    """366 days of 24 hours, whatever clocks do in between."""
    whole = {"starts_at": "2026-03-01T00:00:00+01:00", "ends_at": "2027-03-02T00:00:00+01:00"}
    assert Api(ON_ROSTER).post("absences/", {**ASKED, **whole}).status_code == 201
    # By the clocks on the wall 366 days; an hour more, since the end is in winter.
    more = {"starts_at": "2026-05-01T00:00:00+02:00", "ends_at": "2027-05-02T00:00:00+01:00"}
    answer = Api(ON_ROSTER).post("absences/", {**ASKED, **more})
    assert answer.json()["code"] == "absence_too_long"


def test_the_same_request_again_is_the_same_absence(course: SmallCourse) -> None:
    caller = Api(ON_ROSTER, **{"Idempotency-Key": "phone-1"})
    first, again = (caller.post("absences/", ASKED) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    other = caller.post("absences/", {**ASKED, "ends_at": "2026-10-05T13:00:00+03:00"})
    assert (other.status_code, other.json()["code"]) == (409, "absence_asked_anew")


def test_a_refusal_says_why_and_a_decision_stands(course: SmallCourse) -> None:
    absence, teacher = asked_absence(course), Api(TEACHER)
    path = f"absences/{absence.pk}/decision/"
    silent = teacher.post(path, {"approve": False})
    assert (silent.status_code, silent.json()["code"]) == (400, "why_required")
    for _ in range(2):
        refused = teacher.post(path, {"approve": False, "why": "an exam"})
        assert refused.status_code == 200
    told = refused.json()
    assert (told["state"], told["decided_why"], told["can_decide"]) == ("refused", "an exam", False)
    assert told["decided_by"]["school_number"] == "T-1"
    assert teacher.post(path, {"approve": True}).json()["code"] == "absence_settled"
    strange: tuple[object, ...] = (1, "yes", None, [], "true")
    for approve in strange:
        assert teacher.post(path, {"approve": approve}).status_code == 400


def test_many_are_decided_at_once_each_for_itself(course: SmallCourse) -> None:
    own, every = asked_absence(course), asked_absence(course, for_all=True)
    foreign = asked_absence(course._replace(section=course.other))
    ids = [every.pk, own.pk, foreign.pk, 2**62]
    answer = Api(TEACHER).post("absences/decisions/", {"ids": ids, "approve": True})
    assert answer.status_code == 200
    assert [(each["id"], each["is_done"], each["code"]) for each in answer.json()["results"]] == [
        (every.pk, False, "not_your_absence"),
        (own.pk, True, ""),
        (foreign.pk, False, "absence_not_found"),
        (2**62, False, "absence_not_found"),
    ]
    assert Api(STAFF).post("absences/decisions/", {"ids": [], "approve": True}).status_code == 400
    refusal = {"ids": [own.pk], "approve": False}
    assert Api(TEACHER).post("absences/decisions/", refusal).json()["code"] == "why_required"
    many = {"ids": list(range(1, 102)), "approve": True}
    assert Api(STAFF).post("absences/decisions/", many).status_code == 400


def test_lists_are_filtered_and_paged(course: SmallCourse) -> None:
    made = [asked_absence(course, in_days=n) for n in range(1, 6)]
    decide_absence(absence_id=made[0].pk, approve=True, actor=account(STAFF))
    staff = Api(STAFF)

    def found(query: str) -> list[int]:
        answer = staff.get(f"absences/?{query}")
        assert answer.status_code == 200, answer.content
        return [each["id"] for each in answer.json()["results"]]

    assert found("state=approved") == [made[0].pk]
    assert found("school_number=s-0001&state=requested") == [each.pk for each in made[:0:-1]]
    assert found("school_number=S-0099") == found("school_number=no%20number") == []
    assert len(found(f"section={course.section.pk}")) == 5
    assert found(f"section={course.other.pk}") == []
    after = made[3].ends_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert found(f"from={after}") == [made[4].pk]
    before = made[1].starts_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert found(f"to={before}") == [made[0].pk]

    seen, address = [], "absences/?page_size=2"
    while address:
        page = staff.get(address).json()
        seen += [each["id"] for each in page["results"]]
        address = (page["next"] or "").partition("/api/v1/")[2]
    assert seen == [each.pk for each in reversed(made)]


def test_a_file_is_saved_and_never_shown(course: SmallCourse) -> None:
    absence = asked_absence(course)
    file = added_file(
        absence, name='Räpor "ı"\u202e.html', content=PDF + b"<script>alert(1)</script>"
    )
    path = f"absences/{absence.pk}/evidence/{file.pk}/"
    answer = Api(TEACHER).get(path, Accept="application/pdf")
    assert answer.status_code == 200
    assert b"".join(answer).startswith(PDF)
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == (
        "attachment; filename*=utf-8''R%C3%A4por%20%C4%B1.html.pdf"
    )
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == (
        "default-src 'none'; sandbox; frame-ancestors 'none'"
    )
    assert answer["Cache-Control"] == "private, no-store"
    assert Api(TEACHER).get(f"absences/{absence.pk}/evidence/0/").status_code == 404
    AbsenceEvidence.objects.update(removed_at=absence.requested_at)
    gone = Api(TEACHER).get(path)
    assert (gone.status_code, gone.json()["code"]) == (410, "evidence_removed")


def test_a_teacher_who_may_not_decide_reads_no_evidence(course: SmallCourse) -> None:
    absence = asked_absence(course, for_all=True)
    file = added_file(absence)
    told = Api(TEACHER).get(f"absences/{absence.pk}/").json()
    assert (told["can_decide"], told["evidence"]) == (False, None)
    answer = Api(TEACHER).get(f"absences/{absence.pk}/evidence/{file.pk}/")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_your_absence")


# A PNG that says it is 65,535 by 65,535 pixels: nobody here draws it.
BOMB = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\xff\xff\x00\x00\xff\xff\x08\x02\x00\x00\x00"


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("large.pdf", PDF.ljust(6 * 1024 * 1024, b"x"), 413, "evidence_too_large"),
        ("script.pdf", b"#!/bin/sh\nrm -r /\n", 415, "evidence_kind_refused"),
        ("page.pdf", b"<html><script>alert(1)</script>", 415, "evidence_kind_refused"),
        ("bomb.png", b"PK\x03\x04" + b"\x00" * 100, 415, "evidence_kind_refused"),
        ("empty.pdf", b"", 400, "evidence_empty"),
        ("bomb.png", BOMB, 201, ""),
    ],
)
def test_a_file_is_what_its_first_bytes_say(
    name: str, content: bytes, status: int, code: str, course: SmallCourse, folder: Path
) -> None:
    absence = asked_absence(course)
    answer = send(ON_ROSTER, f"absences/{absence.pk}/evidence/", file=sent(name, content))
    assert (answer.status_code, answer.json().get("code", "")) == (status, code), answer.content
    assert len(list(folder.iterdir())) == AbsenceEvidence.objects.count() == (status == 201)
    both = send(ON_ROSTER, "absences/", **ASKED, files=[sent(), sent(name, content)])
    assert both.status_code == status
    assert Absence.objects.count() == 1 + (status == 201)


def test_files_need_a_form_and_a_limit_stands_before_they_are_read(course: SmallCourse) -> None:
    absence = asked_absence(course)
    path = f"/api/v1/absences/{absence.pk}/evidence/"
    client = Api(ON_ROSTER).client
    assert client.post(path, {}, content_type="application/json").status_code == 415
    assert client.post(path, {}).json()["errors"][0]["field"] == "file"
    assert client.post(path, {"file": "a text"}).status_code == 400
    assert client.post(path, {"file": sent(), "more": "x"}).status_code == 400

    def large(where: str, size: int, kind: str) -> int:
        # The length alone is looked at: nothing is read.
        answer = client.generic("POST", where, b"{}", kind, CONTENT_LENGTH=str(size))
        return answer.status_code

    form = "multipart/form-data; boundary=x"
    assert large(path, 11 * 1024 * 1024, form) == 413
    assert large("/api/v1/absences/", 21 * 1024 * 1024, form) == 413
    assert large("/api/v1/absences/", LARGEST_CALL + 1, "application/json") == 413
    assert large("/api/v1/absences/decisions/", LARGEST_CALL + 1, form) == 413
    assert large("/api/v1/lessons/", LARGEST_CALL + 1, form) == 413


def test_a_session_sends_files_with_its_token_against_forgery(course: SmallCourse) -> None:
    account(ON_ROSTER, password=PASSWORD)
    absence = asked_absence(course)
    client = Client(enforce_csrf_checks=True)
    client.force_login(account(ON_ROSTER), "users.backends.AccountBackend")
    path = f"/api/v1/absences/{absence.pk}/evidence/"
    assert client.post(path, {"file": sent()}).json()["code"] == "csrf_failed"
    client.get("/me/")
    token = client.cookies["csrftoken"].value
    field = client.post(path, {"file": sent(), "csrfmiddlewaretoken": token})
    # The field is none of the API's; the header is the way.
    assert field.status_code == 400
    assert client.post(path, {"file": sent()}, headers={"X-CSRFToken": token}).status_code == 201


def test_what_anybody_types_as_an_id_is_not_there(course: SmallCourse) -> None:
    for strange in ("0", "9" * 30):
        assert Api(STAFF).get(f"absences/{strange}/").status_code == 404
        answer = Api(STAFF).post(f"absences/{strange}/decision/", {"approve": True})
        assert answer.status_code == 404


def test_reasons_say_who_may_ask(course: SmallCourse) -> None:
    AbsenceReasonFactory(code="duty", label="Duty", who_may_ask="staff", effect="counts_present")
    results = Api(ON_ROSTER).get("absence-reasons/").json()["results"]
    assert [(each["code"], each["who_may_ask"]) for each in results] == [
        ("duty", "staff"),
        ("ill", "student"),
    ]
