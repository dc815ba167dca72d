"""Starting lessons of courses: which one is chosen, one click, joining, and the list of lessons."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from attendance.live import store
from attendance.models import LessonLedger
from attendance.services.lessons import finish_lesson
from courses.models import Enrolment
from courses.vocabulary import EnrolmentRole
from tests.pages.visitors import STAFF, form_of, signed_in, text_of
from tests.support.lessons import TEACHER, student
from tests.support.members import ASSISTANT
from tests.support.sections import enrol, section_lesson, section_of_today
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)

SECOND = Person("T-2", "Teacher 2", Role.TEACHER)


def chosen(page: Any) -> str:
    return str(page.context["chosen"])


def keys(page: Any) -> list[str]:
    return [key for key, _, _ in page.context["choices"]]


def live_of(section: Any) -> Any:
    lesson = store.sections_lesson(section.pk)
    assert lesson is not None
    return lesson


def test_the_only_course_of_today_is_chosen_and_starts_with_one_click() -> None:
    section = section_of_today((1, 2), policy={"late_after_s": 600, "absent_after_s": 1800})
    section_of_today(archived_at=timezone.now())
    over = section_of_today()
    Enrolment.objects.filter(section=over).update(ends_on=timezone.localdate())
    desk = signed_in(TEACHER)
    page = desk.get("/lessons/")
    assert keys(page) == [f"#{section.pk}"]
    assert chosen(page) == f"#{section.pk}"
    assert "Late from 10 minutes after the start on." in text_of(page)
    sent = form_of(page)
    assert "late_after_minutes" not in sent
    assert desk.post("/lessons/start/", sent).status_code == 302
    lesson = live_of(section)
    assert lesson.data.lesson_name == section.title
    assert (lesson.data.rule.late_after_s, lesson.data.rule.absent_after_s) == (600, 1800)
    assert lesson.data.checks == ("code",)


def test_of_several_courses_the_one_usual_at_this_time_is_chosen() -> None:
    first, second = section_of_today((1,)), section_of_today((2,))
    desk = signed_in(TEACHER)
    page = desk.get("/lessons/")
    assert (len(keys(page)), chosen(page)) == (2, "")
    lesson = section_lesson(second)
    finish_lesson(lesson.id, actor=TEACHER)
    assert chosen(desk.get("/lessons/")) == f"#{second.pk}"
    row = LessonLedger.objects.get(pk=lesson.id)
    week_ago = row.starts_at - timedelta(days=7)  # type: ignore[operator]
    LessonLedger.objects.filter(pk=lesson.id).update(starts_at=week_ago)
    assert chosen(desk.get("/lessons/")) == f"#{second.pk}"
    LessonLedger.objects.filter(pk=lesson.id).update(starts_at=week_ago - timedelta(hours=3))
    assert chosen(desk.get("/lessons/")) == ""
    assert first.pk != second.pk


def test_a_late_rule_of_the_form_beats_that_of_the_course() -> None:
    section = section_of_today((1,), policy={"late_after_s": 600})
    desk = signed_in(TEACHER)
    sent = form_of(desk.get("/lessons/"), late_after_minutes=3, lesson_name="Optics")
    assert desk.post("/lessons/start/", sent).status_code == 302
    lesson = live_of(section)
    assert (lesson.data.lesson_name, lesson.data.rule.late_after_s) == ("Optics", 180)


def test_without_a_course_a_name_is_needed_and_nobody_is_expected() -> None:
    section_of_today((1,))
    desk = signed_in(TEACHER)
    sent = form_of(desk.get("/lessons/"), section="")
    answer = desk.post("/lessons/start/", sent)
    assert answer.status_code == 400
    assert "Give the lesson a name, or choose a course." in text_of(answer)
    assert chosen(answer) == ""
    assert desk.post("/lessons/start/", sent | {"lesson_name": "Chess"}).status_code == 302
    lesson = store.teachers_lesson(TEACHER.school_number)
    assert lesson is not None
    assert lesson.data.section is None
    assert "No course" in text_of(answer)


def test_a_teacher_without_courses_sees_the_form_as_it_was() -> None:
    page = signed_in(SECOND).get("/lessons/")
    assert keys(page) == []
    assert "No course" not in text_of(page)
    assert form_of(page)["late_after_minutes"] == 10


def test_the_button_of_a_course_starts_a_lesson_like_its_last_one() -> None:
    section = section_of_today((1,))
    lesson = section_lesson(section, minutes=90)
    finish_lesson(lesson.id, actor=TEACHER)
    desk = signed_in(TEACHER)
    given = {"section": f"#{section.pk}", "request_id": "f1"}
    boards = [desk.post("/lessons/start/", given).headers["Location"] for _ in range(2)]
    assert boards[0] == boards[1]
    started = live_of(section)
    assert started.data.checks == ()
    assert started.ends_at - started.starts_at == timedelta(minutes=45)


def test_the_button_of_a_course_without_lessons_asks_for_the_code() -> None:
    section = section_of_today((1,))
    given = {"section": f"#{section.pk}", "request_id": "f2"}
    assert signed_in(TEACHER).post("/lessons/start/", given).status_code == 302
    assert live_of(section).data.checks == ("code",)


def test_somebody_elses_course_is_not_found() -> None:
    section = section_of_today((1,))
    for person in (SECOND, student(1)):
        given = {"section": f"#{section.pk}", "request_id": "f3"}
        answer = signed_in(person).post("/lessons/start/", given)
        assert answer.status_code in {400, 403, 404}
    assert store.sections_lesson(section.pk) is None
    given = {"section": f"#{section.pk}", "request_id": "f4", "minutes": "30"}
    assert signed_in(SECOND).post("/lessons/start/", given).status_code == 404
    assert signed_in(STAFF).post("/lessons/start/", given).status_code == 302


def test_a_second_start_joins_and_says_so() -> None:
    section = section_of_today((1,), teachers=(TEACHER, SECOND))
    first = signed_in(TEACHER)
    board = first.post("/lessons/start/", form_of(first.get("/lessons/")), follow=True)
    assert "you joined it" not in text_of(board)
    second = signed_in(SECOND)
    joined = second.post("/lessons/start/", form_of(second.get("/lessons/")), follow=True)
    assert joined.redirect_chain[0][0] == f"/lessons/{live_of(section).id}/"
    assert f"you joined it. {TEACHER.full_name} started it." in text_of(joined)


def test_an_assistant_starts_and_finds_lessons_of_the_course_alone() -> None:
    section = section_of_today((1,))
    enrol(section, ASSISTANT, EnrolmentRole.ASSISTANT)
    enrol(section_of_today((2,), teachers=()), ASSISTANT, EnrolmentRole.STUDENT)
    desk = signed_in(ASSISTANT)
    assert "Lessons that you run" in text_of(desk.get("/me/"))
    page = desk.get("/lessons/")
    assert keys(page) == [f"#{section.pk}"]
    assert "No course" not in text_of(page)
    bare = desk.post("/lessons/start/", form_of(page, section="", lesson_name="Chess"))
    assert bare.status_code == 403
    assert desk.post("/lessons/start/", form_of(page)).status_code == 302
    assert section.title in text_of(desk.get("/lessons/"))
    assert "Lessons that you run" not in text_of(signed_in(student(1)).get("/me/"))
    assert signed_in(student(1)).get("/lessons/").status_code == 403


def test_the_list_has_lessons_of_ones_courses_with_how_many_came() -> None:
    section = section_of_today((1, 2, 3), teachers=(TEACHER, SECOND), title="Optics of Lenses")
    elsewhere = section_of_today((4,))
    lesson = section_lesson(section, here=(1, 2))
    finish_lesson(lesson.id, actor=TEACHER)
    finish_lesson(section_lesson(elsewhere).id, actor=TEACHER)
    page = text_of(signed_in(SECOND).get("/lessons/"))
    assert "<strong>2 of 3</strong> came" in page
    assert TEACHER.full_name in page
    assert page.count('<article class="lesson') == 1
    Enrolment.objects.filter(section=section, user__school_number="T-2").update(
        begins_on=section.starts_on, ends_on=section.starts_on + timedelta(days=1)
    )
    assert "2 of 3" not in text_of(signed_in(SECOND).get("/lessons/"))
