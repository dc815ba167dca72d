"""A lesson without phones: names are called one by one, or ticked on paper."""

from typing import Any

import pytest

from attendance.live import store
from tests.pages.visitors import STUDENT, signed_in, text_of
from tests.support.lessons import TEACHER, student
from tests.support.sections import section_lesson, section_of_today
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)


def number(of: int) -> str:
    return student(of).school_number


def called(page: Any) -> str:
    row = page.context["row"]
    return row.school_number if row else ""


def test_everybody_without_a_mark_is_called_once() -> None:
    lesson = section_lesson(section_of_today((1, 2, 3, 4)), here=(2,))
    path, desk = f"/lessons/{lesson.id}/roll/", signed_in(TEACHER)
    page = desk.get(path)
    assert called(page) == number(1)
    assert "1 of 4, 3 without a mark" in text_of(page)
    page = desk.post(path, {"mark": f"late {number(1)}", "request_id": "a"}, follow=True)
    assert called(page) == number(3)
    # Somebody who is skipped is called again at the end.
    page = desk.get(path, {"after": number(3)})
    assert called(page) == number(4)
    sent = {"mark": f"excuse {number(4)}", "reason": "ill", "request_id": "b"}
    page = desk.post(path, sent, follow=True)
    assert called(page) == number(3)
    page = desk.post(path, {"mark": f"accept {number(3)}", "request_id": "c"}, follow=True)
    assert called(page) == ""
    assert "Everybody has a mark" in text_of(page)
    register = store.register(lesson.id)
    assert sorted(record.status for record in register.records) == [
        "excused",
        "late",
        "present",
        "present",
    ]


def test_the_last_word_of_a_roll_is_undone() -> None:
    lesson = section_lesson(section_of_today((1, 2)))
    path, desk = f"/lessons/{lesson.id}/roll/", signed_in(TEACHER)
    page = desk.post(path, {"mark": f"absent {number(1)}", "request_id": "a"}, follow=True)
    assert f'value="undo {number(1)}"' in text_of(page)
    page = desk.post(path, {"mark": f"undo {number(1)}", "request_id": "b"}, follow=True)
    assert "2 without a mark" in text_of(page)
    assert called(page) == number(1)


def test_a_register_on_paper_has_a_box_for_each_status() -> None:
    lesson = section_lesson(section_of_today((1, 2)), here=(1,))
    page = text_of(signed_in(TEACHER).get(f"/lessons/{lesson.id}/print/"))
    assert page.count("☐") == 7
    assert page.count("☒") == 1
    assert student(2).full_name in page


@pytest.mark.parametrize("path", ["roll/", "print/"])
def test_who_may_see_them(path: str) -> None:
    lesson = section_lesson(section_of_today((1,)))
    for person, status in (
        (Person("T-9", "Teacher 9", Role.TEACHER), 404),
        (STUDENT, 403),
        (TEACHER, 200),
    ):
        assert signed_in(person).get(f"/lessons/{lesson.id}/{path}").status_code == status
