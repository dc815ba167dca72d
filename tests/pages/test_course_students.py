"""A student in lessons of courses: the button, one's own mark and list, in every case."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from attendance.live import store
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import finish_lesson
from attendance.services.rosters import not_held
from attendance.vocabulary import Verdict
from tests.pages.visitors import signed_in, text_of
from tests.support.lessons import TEACHER, student
from tests.support.members import OTHER_TEACHER
from tests.support.sections import section_lesson, section_of_today

pytestmark = pytest.mark.django_db(transaction=True)


def say(lesson_id: Any, verdict: Verdict, number: int = 1, reason: str = "as I saw") -> None:
    correct_record(
        Correction(
            lesson_id=lesson_id,
            school_number=student(number).school_number,
            full_name=student(number).full_name,
            verdict=verdict,
            actor=TEACHER,
            reason=reason,
        )
    )


def test_the_button_is_there_before_the_start_where_the_rule_says_so() -> None:
    section = section_of_today((1,), policy={"opens_before_s": 900})
    soon = store.now() + timedelta(minutes=10)
    lesson = section_lesson(section, starts_at=soon)
    phone = signed_in(student(1))
    assert "I am here" in text_of(phone.get(f"/lessons/{lesson.id}/here/"))
    page = phone.post(f"/lessons/{lesson.id}/here/", follow=True)
    assert "You are here" in text_of(page)
    assert page.context["why"].startswith("present: came ")


def test_before_that_the_page_says_when_it_opens() -> None:
    section = section_of_today((1,), policy={"opens_before_s": 300})
    soon = store.now() + timedelta(minutes=10)
    lesson = section_lesson(section, starts_at=soon)
    page = signed_in(student(1)).get(f"/lessons/{lesson.id}/here/")
    opens = lesson.opens_at.astimezone(ZoneInfo(section.time_zone))
    assert page.context["state"] == "scheduled"
    assert f"It opens at {opens:%H:%M}" in text_of(page)


def test_whoever_was_spoken_of_can_still_come_and_the_arrival_is_kept() -> None:
    lesson = section_lesson(section_of_today((1,)))
    say(lesson.id, Verdict.ABSENT)
    phone = signed_in(student(1))
    page = phone.get(f"/lessons/{lesson.id}/here/")
    assert "I am here" in text_of(page)
    assert "Your teacher has marked you already" in text_of(page)
    mark = phone.post(f"/lessons/{lesson.id}/here/", follow=True)
    assert "Marked absent" in text_of(mark)
    assert "Absent: your teacher said so; came " in text_of(mark)
    assert phone.get(f"/lessons/{lesson.id}/here/").status_code == 302


@pytest.mark.parametrize("verdict", [Verdict.REJECT, Verdict.DELETE])
def test_whoever_is_out_sees_their_mark_and_may_tell_their_teacher(verdict: Verdict) -> None:
    lesson = section_lesson(section_of_today((1,)))
    say(lesson.id, Verdict.ACCEPT)
    say(lesson.id, verdict)
    page = signed_in(student(1)).get(f"/lessons/{lesson.id}/here/")
    title = "Rejected by your teacher" if verdict is Verdict.REJECT else "Taken out by your teacher"
    assert title in text_of(page)
    assert "your teacher sees that you tried; the mark stays as it is" in text_of(page)


def test_a_walk_in_reads_that_the_teacher_decides() -> None:
    lesson = section_lesson(section_of_today((1,), walk_ins="hold"))
    page = signed_in(student(9)).post(f"/lessons/{lesson.id}/here/", follow=True)
    text = text_of(page)
    assert "You are not on the roster" in text
    assert "your teacher decides" in text
    assert "not_on_roster" not in text
    assert page.context["reload_seconds"]
    other = section_of_today((2,), teachers=(OTHER_TEACHER,), walk_ins="refuse")
    refused = section_lesson(other, teacher=OTHER_TEACHER)
    page = signed_in(student(9)).post(f"/lessons/{refused.id}/here/")
    assert page.status_code == 403
    assert "Ask them to add you" in text_of(page)


def test_a_lesson_that_is_not_held_has_no_button() -> None:
    lesson = section_lesson(section_of_today((1, 2)), here=(1,))
    not_held.say_not_held(lesson.id, actor=TEACHER, reason="snow")
    page = signed_in(student(2)).get(f"/lessons/{lesson.id}/here/")
    assert "This lesson is not held" in text_of(page)
    assert "I am here" not in text_of(page)
    assert "Not held" in text_of(signed_in(student(1)).get(f"/lessons/{lesson.id}/mine/"))


def test_whoever_comes_too_late_reads_that_the_arrival_is_kept() -> None:
    section = section_of_today((1,), policy={"late_after_s": 0, "absent_after_s": 0})
    lesson = section_lesson(section)
    page = signed_in(student(1)).post(f"/lessons/{lesson.id}/here/", follow=True)
    text = text_of(page)
    assert "Too late: this counts as absent" in text
    assert "Your teacher marked you absent" not in text
    assert page.context["why"].startswith("absent: came ")


def test_ones_own_list_has_absences_of_the_system_with_words() -> None:
    lesson = section_lesson(section_of_today((1,)))
    finish_lesson(lesson.id, actor=TEACHER)
    phone = signed_in(student(1))
    text = text_of(phone.get("/me/"))
    assert "Absent: no check-in by the end, and nobody has said otherwise." in text
    assert text.count("<meter") == 1
    mine = text_of(phone.get(f"/lessons/{lesson.id}/mine/"))
    assert "You were expected and have no check-in" in mine


@pytest.mark.parametrize("stored", [False, True])
def test_a_lesson_that_was_not_held_is_listed_and_not_counted(stored: bool) -> None:
    lesson = section_lesson(section_of_today((1,)), here=(1,))
    if stored:
        finish_lesson(lesson.id, actor=TEACHER)
    phone = signed_in(student(1))
    assert text_of(phone.get("/me/")).count("<meter") == 1
    not_held.say_not_held(lesson.id, actor=TEACHER, reason="snow")
    text = text_of(phone.get("/me/"))
    assert "Does not count: the lesson was not held (snow)." in text
    assert "<meter" not in text
    assert "BEGIN:VEVENT" not in phone.get("/me/attendance.ics").content.decode()


def test_an_absence_that_was_not_owed_is_no_deletion() -> None:
    lesson = section_lesson(section_of_today((1,)))
    finish_lesson(lesson.id, actor=TEACHER)
    not_held.say_not_held(lesson.id, actor=TEACHER, reason="snow")
    text = text_of(signed_in(student(1)).get("/me/"))
    assert "Taken out by your teacher" not in text
    assert "<strong>Not held</strong>" in text
