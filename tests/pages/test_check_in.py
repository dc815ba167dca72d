"""A student's way in: the link of the QR code, a typed code, the button, the result."""

from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client

from attendance.live import client, keys, store
from attendance.models import AttendanceRecord
from attendance.selectors.screens import find_code
from attendance.services import receipts
from attendance.services.lessons import LessonPlan, finish_lesson, start_lesson
from attendance.services.records import Correction, correct_record
from attendance.vocabulary import Verdict
from tests.lessons import TEACHER
from tests.pages.test_home import STUDENT, signed_in
from users.identity import Person

pytestmark = pytest.mark.django_db(transaction=True)


def start(*checks: str, **plan: Any) -> Any:
    return start_lesson(LessonPlan("Physics", minutes=45, checks=checks, **plan), teacher=TEACHER)


def link_of(lesson: Any) -> str:
    shown = find_code(lesson.id)
    return f"/C/{shown.short_code}/{shown.code.whole}"


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_the_link_marks_nothing_and_the_button_does() -> None:
    lesson, phone = start("code"), signed_in(STUDENT)
    page = phone.get(link_of(lesson), follow=True)
    assert "I am here" in text_of(page)
    assert store.read_lesson(lesson.id).record_count == 0

    done = phone.post(f"/lessons/{lesson.id}/here/", follow=True)
    assert "You are here" in text_of(done)
    assert STUDENT.full_name in text_of(done)
    assert store.read_lesson(lesson.id).record_count == 1


def test_pressed_again_it_says_when_it_was() -> None:
    lesson, phone = start(), signed_in(STUDENT)
    for _ in range(2):
        done = phone.post(f"/lessons/{lesson.id}/here/", follow=True)
    assert "You had checked in already, at" in text_of(done)
    assert store.read_lesson(lesson.id).record_count == 1


def test_who_has_to_sign_in_first_keeps_the_scan() -> None:
    lesson, phone = start("code"), Client()
    phone.get(link_of(lesson))
    asked = phone.get(f"/lessons/{lesson.id}/here/")
    assert asked.headers["Location"] == f"/accounts/login/?next=/lessons/{lesson.id}/here/"
    phone.cookies.update(signed_in(STUDENT).cookies)

    assert "You are here" in text_of(phone.post(f"/lessons/{lesson.id}/here/", follow=True))


def test_a_typed_code_leads_to_the_button() -> None:
    lesson, phone = start("code"), signed_in(STUDENT)
    shown = find_code(lesson.id)
    typed = f"{shown.short_code}-{shown.code.typed}".lower()
    assert "I am here" in text_of(phone.post("/c/", {"code": typed}, follow=True))


def test_no_query_for_whoever_was_seen_lately(django_assert_num_queries: Any) -> None:
    lesson, phone = start("code"), signed_in(STUDENT)
    link = link_of(lesson)
    phone.get("/me/")
    with django_assert_num_queries(0):
        phone.get(link, follow=True)
        phone.post(f"/lessons/{lesson.id}/here/", follow=True)
    assert store.read_lesson(lesson.id).record_count == 1


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ("", 404, "There is no such lesson"),
        ("ZZZZ ZZZZ", 404, "There is no such lesson"),
        ("wrong", 404, "There is no such lesson"),
    ],
)
def test_a_code_of_nothing_says_so(given: str, status: int, words: str) -> None:
    answer = signed_in(STUDENT).post("/c/", {"code": given})
    assert (answer.status_code, words in text_of(answer)) == (status, True)


def test_a_code_that_is_too_old_and_one_that_is_wrong_say_what_to_do() -> None:
    lesson, phone = start("code"), signed_in(STUDENT)
    short = find_code(lesson.id).short_code
    wrong = phone.get(f"/C/{short}/{'0' * 20}")
    assert (wrong.status_code, "That is not the code" in text_of(wrong)) == (403, True)
    forged = Client()
    forged.cookies.update(phone.cookies)
    forged.cookies["attn_scan"] = f"{lesson.id}.1:forged"
    answer = forged.post(f"/lessons/{lesson.id}/here/")
    assert (answer.status_code, "That is not the code" in text_of(answer)) == (403, True)
    missing = phone.post(f"/lessons/{lesson.id}/here/")
    assert (missing.status_code, "The code is missing" in text_of(missing)) == (403, True)


def test_a_lesson_that_is_over_says_who_can_help() -> None:
    lesson, phone = start(), signed_in(STUDENT)
    finish_lesson(lesson.id, actor=TEACHER)
    answer = phone.post(f"/lessons/{lesson.id}/here/")
    assert (answer.status_code, "This lesson is over" in text_of(answer)) == (410, True)
    assert "You have no mark in this lesson" in text_of(
        phone.get(f"/lessons/{lesson.id}/here/", follow=True)
    )


