"""Back, and another change in the same form: it is another request. A second click is none."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from attendance.live import store
from attendance.models import AttendanceEvent, AttendanceRecord
from attendance.selectors.registers import find_events, find_record
from attendance.services.lessons import finish_lesson
from tests.pages.visitors import signed_in
from tests.support.lessons import TEACHER, live_lesson, student
from tests.support.sections import section_lesson, section_of_today, user_of
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)

STAFF = Person("STAFF-1", "Staff 1", Role.STAFF)


def add(desk: Client, lesson_id: Any, number: str, name: str) -> int:
    given = {"school_number": number, "full_name": name, "request_id": "the-form"}
    return desk.post(f"/lessons/{lesson_id}/add/", given).status_code


def event_count(lesson_id: Any) -> int:
    return len(find_events(lesson_id).events)


@pytest.mark.parametrize("when", ["live", "stored"])
def test_back_and_bob_adds_bob_too(when: str) -> None:
    lesson, desk = live_lesson(1), signed_in(TEACHER)
    if when == "stored":
        finish_lesson(lesson.id, actor=TEACHER)
    before = event_count(lesson.id)

    assert [add(desk, lesson.id, "S-1001", "Alice") for _ in range(2)] == [302, 302]
    assert add(desk, lesson.id, "S-1002", "Bob") == 302

    names = [find_record(lesson.id, number) for number in ("S-1001", "S-1002")]
    assert [record.full_name for record in names if record] == ["Alice", "Bob"]
    assert event_count(lesson.id) == before + 2


@pytest.mark.parametrize("when", ["live", "stored"])
def test_back_and_another_verdict_is_said_too(when: str) -> None:
    lesson, desk = live_lesson(1), signed_in(TEACHER)
    if when == "stored":
        finish_lesson(lesson.id, actor=TEACHER)
    path, before = f"/lessons/{lesson.id}/records/S-0001/", event_count(lesson.id)

    def say(verdict: str, reason: str) -> int:
        record = find_record(lesson.id, "S-0001")
        given: dict[str, Any] = {"verdict": verdict, "reason": reason, "request_id": "the-form"}
        given |= {"expected_revision": seen if verdict == "late" else record.revision}  # type: ignore[union-attr]
        return desk.post(path, given).status_code

    seen = find_record(lesson.id, "S-0001").revision  # type: ignore[union-attr]
    assert [say("late", "tram") for _ in range(2)] == [302, 302]
    assert find_record(lesson.id, "S-0001").status == "late"  # type: ignore[union-attr]
    assert say("excuse", "ill") == 302
    assert find_record(lesson.id, "S-0001").status == "excused"  # type: ignore[union-attr]
    assert event_count(lesson.id) == before + 2


def test_minutes_of_a_form_are_added_once_and_those_of_another_button_too() -> None:
    lesson, desk = live_lesson(0), signed_in(TEACHER)
    page = desk.get(f"/lessons/{lesson.id}/")
    given = {
        "minutes": "5",
        "ends_at": page.context["ends_at_ms"],
        "request_id": f"{page.context['request_id']}-5",
    }
    assert f'name="ends_at" value="{given["ends_at"]}"' in page.content.decode()

    for _ in range(2):
        assert desk.post(f"/lessons/{lesson.id}/extend/", given).status_code == 302
    assert (store.read_lesson(lesson.id).ends_at - lesson.ends_at).total_seconds() == 300

    again = given | {"minutes": "15"}
    assert desk.post(f"/lessons/{lesson.id}/extend/", again).status_code == 302
    assert (store.read_lesson(lesson.id).ends_at - lesson.ends_at).total_seconds() == 900


def test_not_held_for_one_reason_then_for_another_after_it_was_taken_back() -> None:
    lesson, desk = live_lesson(0), signed_in(TEACHER)
    path = f"/lessons/{lesson.id}/"
    for reason in ("snow", "snow"):
        desk.post(f"{path}not-held/", {"reason": reason, "request_id": "n"})
    desk.post(f"{path}held/", {"request_id": "h"})
    desk.post(f"{path}not-held/", {"reason": "fire", "request_id": "n"})

    said = store.read_lesson(lesson.id).data.not_held
    assert said is not None
    assert said.reason == "fire"
    assert event_count(lesson.id) == 3


def test_a_row_is_marked_present_once_and_the_next_row_too() -> None:
    lesson, desk = section_lesson(section_of_today((1, 2))), signed_in(TEACHER)
    for number in (1, 1, 2):
        given = {"mark": f"accept {student(number).school_number}", "request_id": "rows"}
        assert desk.post(f"/lessons/{lesson.id}/mark/", given).status_code == 302

    assert event_count(lesson.id) == 2


def test_two_people_accept_one_attempt_and_both_words_are_kept() -> None:
    section = section_of_today((1,), teachers=(TEACHER, Person("T-2", "Teacher 2", Role.TEACHER)))
    lesson = section_lesson(section)
    for person in (TEACHER, Person("T-2", "Teacher 2", Role.TEACHER)):
        given = {"school_number": "S-9", "full_name": "Nine", "request_id": "accept-S-9-1"}
        answer = signed_in(person).post(f"/lessons/{lesson.id}/add/", given)
        assert answer.status_code == 302

    assert {event.actor.school_number for event in find_events(lesson.id).events} == {"T-1", "T-2"}


def test_back_and_another_lesson_names_the_one_that_is_live() -> None:
    desk = signed_in(TEACHER)
    given = {"lesson_name": "Physics", "minutes": "30", "request_id": "s"}
    boards = [desk.post("/lessons/start/", given).headers["Location"] for _ in range(2)]
    assert boards[0] == boards[1]

    other = desk.post("/lessons/start/", given | {"lesson_name": "Art"})
    assert other.status_code == 409
    assert "live lesson already" in other.content.decode()
    assert 'value="Art"' in other.content.decode()


def test_the_admin_adds_one_student_and_after_back_another(staff_client: Client) -> None:
    lesson = live_lesson(1)
    finish_lesson(lesson.id, actor=TEACHER)
    url = reverse("admin:attendance_add_student", args=[lesson.id])

    def typed(number: str, name: str) -> dict[str, str]:
        form = {"school_number": number, "full_name": name, "verdict": "accept", "reason": ""}
        return form | {"request_id": "the-form"}

    for number, name in (("S-1001", "Alice"), ("S-1001", "Alice"), ("S-1002", "Bob")):
        assert staff_client.post(url, typed(number, name)).status_code == 302
    assert AttendanceRecord.objects.count() == 3
    assert AttendanceEvent.objects.filter(kind="record_corrected").count() == 2


def test_who_changes_too_often_is_asked_to_wait_and_can_finish(
    settings: Any, staff_client: Client
) -> None:
    settings.CHANGES_PER_MINUTE = 1
    lesson, desk = live_lesson(1), signed_in(TEACHER)
    path = f"/lessons/{lesson.id}/"
    assert add(desk, lesson.id, "S-1001", "Alice") == 302

    given = {"school_number": "S-1002", "full_name": "Bob", "request_id": "other"}
    waiting = desk.post(f"{path}add/", given)
    assert (waiting.status_code, "Retry-After" in waiting) == (429, True)
    assert 'value="Bob"' in waiting.content.decode()
    verdict = {"verdict": "late", "reason": "tram", "request_id": "r", "minutes": "5"}
    for place in ("mark/", "everyone/", "extend/", "not-held/", "held/", "records/S-0001/"):
        assert desk.post(f"{path}{place}", given | verdict).status_code == 429
    before = event_count(lesson.id)
    assert desk.post(f"{path}finish/", {"request_id": "f"}).status_code == 302
    assert event_count(lesson.id) == before + 1

    url = reverse("admin:attendance_add_student", args=[lesson.id])
    form = {"full_name": "Carol", "verdict": "accept", "reason": "", "request_id": "a"}
    assert staff_client.post(url, form | {"school_number": "S-1003"}).status_code == 302
    second = staff_client.post(url, form | {"school_number": "S-1004"})
    assert "Too many attempts" in second.content.decode()


@pytest.fixture
def staff_client(client: Client) -> Client:
    user = user_of(STAFF)
    user.is_superuser = True
    user.save()
    client.force_login(user)
    return client
