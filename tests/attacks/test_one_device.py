"""One phone for many, and one person in two places: shown to the teacher, not judged."""

import re
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from attendance.live import client as live
from attendance.live import keys, store
from attendance.live.payloads import LiveLesson
from attendance.models import AttendanceRecord
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import LessonPlan, finish_lesson, start_lesson
from attendance.services.persistence import unified_persistence_task
from attendance.vocabulary import Verdict
from tests.support.callers import Api, signed_in, text_of
from tests.support.lessons import TEACHER, code_of, end, student
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)

OTHER_TEACHER = Person("T-2", "Teacher 2", Role.TEACHER)


def lesson_of(teacher: Person = TEACHER, **plan: Any) -> LiveLesson:
    return start_lesson(LessonPlan("Physics", minutes=45, **plan), teacher=teacher)


def mark_with(lesson: LiveLesson, device: str, *numbers: int) -> None:
    """These students press the button, one after the other, in one browser."""
    for number in numbers:
        browser = signed_in(student(number))
        browser.cookies["attn_browser"] = device
        browser.post(f"/lessons/{lesson.id}/here/")


def device_of(browser: Client) -> str:
    return browser.cookies["attn_browser"].value


def board_of(lesson: LiveLesson, who: Person = TEACHER) -> str:
    return text_of(signed_in(who).get(f"/lessons/{lesson.id}/"))


def test_one_phone_that_is_passed_on_is_seen_on_the_board_and_after_class() -> None:
    lesson = lesson_of()
    phone = signed_in(student(1))
    phone.get(f"/lessons/{lesson.id}/here/")
    mark_with(lesson, device_of(phone), 1, 2, 3)
    mark_with(lesson, "a" * 32, 4)

    page = board_of(lesson)
    assert page.count("One device with") == 3
    assert "One device with <bdi>Student 0002</bdi>, <bdi>Student 0003</bdi>" in page
    finish_lesson(lesson.id, actor=TEACHER)

    groups = AttendanceRecord.objects.order_by("school_number").values_list("device_group")
    assert [group for (group,) in groups] == [1, 1, 1, None]
    page = board_of(lesson)
    listed = page.partition("Marks from one device")[2].partition("</ul>")[0]
    assert re.findall(r"Student \d+", listed) == ["Student 0001", "Student 0002", "Student 0003"]
    assert "One device with <bdi>Student 0001</bdi>, <bdi>Student 0003</bdi>" in page


def test_browsers_of_their_own_are_no_group() -> None:
    lesson = lesson_of()
    for number in (1, 2, 3):
        phone = signed_in(student(number))
        phone.get(f"/lessons/{lesson.id}/here/")
        phone.post(f"/lessons/{lesson.id}/here/")
    assert len(set(live.connection().hvals(keys.devices(lesson.id)))) == 3
    finish_lesson(lesson.id, actor=TEACHER)
    assert "Marks from one device" not in board_of(lesson)
    assert not AttendanceRecord.objects.exclude(device_group=None).exists()


def test_the_cookie_is_random_and_no_script_reads_it(settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = True
    lesson = lesson_of(checks=("code",))
    link = f"/c/{lesson.data.short_code}/{code_of(lesson).whole}"
    one, other = Client(), Client()
    for browser in (one, other):
        browser.get(link)
    cookie = one.cookies["attn_browser"]
    assert re.fullmatch(r"[0-9a-f]{32}", cookie.value)
    assert cookie.value != device_of(other)
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, True, "Lax")
    assert cookie["max-age"] == timedelta(hours=12).total_seconds()
    one.get(link)
    assert device_of(one) == cookie.value


@pytest.mark.parametrize("value", ["", "x", "A" * 32, "0" * 33, "a" * 5_000])
def test_a_cookie_that_is_none_of_ours_is_no_device_and_no_fault(value: str) -> None:
    lesson = lesson_of()
    mark_with(lesson, value, 1, 2)
    assert store.read_lesson(lesson.id).record_count == 2
    assert not live.connection().exists(keys.devices(lesson.id))


def test_no_lesson_keeps_what_another_could_know_the_browser_by() -> None:
    one, other = lesson_of(), lesson_of(OTHER_TEACHER)
    device = "0123456789abcdef" * 2
    mark_with(one, device, 1, 2)
    mark_with(other, device, 3, 4)

    kept = [set(live.connection().hvals(keys.devices(each.id))) for each in (one, other)]
    assert [len(each) for each in kept] == [1, 1]
    assert not kept[0] & kept[1]
    raw = b"".join(live.connection().dump(keys.devices(one.id)) or b"" for _ in range(1))
    assert device.encode() not in raw
    assert sha256(device.encode()).hexdigest()[:16].encode() not in kept[0]


