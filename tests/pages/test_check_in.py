"""A student's way in: the link of the QR code, a typed code, the button, the result."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from attendance.live import client, keys, store
from attendance.live.store import check_ins
from attendance.models import AttendanceRecord
from attendance.selectors.screens import find_code
from attendance.services import receipts
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import finish_lesson
from attendance.services.persistence import unified_persistence_task
from attendance.vocabulary import Verdict
from attendance.wording.lessons import clock
from tests.pages.visitors import STUDENT, signed_in, started_lesson, text_of
from tests.support.lessons import TEACHER, code_of, ended_lessons, student
from users.identity import Person

pytestmark = pytest.mark.django_db(transaction=True)


def link_of(lesson: Any) -> str:
    shown = find_code(lesson.id)
    return f"/C/{shown.short_code}/{shown.code.whole}"


def test_the_link_marks_nothing_and_the_button_does() -> None:
    lesson, phone = started_lesson("code"), signed_in(STUDENT)
    page = phone.get(link_of(lesson), follow=True)
    assert "I am here" in text_of(page)
    assert store.read_lesson(lesson.id).record_count == 0

    done = phone.post(f"/lessons/{lesson.id}/here/", follow=True)
    assert "You are here" in text_of(done)
    assert STUDENT.full_name in text_of(done)
    assert store.read_lesson(lesson.id).record_count == 1


@pytest.mark.parametrize("verdict", [Verdict.REJECT, Verdict.DELETE])
def test_who_was_rejected_and_scans_again_can_tell_their_teacher(verdict: Verdict) -> None:
    lesson, phone = started_lesson("code"), signed_in(STUDENT)
    phone.get(link_of(lesson), follow=True)
    phone.post(f"/lessons/{lesson.id}/here/")
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number=STUDENT.school_number,
            verdict=verdict,
            actor=TEACHER,
            reason="not here",
        )
    )
    revision = store.read_lesson(lesson.id).revision

    page = phone.get(link_of(lesson), follow=True)
    assert "your teacher sees that you tried" in text_of(page)
    assert store.read_refusals(lesson.id) == []
    done = phone.post(f"/lessons/{lesson.id}/here/")

    assert (done.status_code, "Speak to your teacher" in text_of(done)) == (403, True)
    (refusal,) = store.read_refusals(lesson.id)
    assert (refusal.code, refusal.times) == ("rejected_by_teacher", 1)
    assert store.read_lesson(lesson.id).revision == revision


def test_pressed_again_it_says_when_it_was() -> None:
    lesson, phone = started_lesson(), signed_in(STUDENT)
    for _ in range(2):
        done = phone.post(f"/lessons/{lesson.id}/here/", follow=True)
    assert "You had checked in already, at" in text_of(done)
    assert store.read_lesson(lesson.id).record_count == 1


def test_who_has_to_sign_in_first_keeps_the_scan() -> None:
    lesson, phone = started_lesson("code"), Client()
    phone.get(link_of(lesson))
    asked = phone.get(f"/lessons/{lesson.id}/here/")
    assert asked.headers["Location"] == f"/accounts/login/?next=/lessons/{lesson.id}/here/"
    phone.cookies.update(signed_in(STUDENT).cookies)

    assert "You are here" in text_of(phone.post(f"/lessons/{lesson.id}/here/", follow=True))


def test_a_typed_code_leads_to_the_button() -> None:
    lesson, phone = started_lesson("code"), signed_in(STUDENT)
    shown = find_code(lesson.id)
    typed = f"{shown.short_code}-{shown.code.typed}".lower()
    assert "I am here" in text_of(phone.post("/c/", {"code": typed}, follow=True))


def test_no_query_for_whoever_was_seen_lately(django_assert_num_queries: Any) -> None:
    lesson, phone = started_lesson("code"), signed_in(STUDENT)
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


def test_a_code_that_is_wrong_forged_or_missing_says_what_to_do() -> None:
    lesson, phone = started_lesson("code"), signed_in(STUDENT)
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


def test_a_code_that_is_too_old_asks_for_the_one_on_the_screen() -> None:
    lesson, phone = started_lesson("code"), signed_in(STUDENT)
    old = code_of(lesson, steps_ago=3)
    page = phone.get(f"/C/{find_code(lesson.id).short_code}/{old.whole}")
    told = text_of(page)
    assert (page.status_code, "That code is too old" in told) == (403, True)
    assert "Scan the code that is on the screen now." in told
    assert 'name="code"' in told


def test_a_lesson_that_has_not_begun_says_when_and_looks_again() -> None:
    lesson, phone = started_lesson(starts_at=store.now() + timedelta(minutes=5)), signed_in(STUDENT)
    page = text_of(phone.get(f"/lessons/{lesson.id}/here/"))
    assert "Not open yet" in page
    assert clock(lesson.starts_at)[:5] in page
    assert 'http-equiv="refresh"' in page
    pressed = phone.post(f"/lessons/{lesson.id}/here/")
    assert (pressed.status_code, "Not open yet" in text_of(pressed)) == (409, True)
    assert 'http-equiv="refresh"' in text_of(pressed)


def test_another_network_is_told_to_join_that_of_the_campus() -> None:
    lesson = started_lesson("network", networks=("10.1.0.0/16",))
    answer = signed_in(STUDENT).post(f"/lessons/{lesson.id}/here/")
    assert (answer.status_code, "Not from this network" in text_of(answer)) == (403, True)
    assert "Join the network of the campus" in text_of(answer)


def test_a_full_lesson_says_whom_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_ins, "MOST_RECORDS", 1)
    lesson = started_lesson()
    signed_in(Person("S-015", "Student 015")).post(f"/lessons/{lesson.id}/here/")
    answer = signed_in(STUDENT).post(f"/lessons/{lesson.id}/here/")
    assert "This lesson is full" in text_of(answer)
    assert "Tell your teacher" in text_of(answer)


def test_a_mark_that_waits_for_a_verifier_looks_again_until_it_is_decided(settings: Any) -> None:
    settings.VERIFIER_URL = "https://verifier.example/"
    lesson, phone = started_lesson("external"), signed_in(STUDENT)
    page = text_of(phone.post(f"/lessons/{lesson.id}/here/", follow=True))
    assert "Waiting for verification" in page
    assert 'http-equiv="refresh"' in page
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number=STUDENT.school_number,
            verdict=Verdict.ACCEPT,
            actor=TEACHER,
        )
    )
    page = text_of(phone.get(f"/lessons/{lesson.id}/mine/"))
    assert "You are here" in page
    assert 'http-equiv="refresh"' not in page


def test_a_page_knows_when_its_lesson_and_its_scan_end() -> None:
    phone = signed_in(STUDENT)
    lesson = started_lesson()
    context = phone.get(f"/lessons/{lesson.id}/here/").context
    assert 44 * 60 < context["seconds_left"] <= 45 * 60
    assert context["reload_seconds"] == context["seconds_left"]
    finish_lesson(lesson.id, actor=TEACHER)
    lesson = started_lesson("code")
    context = phone.get(link_of(lesson), follow=True).context
    assert 280 < context["seconds_left"] <= 300
    assert context["reload_seconds"] > 44 * 60
    phone.cookies["attn_scan"] = "forged"
    assert phone.get(f"/lessons/{lesson.id}/here/").context["seconds_left"] > 44 * 60


def test_a_lesson_that_is_over_says_who_can_help() -> None:
    lesson, phone = started_lesson(), signed_in(STUDENT)
    finish_lesson(lesson.id, actor=TEACHER)
    answer = phone.post(f"/lessons/{lesson.id}/here/")
    assert (answer.status_code, "This lesson is over" in text_of(answer)) == (410, True)
    page = text_of(phone.get(f"/lessons/{lesson.id}/here/", follow=True))
    assert "You have no mark in this lesson" in page
    assert "This lesson is over" in page
    assert 'name="code"' not in page


def test_an_old_link_says_that_its_lesson_is_over_and_opens_no_other() -> None:
    lesson, phone = started_lesson("code"), signed_in(STUDENT)
    link, short = link_of(lesson), lesson.data.short_code
    finish_lesson(lesson.id, actor=TEACHER)
    started_lesson("code")

    for answer in (phone.get(link), phone.post("/c/", {"code": short + "AAAA"})):
        assert (answer.status_code, "This lesson is over" in text_of(answer)) == (410, True)

    # Nobody ever had these letters.
    client.connection().delete(keys.code(short))
    assert phone.get(link).status_code == 404


def test_a_rejected_student_is_told_to_speak_to_the_teacher() -> None:
    lesson, phone = started_lesson(), signed_in(STUDENT)
    phone.post(f"/lessons/{lesson.id}/here/")
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number=STUDENT.school_number,
            verdict=Verdict.REJECT,
            actor=TEACHER,
            reason="somebody else's phone",
        )
    )
    answer = phone.get(f"/lessons/{lesson.id}/here/", follow=True)
    assert "Rejected by your teacher" in text_of(answer)
    assert "somebody else&#x27;s phone" in text_of(answer)
    assert phone.post(f"/lessons/{lesson.id}/here/").status_code == 403


def test_too_many_tries_say_how_long(settings: Any) -> None:
    settings.CHECK_INS_PER_MINUTE = 1
    lesson, phone = started_lesson(), signed_in(STUDENT)
    answers = [phone.post(f"/lessons/{lesson.id}/here/") for _ in range(2)]
    assert [a.status_code for a in answers] == [302, 429]
    seconds = int(answers[1].headers["Retry-After"])
    assert 0 < seconds <= 60
    assert re.search(r"Wait \d+ seconds?, then try again", text_of(answers[1]))


def test_a_live_store_that_is_damaged_is_no_absence() -> None:
    lesson, phone = started_lesson(), signed_in(STUDENT)
    client.connection().delete(keys.records(lesson.id))
    client.connection().set(keys.records(lesson.id), "nobody's")
    assert phone.post(f"/lessons/{lesson.id}/here/").status_code == 503
    assert not AttendanceRecord.objects.exists()


def test_the_result_carries_a_receipt_and_lives_on_in_postgresql() -> None:
    lesson, phone = started_lesson(), signed_in(STUDENT)
    phone.post(f"/lessons/{lesson.id}/here/")
    live = phone.get(f"/lessons/{lesson.id}/mine/")
    finish_lesson(lesson.id, actor=TEACHER)
    assert AttendanceRecord.objects.count() == 1
    stored = phone.get(f"/lessons/{lesson.id}/mine/")

    assert "You are here" in text_of(stored)
    receipt = text_of(live).partition('data-receipt="')[2].partition('"')[0]
    assert receipts.open_receipt(receipt).student.school_number == STUDENT.school_number


def test_nobody_sees_the_mark_of_another_and_no_teacher_checks_in() -> None:
    lesson = started_lesson()
    signed_in(STUDENT).post(f"/lessons/{lesson.id}/here/")
    other = signed_in(Person("S-015", "Student 015"))
    assert other.get(f"/lessons/{lesson.id}/mine/").status_code == 404
    assert signed_in(TEACHER).post(f"/lessons/{lesson.id}/here/").status_code == 403
    assert signed_in(STUDENT).get(f"/lessons/{uuid4()}/mine/").status_code == 404


def test_switching_signs_out_and_comes_back_to_the_lesson() -> None:
    lesson, phone = started_lesson(), signed_in(STUDENT)
    answer = phone.post(f"/lessons/{lesson.id}/switch/")
    assert answer.headers["Location"] == f"/lessons/{lesson.id}/here/"
    cache.clear()
    assert "/accounts/login/" in phone.get(f"/lessons/{lesson.id}/here/").headers["Location"]


def test_my_attendance_lists_what_counts() -> None:
    lesson, phone = started_lesson(), signed_in(STUDENT)
    phone.post(f"/lessons/{lesson.id}/here/")
    page = text_of(phone.get("/me/"))
    assert "Physics" in page
    assert "1 · 100%" in page


def test_my_attendance_goes_on_for_pages_and_its_shares_count_them_all() -> None:
    phone = signed_in(student(1))
    ended_lessons(32, students=1)
    unified_persistence_task()
    live = started_lesson()
    phone.post(f"/lessons/{live.id}/here/")

    first = phone.get("/me/")
    assert len(first.context["page"].items) == 30
    assert "33 · 100%" in text_of(first)
    second = phone.get(f"/me/?before={first.context['page'].next_key}")
    assert len(second.context["page"].items) == 3
    assert "33 · 100%" in text_of(second)
    assert second.context["page"].next_key is None
    back = phone.get(f"/me/?after={second.context['page'].previous_key}")
    assert [o.lesson.id for o in back.context["page"].items] == [
        o.lesson.id for o in first.context["page"].items
    ]


def test_the_calendar_folds_long_lines_between_characters() -> None:
    name = "Einführung in die Ökologie, Straßenbau; Größen\\Maße und Übungen für Anfänger, Teil 1"
    lesson, phone = started_lesson(lesson_name=name), signed_in(STUDENT)
    phone.post(f"/lessons/{lesson.id}/here/")
    raw = phone.get("/me/attendance.ics").content
    lines = raw.decode().split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR"
    assert f"UID:{lesson.id}" in lines
    assert all(len(line.encode()) <= 75 for line in lines)
    assert any(line.startswith(" ") for line in lines)
    unfolded = raw.decode().replace("\r\n ", "")
    escaped = name.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    assert f"SUMMARY:{escaped} (present)" in unfolded.split("\r\n")


def test_a_calendar_without_events_has_a_component() -> None:
    lines = signed_in(STUDENT).get("/me/attendance.ics").content.decode().split("\r\n")
    assert [line for line in lines if line.startswith("BEGIN:")] == [
        "BEGIN:VCALENDAR",
        "BEGIN:VTIMEZONE",
        "BEGIN:STANDARD",
    ]
    assert lines[-2:] == ["END:VCALENDAR", ""]


def test_an_event_has_a_length_though_its_lesson_was_ended_before_it_began() -> None:
    lesson = started_lesson(starts_at=timezone.now() + timedelta(minutes=5))
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number=STUDENT.school_number,
            verdict=Verdict.ACCEPT,
            actor=TEACHER,
            full_name=STUDENT.full_name,
        )
    )
    finish_lesson(lesson.id, actor=TEACHER)
    lines = signed_in(STUDENT).get("/me/attendance.ics").content.decode().split("\r\n")
    began, ended = (
        next(line.partition(":")[2] for line in lines if line.startswith(name))
        for name in ("DTSTART:2", "DTEND:2")
    )
    assert began < ended


def test_what_a_teacher_took_out_is_in_no_calendar() -> None:
    lesson, phone = started_lesson(), signed_in(STUDENT)
    phone.post(f"/lessons/{lesson.id}/here/")
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number=STUDENT.school_number,
            verdict=Verdict.DELETE,
            actor=TEACHER,
            reason="twice",
        )
    )
    assert str(lesson.id) not in phone.get("/me/attendance.ics").content.decode()


def test_a_refusal_speaks_the_language_of_the_page() -> None:
    lesson = started_lesson("code")
    phone = signed_in(STUDENT)
    phone.cookies["django_language"] = "tr"
    answer = phone.post(f"/lessons/{lesson.id}/here/")
    assert "Kod eksik" in text_of(answer)
    gone = phone.get(f"/lessons/{uuid4()}/", follow=True)
    assert "rolünüz için değil" in text_of(gone)
