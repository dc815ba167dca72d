"""My courses: the share so far, what may still be missed, and why lessons were missed."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from attendance.models import AttendanceRecord
from attendance.services.persistence import unified_persistence_task
from attendance.services.rosters.not_held import say_not_held
from courses.models import Section
from reports import totals
from reports.own_figures import SHOWN_MISSES
from tests.pages.visitors import signed_in, text_of
from tests.support.lessons import TEACHER, student
from tests.support.people import merge, unmerge
from tests.support.sections import ended_section_lesson, section_of_today, user_of
from tests.support.totals import wrong_totals

pytestmark = pytest.mark.django_db(transaction=True)


def held(section: Section, came: int, missed: int) -> list[Any]:
    """Stored lessons of a section: student 1 came to so many, and missed so many."""
    lessons = [ended_section_lesson(section, [1]) for _ in range(came)]
    lessons += [ended_section_lesson(section) for _ in range(missed)]
    unified_persistence_task(lesson_ids=[lesson.id for lesson in lessons])
    return lessons


def shown(page: Any) -> str:
    return " ".join(text_of(page).split())


def test_a_student_reads_their_share_and_what_may_still_be_missed() -> None:
    section = section_of_today((1, 2), policy={"threshold_permille": 500})
    lessons = held(section, 3, 1)
    page = signed_in(student(1)).get("/courses/")
    assert "Here in 3 of 4 lessons so far: 75 %." in shown(page)
    # 3 of 6 is enough, 3 of 7 is not.
    assert "You may miss the next 2 lessons and stay at 50 %." in shown(page)
    assert "no check-in by the end" in shown(page)
    other = shown(signed_in(student(2)).get("/courses/"))
    assert "Here in 0 of 4 lessons so far: 0 %." in other
    assert "That is below 50 %" in other
    assert other.count("no check-in by the end") == SHOWN_MISSES

    # A mark that counts nowhere, a lesson that was not held, and one who was not expected.
    AttendanceRecord.objects.filter(
        attendance=lessons[0].id, student__school_number=student(1).school_number
    ).update(status="pending")
    say_not_held(lessons[2].id, actor=TEACHER, reason="no light")
    AttendanceRecord.objects.filter(
        attendance=lessons[1].id, student__school_number=student(1).school_number
    ).update(is_expected=False)
    totals.recompute([lesson.id for lesson in lessons])
    assert "Here in 0 of 1 lesson so far: 0 %." in shown(signed_in(student(1)).get("/courses/"))


def test_who_has_no_lesson_yet_has_no_share_and_nobody_is_judged_too_early() -> None:
    first, second = section_of_today((1,)), section_of_today((1,), policy={"min_lessons": 5})
    held(second, 0, 1)
    page = shown(signed_in(student(1)).get("/courses/"))
    assert "No lesson counts yet." in page
    assert "Nobody is judged before 5 lessons." in page
    assert "may miss" not in page
    assert first.title in page


def test_more_courses_cost_no_query_more() -> None:
    section = section_of_today((1,))
    held(section, 1, 1)
    phone = signed_in(student(1))
    phone.get("/courses/")
    with CaptureQueriesContext(connection) as one:
        phone.get("/courses/")
    for _ in range(2):
        held(section_of_today((1,), policy={}), 0, 1)
    with CaptureQueriesContext(connection) as three:
        assert shown(phone.get("/courses/")).count("Missed last") == 3
    assert len(three) == len(one)


def test_totals_say_what_the_marks_say_also_of_two_accounts() -> None:
    """Figures of a merged person: the effective mark of each lesson, and the last ones missed."""
    section = section_of_today((1, 2), policy={"counted": "hours"})
    held(section, 2, 2)
    lesson = ended_section_lesson(section, [1, 9])
    unified_persistence_task(lesson_ids=[lesson.id])
    alone = shown(signed_in(student(1)).get("/courses/"))
    assert "Here in 3 of 5 lessons so far: " in alone
    merge(user_of(student(9)), user_of(student(2)))
    page = shown(signed_in(student(2)).get("/courses/"))
    assert "Here in 1 of 5 lessons so far: " in page
    assert page.count("no check-in by the end") == SHOWN_MISSES
    unmerge(user_of(student(9)))
    assert "Here in 0 of 5 lessons so far: 0 %." in shown(signed_in(student(2)).get("/courses/"))
    assert wrong_totals() == []