def test_a_rejected_student_is_told_to_speak_to_the_teacher() -> None:
    lesson, phone = start(), signed_in(STUDENT)
    phone.post(f"/lessons/{lesson.id}/here/")
    correct_record(
        Correction(
            lesson.id, STUDENT.school_number, Verdict.REJECT, TEACHER, "somebody else's phone"
        )
    )
    answer = phone.get(f"/lessons/{lesson.id}/here/", follow=True)
    assert "Rejected by your teacher" in text_of(answer)
    assert "somebody else&#x27;s phone" in text_of(answer)
    assert phone.post(f"/lessons/{lesson.id}/here/").status_code == 403


def test_too_many_tries_say_how_long(settings: Any) -> None:
    settings.CHECK_INS_PER_MINUTE = 1
    lesson, phone = start(), signed_in(STUDENT)
    answers = [phone.post(f"/lessons/{lesson.id}/here/") for _ in range(2)]
    assert [a.status_code for a in answers] == [302, 429]
    assert 0 < int(answers[1].headers["Retry-After"]) <= 60


def test_a_live_store_that_is_damaged_is_no_absence() -> None:
    lesson, phone = start(), signed_in(STUDENT)
    client.connection().delete(keys.records(lesson.id))
    client.connection().set(keys.records(lesson.id), "nobody's")
    assert phone.post(f"/lessons/{lesson.id}/here/").status_code == 503
    assert not AttendanceRecord.objects.exists()


def test_the_result_carries_a_receipt_and_lives_on_in_postgresql() -> None:
    lesson, phone = start(), signed_in(STUDENT)
    phone.post(f"/lessons/{lesson.id}/here/")
    live = phone.get(f"/lessons/{lesson.id}/mine/")
    finish_lesson(lesson.id, actor=TEACHER)
    assert AttendanceRecord.objects.count() == 1
    stored = phone.get(f"/lessons/{lesson.id}/mine/")

    assert "You are here" in text_of(stored)
    receipt = text_of(live).partition('data-receipt="')[2].partition('"')[0]
    assert receipts.open_receipt(receipt).student.school_number == STUDENT.school_number


def test_nobody_sees_the_mark_of_another_and_no_teacher_checks_in() -> None:
    lesson = start()
    signed_in(STUDENT).post(f"/lessons/{lesson.id}/here/")
    other = signed_in(Person("S-015", "Student 015"))
    assert other.get(f"/lessons/{lesson.id}/mine/").status_code == 404
    assert signed_in(TEACHER).post(f"/lessons/{lesson.id}/here/").status_code == 403
    assert signed_in(STUDENT).get(f"/lessons/{uuid4()}/mine/").status_code == 404


def test_switching_signs_out_and_comes_back_to_the_lesson() -> None:
    lesson, phone = start(), signed_in(STUDENT)
    answer = phone.post(f"/lessons/{lesson.id}/switch/")
    assert answer.headers["Location"] == f"/lessons/{lesson.id}/here/"
    cache.clear()
    assert "/accounts/login/" in phone.get(f"/lessons/{lesson.id}/here/").headers["Location"]


def test_my_attendance_lists_what_counts_and_makes_a_calendar() -> None:
    lesson, phone = start(), signed_in(STUDENT)
    phone.post(f"/lessons/{lesson.id}/here/")
    page = text_of(phone.get("/me/"))
    assert "Physics" in page
    assert "1 · 100%" in page

    lines = phone.get("/me/attendance.ics").content.decode().split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR"
    assert f"UID:{lesson.id}@testserver" in lines
    assert all(len(line.encode()) <= 75 for line in lines)


def test_what_a_teacher_took_out_is_in_no_calendar() -> None:
    lesson, phone = start(), signed_in(STUDENT)
    phone.post(f"/lessons/{lesson.id}/here/")
    correct_record(Correction(lesson.id, STUDENT.school_number, Verdict.DELETE, TEACHER, "twice"))
    assert str(lesson.id) not in phone.get("/me/attendance.ics").content.decode()


def test_a_refusal_speaks_the_language_of_the_page() -> None:
    lesson = start("code")
    phone = signed_in(STUDENT)
    phone.cookies["django_language"] = "tr"
    answer = phone.post(f"/lessons/{lesson.id}/here/")
    assert "Kod eksik" in text_of(answer)
    gone = phone.get(f"/lessons/{uuid4()}/", follow=True)
    assert "rolünüz için değil" in text_of(gone)
