"""Lessons and registers over HTTP, wherever they live; lists without a query per row."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from attendance.live import client as live
from attendance.models import LessonLedger
from attendance.services.check_in import check_in
from attendance.services.lessons import finish_lesson
from tests.support.callers import Api
from tests.support.lessons import TEACHER, end, live_lesson, student
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)

STAFF = Person("STAFF-1", "Staff 1", Role.STAFF)


def teacher(number: int) -> Person:
    return Person(f"T-{number}", f"Teacher {number}", Role.TEACHER)


def test_a_lesson_lives_from_start_to_deletion_at_one_address() -> None:
    api = Api(TEACHER)
    body = {"lesson_name": "Physics", "minutes": 30, "late_after_minutes": 5}
    started = api.post("lessons/", body)
    assert started.status_code == 201
    path = f"lessons/{started.json()['id']}/"
    check_in(UUID(started.json()["id"]), student=student(1))

    later = (timezone.now() + timedelta(minutes=60)).isoformat()
    changed = api.patch(path, {"lesson_name": "Physics II", "ends_at": later}).json()
    finished, again = api.post(f"{path}finish/"), api.post(f"{path}finish/")

    assert started.json()["state"] == "live"
    assert (changed["lesson_name"], changed["revision"]) == ("Physics II", 4)
    assert finished.json() == again.json()
    told = finished.json()
    assert (told["state"], told["lesson_name"]) == ("discarded", "Physics II")
    assert told["counts"] == {
        **dict.fromkeys(("late", "absent", "excused", "pending", "rejected"), 0),
        "present": 1,
        "expected": None,
        "missing": None,
    }
    assert told["late_after_minutes"] == 5
    assert api.patch(path, {"lesson_name": "Physics III"}).json()["lesson_name"] == "Physics III"
    assert api.delete(path, {"reason": "a test"}).status_code == 204
    assert api.get(path).json()["is_deleted"]
    events = api.get(f"{path}events/").json()["results"]
    kinds = ["lesson_extended", "lesson_renamed", "lesson_finished"]
    assert [e["kind"] for e in events] == [*kinds, "lesson_renamed", "lesson_deleted"]
    assert events[1]["reason"] == "Physics → Physics II"


def test_a_second_start_names_the_first_and_the_same_key_repeats_it() -> None:
    api, body = Api(TEACHER), {"lesson_name": "Physics", "minutes": 30}
    first = api.post("lessons/", body, **{"Idempotency-Key": "once"})
    same = api.post("lessons/", body, **{"Idempotency-Key": "once"})
    other = api.post("lessons/", body)

    assert first.json()["id"] == same.json()["id"] == other.json()["lesson_id"]
    assert (other.status_code, other.json()["code"]) == (409, "lesson_already_live")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "lesson_name"),
        ({"lesson_name": 7}, "lesson_name"),
        ({"lesson_name": "a\0b"}, "lesson_name"),
        ({"lesson_name": "a\ud800"}, "lesson_name"),
        ({"lesson_name": "a", "minutes": "5"}, "minutes"),
        ({"lesson_name": "a", "minutes": True}, "minutes"),
        ({"lesson_name": "a", "minutes": 0}, "minutes"),
        ({"lesson_name": "a", "ends_at": "2026-02-30T10:00:00Z"}, "ends_at"),
        ({"lesson_name": "a", "ends_at": "2099-03-02T10:00:00"}, "ends_at"),
        ({"lesson_name": "a", "ends_at": "2001-03-02T10:00:00Z"}, "ends_at"),
        ({"lesson_name": "a", "checks": ["faces"]}, "checks.0"),
        ({"lesson_name": "a", "teacher": "T-9"}, "teacher"),
    ],
)
def test_a_wrong_field_is_named(body: Any, field: str) -> None:
    answer = Api(TEACHER).post("lessons/", body)
    assert answer.status_code == 400
    assert [each["field"] for each in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("raw", [b"[" * 9_000, b"\xff", b'{"a": NaN}', b"9" * 5_000])
def test_json_that_is_none_is_refused(raw: bytes) -> None:
    answer = Api(TEACHER).client.generic("POST", "/api/v1/lessons/", raw, "application/json")
    assert (answer.status_code, answer.json()["code"]) in {
        (400, "parse_error"),
        (400, "invalid_input"),
    }


def test_both_stores_are_in_one_list_and_paged_without_gaps() -> None:
    for number in range(1, 8):
        lesson = live_lesson(1, teacher=teacher(number), lesson_name=f"Lesson {number}")
        if number % 2:
            finish_lesson(lesson.id, actor=teacher(number))
    # PostgreSQL was away when this one began.
    LessonLedger.objects.filter(teacher_number="T-6").delete()
    api = Api(STAFF)

    seen: list[str] = []
    pages = []
    path: str | None = "lessons/?page_size=3"
    while path:
        page = api.get(path).json()
        pages.append(page)
        seen += [each["lesson_name"] for each in page["results"]]
        path = page["next"] and urlsplit(page["next"])._replace(scheme="", netloc="").geturl()[8:]

    assert seen == [f"Lesson {number}" for number in range(7, 0, -1)]
    assert [len(page["results"]) for page in pages] == [3, 3, 1]
    back = urlsplit(pages[1]["previous"])._replace(scheme="", netloc="").geturl()[8:]
    assert api.get(back).json()["results"] == pages[0]["results"]
    assert pages[0]["previous"] is None


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("state=live", ["Lesson 2"]),
        ("state=past", ["Lesson 1"]),
        ("state=ended", ["Lesson 3"]),
        ("search=lesson%202", ["Lesson 2"]),
        ("search=t-3", ["Lesson 3"]),
        ("from=2099-01-01T00:00:00Z", []),
        ("to=2099-01-01T00:00:00Z", ["Lesson 3", "Lesson 2", "Lesson 1"]),
        ("page_size=1000000", ["Lesson 3", "Lesson 2", "Lesson 1"]),
    ],
)
def test_a_list_is_filtered(query: str, names: list[str]) -> None:
    lessons = [live_lesson(1, teacher=teacher(n), lesson_name=f"Lesson {n}") for n in range(1, 4)]
    finish_lesson(lessons[0].id, actor=teacher(1))
    end(lessons[2].id, teacher=teacher(3))

    found = Api(STAFF).get(f"lessons/?{query}").json()["results"]

    assert [each["lesson_name"] for each in found] == names


def test_a_teacher_lists_own_lessons_only() -> None:
    live_lesson(1)
    live_lesson(1, teacher=teacher(2))
    found = Api(TEACHER).get("lessons/").json()["results"]
    assert [each["teacher"]["school_number"] for each in found] == ["T-1"]


def queries_of(api: Api, path: str) -> int:
    api.get(path)
    with CaptureQueriesContext(connection) as queries:
        assert api.get(path).status_code == 200
    return len(queries)


@pytest.mark.parametrize("is_stored", [False, True])
def test_a_register_of_40_and_of_400_takes_the_same_queries(is_stored: bool) -> None:
    counts = []
    for size, who in ((40, teacher(1)), (400, teacher(2))):
        lesson = live_lesson(size, teacher=who)
        if is_stored:
            finish_lesson(lesson.id, actor=who)
        counts.append(queries_of(Api(who), f"lessons/{lesson.id}/records/"))

    assert counts[0] == counts[1]
    # The ledger says where it lives; what is stored is the lesson and its records.
    assert counts[0] == (3 if is_stored else 1)


def test_lists_have_no_query_per_row() -> None:
    api, me = Api(STAFF), Api(student(1))
    counts = []
    for numbers in (range(1, 3), range(3, 13)):
        for number in numbers:
            lesson = live_lesson(2, teacher=teacher(number))
            if number % 2:
                finish_lesson(lesson.id, actor=teacher(number))
        counts.append(
            [queries_of(api, "lessons/"), queries_of(me, "me/records/"), queries_of(api, "runs/")]
        )
    assert counts[0] == counts[1]


def test_an_unchanged_register_is_one_read_of_redis() -> None:
    lesson, api = live_lesson(2), Api(TEACHER)
    path = f"lessons/{lesson.id}/records/"
    first = api.get(path)
    before = int(live.connection().info("commandstats")["cmdstat_evalsha"]["calls"])

    with CaptureQueriesContext(connection) as queries:
        again = api.get(path, **{"If-None-Match": first["ETag"]})

    after = int(live.connection().info("commandstats")["cmdstat_evalsha"]["calls"])
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert (len(queries), after - before) == (0, 1)
    check_in(lesson.id, student=student(3))
    assert api.get(path, **{"If-None-Match": first["ETag"]}).status_code == 200


@pytest.mark.parametrize("is_stored", [False, True])
def test_of_two_at_once_one_wins(is_stored: bool) -> None:
    lesson = live_lesson(1)
    if is_stored:
        finish_lesson(lesson.id, actor=TEACHER)
    callers = [Api(TEACHER), Api(STAFF)]
    path = f"lessons/{lesson.id}/records/S-0001/"
    tag = '"2"'

    def change(api: Api) -> Any:
        try:
            return api.patch(path, {"status": "late", "reason": "tram"}, **{"If-Match": tag})
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(change, callers))

    assert sorted(answer.status_code for answer in answers) == [200, 412]


@pytest.mark.parametrize("is_stored", [False, True])
def test_a_record_is_corrected_alike_before_and_after(is_stored: bool) -> None:
    lesson = live_lesson(1)
    if is_stored:
        finish_lesson(lesson.id, actor=TEACHER)
    api, path = Api(TEACHER), f"lessons/{lesson.id}/records/"

    added = api.put(f"{path}s-9/", {"full_name": "Student 9", "status": "late", "reason": "bus"})
    nothing = api.patch(f"{path}S-9/", {"status": "excused"})
    undone = api.patch(f"{path}S-0001/", {"undo": True})
    excused = api.patch(f"{path}S-9/", {"status": "excused", "reason": "ill"})
    back = api.patch(f"{path}S-9/", {"undo": True})
    gone = api.delete(f"{path}S-9/", {"reason": "not of this class"})

    assert (added.status_code, added.json()["school_number"]) == (201, "S-9")
    assert nothing.json()["code"] == "reason_required"
    assert undone.json()["code"] == "nothing_to_undo"
    assert (excused.json()["status"], back.json()["status"]) == ("excused", "late")
    assert gone.status_code == 204
    assert [r["school_number"] for r in api.get(path).json()["results"]] == ["S-0001"]
    everything = api.get(f"{path}?include_deleted=true").json()["results"]
    assert [r["is_deleted"] for r in everything] == [False, True]
    reasons = [e["reason"] for e in api.get(f"lessons/{lesson.id}/events/").json()["results"]]
    assert reasons[-1] == "not of this class"


def test_my_records_are_live_and_past_in_one_list() -> None:
    past = live_lesson(2, lesson_name="Past")
    finish_lesson(past.id, actor=TEACHER)
    live_lesson(2, lesson_name="Now")

    found = Api(student(1)).get("me/records/").json()["results"]

    assert [each["lesson"]["lesson_name"] for each in found] == ["Now", "Past"]
    assert {each["school_number"] for each in found} == {"S-0001"}


@pytest.mark.parametrize("path", ["lessons/?colour=red", "me/?x=1", "nowhere/", "lessons/7/"])
def test_what_nobody_offers_is_a_problem(path: str) -> None:
    answer = Api(STAFF).get(path)
    assert answer.status_code in {400, 404}
    assert answer["Content-Type"] == "application/problem+json"


def test_a_wrong_method_and_a_wrong_type_are_problems() -> None:
    api = Api(STAFF)
    answers = [
        api.post("me/"),
        api.get("lessons/", Accept="text/html"),
        api.client.generic("POST", "/api/v1/lessons/", b"a=b", "text/plain"),
        api.client.generic("POST", "/api/v1/lessons/", b"x" * 20_000, "application/json"),
    ]
    assert [each.status_code for each in answers] == [405, 406, 415, 413]
    assert {each["Content-Type"] for each in answers} == {"application/problem+json"}
