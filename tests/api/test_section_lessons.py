"""Lessons of a section over the API: starting, joining, who is expected, what was not held."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from attendance.models import AttendanceRecord
from attendance.services.lessons import finish_lesson
from tests.support.callers import Api, account
from tests.support.lessons import TEACHER, student
from tests.support.sections import enrol, section_lesson, section_of_today
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)

STAFF = Person("STAFF-1", "Staff 1", Role.STAFF)
SECOND = Person("T-2", "Teacher 2", Role.TEACHER)
FOREIGN = Person("T-9", "Teacher 9", Role.TEACHER)
ASSISTANT = Person("A-1", "Assistant 1")
OBSERVER = Person("O-1", "Observer 1")


@pytest.fixture
def section() -> Any:
    made = section_of_today([1, 2, 3], teachers=[TEACHER, SECOND], code="PHY-101", title="Physics")
    enrol(made, ASSISTANT, "assistant")
    enrol(made, OBSERVER, "observer")
    return made


@pytest.mark.parametrize("key", ["id", "code", "text"])
def test_a_section_is_named_by_its_id_or_its_code(section: Any, key: str) -> None:
    value = {"id": section.pk, "code": "phy-101", "text": str(section.pk)}[key]
    answer = Api(TEACHER).post("lessons/", {"section": value, "minutes": 30})

    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert told["lesson_name"] == "Physics"
    assert (told["section"]["id"], told["section"]["code"]) == (section.pk, "PHY-101")
    assert told["rule"] == {"opens_before_s": 0, "late_after_s": None, "absent_after_s": None}
    assert (told["counts"]["expected"], told["counts"]["missing"]) == (3, 3)


@pytest.mark.parametrize("value", [True, None, [], "", "x" * 65, 0.5, {}])
def test_what_names_no_section_is_refused(section: Any, value: Any) -> None:
    answer = Api(TEACHER).post("lessons/", {"section": value, "minutes": 30})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "section"


def test_an_unknown_section_is_not_found(section: Any) -> None:
    for value in ("NONE", 10**9):
        answer = Api(TEACHER).post("lessons/", {"section": value})
        assert (answer.status_code, answer.json()["code"]) == (404, "section_not_found")


def test_an_archived_section_says_so(section: Any) -> None:
    section.archived_at = timezone.now()
    section.save()
    account(STAFF)
    for person in (TEACHER, ASSISTANT, STAFF):
        answer = Api(person).post("lessons/", {"section": "PHY-101"})
        assert (answer.status_code, answer.json()["code"]) == (409, "section_archived")
    account(FOREIGN)
    assert Api(FOREIGN).post("lessons/", {"section": "PHY-101"}).status_code == 404


def test_a_lesson_whose_section_is_archived_meanwhile_is_stored_with_its_absences(
    section: Any,
) -> None:
    lesson = section_lesson(section, [1])
    section.archived_at = timezone.now()
    section.save()
    finish_lesson(lesson.id, actor=TEACHER)
    assert AttendanceRecord.objects.filter(source="system").count() == 2


def test_a_second_start_answers_200_with_the_same_lesson(section: Any) -> None:
    first = Api(TEACHER).post("lessons/", {"section": "PHY-101", "minutes": 30})
    for person in (SECOND, ASSISTANT, TEACHER):
        again = Api(person).post("lessons/", {"section": "PHY-101", "minutes": 30})
        assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])


@pytest.mark.parametrize(
    ("person", "status"),
    [(OBSERVER, 403), (student(1), 403), (student(9), 403), (FOREIGN, 404), (STAFF, 201)],
    ids=["observer", "on the roster", "not on it", "another teacher", "staff"],
)
def test_who_starts_a_lesson_of_a_section(section: Any, person: Person, status: int) -> None:
    account(person)
    answer = Api(person).post("lessons/", {"section": section.pk, "minutes": 30})
    assert answer.status_code == status, answer.content


WHO = {
    "teacher": (TEACHER, 200),
    "second": (SECOND, 200),
    "assistant": (ASSISTANT, 200),
    "staff": (STAFF, 200),
    "foreign": (FOREIGN, 404),
    "observer": (OBSERVER, 403),
    "on the roster": (student(1), 403),
    "not on it": (student(9), 403),
}
READS = ["", "records/", "roster/", "events/", "refusals/", "code/"]


@pytest.mark.parametrize("who", WHO)
def test_who_sees_and_changes_a_lesson_of_a_section(section: Any, who: str) -> None:
    person, status = WHO[who]
    account(person)
    lesson, api = section_lesson(section, [1]), Api(person)
    path = f"lessons/{lesson.id}/"

    for read in READS:
        assert api.get(path + read).status_code == status, read
    late = {"status": "late", "reason": "tram"}
    assert api.patch(f"{path}records/S-0001/", late).status_code in {status, 404}
    assert api.post(f"{path}not-held/", {"reason": "ill"}).status_code == status
    assert api.delete(f"{path}not-held/").status_code == status
    assert api.post(f"{path}finish/").status_code == status


def test_an_assistant_deletes_nothing(section: Any) -> None:
    lesson = section_lesson(section, [1])
    finish_lesson(lesson.id, actor=ASSISTANT)
    path = f"lessons/{lesson.id}/"
    assert Api(ASSISTANT).delete(path, {"reason": "a test"}).status_code == 404
    assert Api(SECOND).delete(path, {"reason": "a test"}).status_code == 204


@pytest.mark.parametrize("is_stored", [False, True])
def test_everybody_expected_is_listed_with_their_record_or_null(
    section: Any, is_stored: bool
) -> None:
    lesson = section_lesson(section, [1, 9])
    if is_stored:
        finish_lesson(lesson.id, actor=TEACHER)

    api = Api(TEACHER)
    people = api.get(f"lessons/{lesson.id}/roster/").json()["results"]
    told = api.get(f"lessons/{lesson.id}/").json()["counts"]
    records = api.get(f"lessons/{lesson.id}/records/").json()["results"]

    assert [p["school_number"] for p in people] == ["S-0001", "S-0002", "S-0003"]
    assert people[0]["record"]["status"] == "present"
    missing = {"status": "absent", "source": "system"}
    for person in people[1:]:
        if is_stored:
            assert missing.items() <= person["record"].items()
        else:
            assert person["record"] is None
    assert (told["expected"], told["missing"]) == (3, 2)
    expected = {r["school_number"]: r["is_expected"] for r in records}
    assert (expected["S-0001"], expected["S-0009"]) == (True, False)


def test_a_lesson_that_was_not_held_has_no_absences_and_can_be_taken_back(section: Any) -> None:
    lesson, api = section_lesson(section, [1]), Api(TEACHER)
    path = f"lessons/{lesson.id}/"
    assert not api.post(f"{path}not-held/", {"reason": "fire alarm"}).json()["is_held"]
    refused = Api(student(2)).post(f"{path}check-in/")
    assert (refused.status_code, refused.json()["code"]) == (409, "lesson_not_held")
    api.post(f"{path}finish/")
    assert not AttendanceRecord.objects.filter(source="system").exists()

    back = api.delete(f"{path}not-held/").json()

    assert (back["is_held"], back["counts"]["missing"]) == (True, 2)
    again = api.post(f"{path}not-held/", {"reason": "fire alarm"}).json()
    assert (again["is_held"], again["counts"]["absent"]) == (False, 0)
    assert api.delete(f"{path}not-held/").json()["counts"]["absent"] == 2
    kinds = [e["kind"] for e in api.get(f"{path}events/").json()["results"]]
    assert kinds.count("lesson_not_held") == 2
    assert kinds.count("lesson_held") == 2


def test_staff_adds_somebody_to_a_past_register(section: Any) -> None:
    lesson = section_lesson(section, [1])
    finish_lesson(lesson.id, actor=TEACHER)
    account(student(8))
    path, body = f"lessons/{lesson.id}/roster/add/", {"school_number": "s-0008", "reason": "late"}

    assert Api(TEACHER).post(path, body).status_code == 403
    for _ in range(2):
        record = Api(STAFF).post(path, body).json()
        assert (record["status"], record["is_expected"]) == ("absent", True)
    events = Api(STAFF).get(f"lessons/{lesson.id}/events/").json()["results"]
    assert [e["kind"] for e in events].count("roster_added") == 1


def test_an_arrival_is_worth_what_the_rule_says(section: Any) -> None:
    from tests.support.sections import set_rule

    set_rule(section, late_after_s=300, absent_after_s=600)
    lesson, api = section_lesson(section, minutes=60), Api(TEACHER)
    path = f"lessons/{lesson.id}/records/S-0002/"
    for seconds, status in ((299, "present"), (300, "late"), (600, "absent")):
        at = (lesson.starts_at + timedelta(seconds=seconds)).isoformat()
        told = api.put(path, {"full_name": "Student 0002", "arrived_at": at}).json()
        assert (told["status"], told["checked_in_at"] is None) == (status, False)
    for seconds in (-1, 3600):
        at = (lesson.starts_at + timedelta(seconds=seconds)).isoformat()
        answer = api.patch(path, {"arrived_at": at})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


def test_a_word_of_lower_rank_is_kept_and_changes_nothing(section: Any) -> None:
    lesson = section_lesson(section, [1])
    path = f"lessons/{lesson.id}/records/S-0001/"
    for is_stored in (False, True):
        Api(STAFF).patch(path, {"status": "excused", "reason": "a letter"})
        told = Api(TEACHER).patch(path, {"status": "absent", "reason": "not seen"}).json()
        assert (told["status"], told["source"], told["reason"]) == ("excused", "staff", "a letter")
        if not is_stored:
            finish_lesson(lesson.id, actor=TEACHER)
    events = Api(TEACHER).get(f"lessons/{lesson.id}/events/").json()["results"]
    claims = [e for e in events if e["kind"] == "record_claimed"]
    assert [(e["old"], e["new"], e["reason"]) for e in claims] == [
        ("excused", "absent", "not seen")
    ] * 2


@pytest.mark.parametrize("verdict", ["absent", "excused", "present"])
def test_an_arrival_is_kept_beside_the_word_of_a_teacher(section: Any, verdict: str) -> None:
    lesson = section_lesson(section)
    path = f"lessons/{lesson.id}/"
    body = {"full_name": "Student 0002", "status": verdict, "reason": "roll call"}
    Api(TEACHER).put(f"{path}records/S-0002/", body)

    first = Api(student(2)).post(f"{path}check-in/")
    again = Api(student(2)).post(f"{path}check-in/")

    assert (first.json()["status"], first.json()["source"]) == (verdict, "teacher")
    assert first.json()["checked_in_at"] == again.json()["checked_in_at"] is not None
    Api(TEACHER).post(f"{path}finish/")
    row = AttendanceRecord.objects.get(student__school_number="S-0002")
    assert (row.status, row.source) == (verdict, "teacher")
    assert row.checked_in_at is not None
    kinds = [e["kind"] for e in Api(TEACHER).get(f"{path}events/").json()["results"]]
    assert kinds == ["record_corrected", "record_arrived", "lesson_finished"]