def test_the_live_store_forgets_devices_and_addresses_with_the_lesson() -> None:
    lesson = lesson_of()
    phone = signed_in(student(1))
    phone.defaults["REMOTE_ADDR"] = "203.0.113.77"
    phone.cookies["attn_browser"] = "b" * 32
    phone.post(f"/lessons/{lesson.id}/here/")
    held = b"".join(live.connection().dump(key) or b"" for key in keys.of_lesson(lesson.id))
    assert b"203.0.113.77" not in held
    finish_lesson(lesson.id, actor=TEACHER)
    assert not live.connection().exists(*keys.of_lesson(lesson.id))


def test_the_api_knows_the_browser_too_and_its_callers_none() -> None:
    lesson = lesson_of()
    for number in (1, 2):
        api = Api(student(number))
        api.client.cookies["attn_browser"] = "c" * 32
        assert api.post(f"lessons/{lesson.id}/check-in/").status_code == 201
    assert Api(student(3)).post(f"lessons/{lesson.id}/check-in/").status_code == 201
    assert board_of(lesson).count("One device with") == 2
    # What a device is, is told to nobody.
    register = Api(TEACHER).get(f"lessons/{lesson.id}/register/").content.decode()
    assert "device" not in register


def test_a_mark_that_was_taken_out_makes_no_group() -> None:
    lesson = lesson_of()
    mark_with(lesson, "d" * 32, 1, 2)
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number="S-0002",
            verdict=Verdict.DELETE,
            actor=TEACHER,
            reason="not here",
        )
    )
    assert "One device" not in board_of(lesson)
    finish_lesson(lesson.id, actor=TEACHER)
    assert "Marks from one device" not in board_of(lesson)


def test_a_key_of_another_type_holds_up_nothing() -> None:
    lesson = lesson_of()
    live.connection().set(keys.devices(lesson.id), "a string")
    mark_with(lesson, "e" * 32, 1, 2)
    assert "One device" not in board_of(lesson)
    finish_lesson(lesson.id, actor=TEACHER)
    assert AttendanceRecord.objects.count() == 2


def test_a_person_in_two_live_lessons_is_seen_on_both_boards() -> None:
    one, other = lesson_of(), lesson_of(OTHER_TEACHER)
    mark_with(one, "a" * 32, 1)
    mark_with(one, "b" * 32, 2)
    mark_with(other, "c" * 32, 1)
    cache.delete("attn:in-two-lessons")

    words = "Came to another lesson of the same time"
    assert board_of(one).count(words) == 1
    assert board_of(other, OTHER_TEACHER).count(words) == 1
    end(one.id)
    end(other.id, teacher=OTHER_TEACHER)
    unified_persistence_task()
    for lesson, who in ((one, TEACHER), (other, OTHER_TEACHER)):
        page = board_of(lesson, who)
        listed = page.partition(f"<h2>{words}</h2>")[2].partition("</ul>")[0]
        assert re.findall(r"Student \d+", listed) == ["Student 0001"]


def test_lessons_one_after_the_other_are_not_two_places() -> None:
    one = lesson_of()
    mark_with(one, "a" * 32, 1)
    finish_lesson(one.id, actor=TEACHER)
    other = lesson_of(OTHER_TEACHER)
    mark_with(other, "b" * 32, 1)
    cache.delete("attn:in-two-lessons")
    assert "Came to another lesson" not in board_of(other, OTHER_TEACHER)
    finish_lesson(other.id, actor=OTHER_TEACHER)
    for lesson, who in ((one, TEACHER), (other, OTHER_TEACHER)):
        assert "Came to another lesson" not in board_of(lesson, who)


def test_who_was_rejected_or_added_by_hand_was_not_in_two_places() -> None:
    one, other = lesson_of(), lesson_of(OTHER_TEACHER)
    mark_with(one, "a" * 32, 1, 2)
    mark_with(other, "b" * 32, 1)
    said = {
        "S-0001": (Verdict.REJECT, OTHER_TEACHER),
        "S-0002": (Verdict.ACCEPT, OTHER_TEACHER),
    }
    for number, (verdict, actor) in said.items():
        correct_record(
            Correction(
                lesson_id=other.id,
                school_number=number,
                full_name="Student",
                verdict=verdict,
                actor=actor,
                reason="seen",
            )
        )
    cache.delete("attn:in-two-lessons")
    assert "Came to another lesson" not in board_of(one)
