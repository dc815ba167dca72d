"""An Idempotency-Key stands for one change of a lesson, whichever store has it."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from attendance.live import store
from attendance.services.check_in import check_in
from attendance.services.lessons import finish_lesson
from tests.support.callers import Api
from tests.support.lessons import TEACHER, live_lesson, student
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)

STAFF = Person("STAFF-1", "Staff 1", Role.STAFF)
KEY = {"Idempotency-Key": "one-key"}
LATE = {"status": "late", "reason": "tram"}


class TeacherAtTheApi:
    """A teacher at the API, and a lesson of theirs with three students."""

    def __init__(self) -> None:
        self.api, self.lesson = Api(TEACHER), live_lesson(3)
        self.path = f"lessons/{self.lesson.id}/"

    def say(self, number: int, body: Any = None, **headers: str) -> Any:
        return self.api.patch(self.record(number), body or LATE, **(headers or KEY))

    def record(self, number: int) -> str:
        return f"{self.path}records/{student(number).school_number}/"

    def move(self) -> None:
        finish_lesson(self.lesson.id, actor=TEACHER)

    def state(self) -> Any:
        parts = ("", "records/", "events/")
        return [self.api.get(f"{self.path}{part}").json() for part in parts]


@pytest.fixture(params=["live", "stored", "moved"])
def desk(request: pytest.FixtureRequest) -> TeacherAtTheApi:
    """A desk whose key stands for S-0001 being late, in that store, or stored afterwards."""
    made = TeacherAtTheApi()
    if request.param == "stored":
        made.move()
    assert made.say(1).status_code == 200
    if request.param == "moved":
        made.move()
    return made


def refused(desk: TeacherAtTheApi, answers: Iterable[Any]) -> None:
    for answer in answers:
        assert answer.status_code == 409, answer.content
        assert answer.json()["code"] == "request_id_reused"
        assert "new id" in answer.json()["detail"]


def test_the_same_change_again_has_the_first_answer(desk: TeacherAtTheApi) -> None:
    before = desk.state()
    assert desk.say(1).json() == desk.say(1).json()
    assert desk.say(1, **KEY, **{"If-Match": '"1"'}).status_code == 200
    assert desk.state() == before


def test_any_other_change_under_the_key_is_refused(desk: TeacherAtTheApi) -> None:
    before, api = desk.state(), desk.api
    later = (store.now() + timedelta(hours=2)).isoformat()

    refused(
        desk,
        [
            desk.say(2),
            desk.say(1, {"status": "late", "reason": "rain"}),
            desk.say(1, {"status": "excused", "reason": "tram"}),
            desk.say(1, {"undo": True}),
            api.put(desk.record(9), {"full_name": "Nine", "status": "present"}, **KEY),
            api.put(desk.record(2), {"full_name": "Two", "status": "present"}, **KEY),
            api.delete(desk.record(3), {"reason": "twice"}, **KEY),
            api.patch(desk.path, {"lesson_name": "Art"}, **KEY),
            api.patch(desk.path, {"lesson_name": "Physics"}, **KEY),
            api.patch(desk.path, {"ends_at": later}, **KEY),
            api.patch(desk.path, {"ends_at": later, "lesson_name": "Art"}, **KEY),
            api.post(f"{desk.path}not-held/", {"reason": "snow"}, **KEY),
            api.delete(f"{desk.path}not-held/", **KEY),
            api.post(f"{desk.path}finish/", **KEY),
            Api(STAFF).patch(desk.record(1), LATE, **KEY),
        ],
    )

    assert desk.state() == before
    assert desk.say(2, **{"Idempotency-Key": "another-key"}).json()["status"] == "late"


def test_two_new_students_under_one_key_are_one_and_a_refusal() -> None:
    for when in ("live", "stored"):
        desk = TeacherAtTheApi()
        if when == "stored":
            desk.move()
        first, other = (
            {"full_name": name, "status": "present"} for name in ("Student 8", "Student 9")
        )
        assert desk.api.put(desk.record(8), first, **KEY).status_code == 201
        assert desk.api.put(desk.record(8), first, **KEY).status_code == 200
        refused(
            desk,
            [
                desk.api.put(desk.record(9), other, **KEY),
                desk.api.put(desk.record(8), other, **KEY),
            ],
        )
        assert desk.api.get(desk.record(9).replace("records", "record")).status_code == 404
        if when == "live":
            desk.move()


def test_end_and_name_in_one_request_are_one_change() -> None:
    desk = TeacherAtTheApi()
    end = store.read_lesson(desk.lesson.id).ends_at + timedelta(minutes=10)
    both = {"ends_at": end.isoformat(), "lesson_name": "Art"}
    first = desk.api.patch(desk.path, both, **KEY).json()
    assert desk.api.patch(desk.path, both, **KEY).json()["revision"] == first["revision"]
    longer = (end + timedelta(minutes=10)).isoformat()

    before = desk.state()
    refused(
        desk,
        [
            desk.api.patch(desk.path, both | {"ends_at": longer}, **KEY),
            desk.api.patch(desk.path, both | {"lesson_name": "Music"}, **KEY),
            desk.api.patch(desk.path, {"lesson_name": "Art"}, **KEY),
            desk.api.patch(desk.path, {"ends_at": end.isoformat()}, **KEY),
            desk.api.post(f"{desk.path}finish/", **KEY),
        ],
    )
    assert desk.state() == before


def test_a_used_name_does_not_move_the_end() -> None:
    desk = TeacherAtTheApi()
    assert desk.api.patch(desk.path, {"lesson_name": "Art"}, **KEY).status_code == 200
    end = store.read_lesson(desk.lesson.id).ends_at + timedelta(minutes=10)

    refused(
        desk, [desk.api.patch(desk.path, {"ends_at": end.isoformat(), "lesson_name": "Art"}, **KEY)]
    )

    assert store.read_lesson(desk.lesson.id).ends_at == desk.lesson.ends_at


def test_a_start_under_the_key_of_another_lesson_is_refused() -> None:
    api, body = Api(TEACHER), {"lesson_name": "Physics", "minutes": 30}
    first = api.post("lessons/", body, **KEY)
    assert api.post("lessons/", body, **KEY).json()["id"] == first.json()["id"]

    answer = api.post("lessons/", body | {"lesson_name": "Art"}, **KEY)
    assert (answer.status_code, answer.json()["code"]) == (409, "request_id_reused")


def test_changes_are_limited_by_person_and_nothing_else_is(settings: Any) -> None:
    settings.CHANGES_PER_MINUTE = 3
    desk, colleague = TeacherAtTheApi(), Api(STAFF)
    key = {"Idempotency-Key": "k"}
    bodies = [{"status": "late", "reason": f"reason {n}"} for n in range(3)]
    for body in bodies:
        assert desk.say(1, body, **{"Idempotency-Key": body["reason"][-1]}).status_code == 200

    answers = [
        desk.say(2),
        desk.api.put(desk.record(2), {"full_name": "Two", "status": "present"}, **key),
        desk.api.delete(desk.record(2), {"reason": "twice"}, **key),
        desk.api.patch(desk.path, {"lesson_name": "Art"}, **key),
        desk.api.post(f"{desk.path}not-held/", {"reason": "snow"}, **key),
        desk.api.delete(f"{desk.path}not-held/", **key),
    ]

    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
        assert 1 <= int(answer["Retry-After"]) <= 60
    assert colleague.patch(desk.record(2), LATE).status_code == 200
    assert check_in(desk.lesson.id, student=student(7)).record.status == "present"
    assert desk.api.get(f"{desk.path}records/").status_code == 200
    assert desk.api.post(f"{desk.path}finish/", **key).json()["state"] == "discarded"
