"""Adding somebody: a mistyped number marks nobody else, and people are found and marked."""

from typing import Any

import pytest
from django.urls import reverse

from attendance.errors import NotOnRoster
from attendance.live import store
from attendance.models import AttendanceRecord
from attendance.services.check_in import check_in
from attendance.services.lessons import finish_lesson
from attendance.web.people_rows import MOST
from tests.pages.visitors import STAFF, STUDENT, signed_in, started_lesson, text_of
from tests.support.callers import account
from tests.support.lessons import TEACHER, student
from tests.support.outages import no_postgresql
from tests.support.sections import section_lesson, section_of_today, user_of
from users.identity import Person, Role
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["no_postgresql"]

OTHER = Person("S-0002", "Zeynep Şahin")


def typed(number: str = "s-0002", name: str = "Ada Typed") -> dict[str, str]:
    return {"school_number": number, "full_name": name, "request_id": "add-1"}


def board_of(lesson: Any) -> str:
    return f"/lessons/{lesson.id}/"


def test_a_mistyped_number_asks_and_keeps_what_was_typed() -> None:
    user_of(OTHER)
    lesson, desk = started_lesson(), signed_in(TEACHER)
    asked = desk.post(f"{board_of(lesson)}add/", typed())
    told = text_of(asked)
    assert asked.status_code == 409
    assert "S-0002 is the number of Zeynep Şahin" in told
    assert "Mark Zeynep Şahin (S-0002)" in told
    assert 'value="s-0002"' in told
    assert 'value="Ada Typed"' in told
    assert '<details class="card add" id="add" open' in told
    assert store.read_lesson(lesson.id).record_count == 0

    # The button of the page marks whose number it is; the corrected number marks who was typed.
    desk.post(f"{board_of(lesson)}add/", typed("S-0002", "Zeynep Şahin"))
    desk.post(f"{board_of(lesson)}add/", typed("S-0020"))
    records = store.register(lesson.id).records
    assert {r.school_number: r.full_name for r in records} == {
        "S-0002": "Zeynep Şahin",
        "S-0020": "Ada Typed",
    }


@pytest.mark.parametrize("name", ["zeynep  sahin", "ZEYNEP ŞAHİN", "Zeynep Sahin "])
def test_case_accents_and_spaces_make_no_other_name(name: str) -> None:
    user_of(OTHER)
    lesson = started_lesson()
    added = signed_in(TEACHER).post(f"{board_of(lesson)}add/", typed(name=name))
    assert added.status_code == 302
    assert store.read_lesson(lesson.id).record_count == 1


def test_a_record_and_the_roster_tell_as_well_without_postgresql(no_postgresql: Any) -> None:
    lesson = section_lesson(section_of_today((1, 2)), here=(1,))
    desk = signed_in(TEACHER)
    assert desk.get(board_of(lesson)).status_code == 200
    no_postgresql()
    for number in ("S-0001", "S-0002"):
        asked = desk.post(f"{board_of(lesson)}add/", typed(number))
        assert asked.status_code == 409
        assert f"{number} is the number of Student {number[2:]}" in text_of(asked)
    # Somebody unknown cannot be looked up, which is no reason to ask; the mark itself needs
    # PostgreSQL, so what was typed is sent again with one click.
    unknown = desk.post(f"{board_of(lesson)}add/", typed("S-0777"))
    assert unknown.status_code == 503
    assert 'name="full_name" value="Ada Typed"' in text_of(unknown)
    assert store.read_lesson(lesson.id).record_count == 1


def test_a_stored_lesson_asks_too() -> None:
    lesson = started_lesson()
    check_in(lesson.id, student=OTHER)
    finish_lesson(lesson.id, actor=TEACHER)
    asked = signed_in(TEACHER).post(f"{board_of(lesson)}add/", typed())
    assert asked.status_code == 409
    assert AttendanceRecord.objects.count() == 1


def test_the_buttons_of_one_click_are_never_asked() -> None:
    section = section_of_today((1,), walk_ins="refuse")
    lesson = section_lesson(section)
    with pytest.raises(NotOnRoster):
        check_in(lesson.id, student=OTHER)
    # Both have got another name since.
    user_of(OTHER)
    User.objects.filter(school_number__in=["S-0002", "S-0001"]).update(full_name="Married Since")
    desk = signed_in(TEACHER)
    accepted = desk.post(f"{board_of(lesson)}add/", typed("S-0002", OTHER.full_name))
    marked = desk.post(f"{board_of(lesson)}mark/", {"mark": "accept S-0001"})
    assert (accepted.status_code, marked.status_code) == (302, 302)
    assert store.read_lesson(lesson.id).record_count == 2


def test_a_number_that_is_none_is_said_at_its_field() -> None:
    lesson = started_lesson()
    page = signed_in(TEACHER).post(f"{board_of(lesson)}add/", typed("S 0002?"))
    assert page.status_code == 400
    assert "A school number has" in text_of(page)
    assert 'value="Ada Typed"' in text_of(page)


def test_people_of_the_roster_come_first_then_those_of_the_school() -> None:
    lesson = section_lesson(section_of_today((1, 2)), here=(1,))
    for number in range(3, 20):
        user_of(student(number))
    user_of(Person("T-9", "Student Teacher", Role.TEACHER))
    desk = signed_in(TEACHER)

    def found(text: str) -> list[str]:
        page = desk.get(f"{board_of(lesson)}people/", {"find": text})
        return [row.school_number for row in page.context["found"].rows]

    assert found("STUDENT") == [f"S-{n:04}" for n in (2, 1, 3, 4, 5, 6, 7, 8)]
    assert len(found("student")) == MOST
    assert found("0015") == ["S-0015"]
    assert found("st") == ["S-0002", "S-0001"]
    assert found("") == found("nobody") == []
    told = text_of(desk.get(board_of(lesson), {"find": "Student 0001"}))
    assert 'id="f-S-0001"' not in told
    assert "In the register:" in told
    assert 'id="f-S-0002"' in text_of(desk.get(board_of(lesson), {"find": "Student 0002"}))


def test_one_click_marks_somebody_of_the_school() -> None:
    user_of(OTHER)
    lesson, desk = started_lesson(), signed_in(TEACHER)
    sent = {"mark": "accept S-0002", "request_id": "f-1", "find": "sahin", "tab": "all"}
    led = desk.post(f"{board_of(lesson)}mark/", sent)
    assert led.headers["Location"] == f"{board_of(lesson)}?tab=all&find=sahin#r-S-0002"
    assert "Zeynep Şahin: present" in text_of(desk.get(led.headers["Location"]))
    part = desk.post(f"{board_of(lesson)}mark/", sent, headers={"HX-Request": "true"})
    assert '<div id="people" role="status" hx-swap-oob="true">' in text_of(part)
    assert "In the register:" in text_of(part)
    assert store.read_lesson(lesson.id).record_count == 1


def test_a_person_with_another_number_is_found_once_as_the_register_has_them() -> None:
    lesson = started_lesson()
    check_in(lesson.id, student=OTHER)
    user_of(OTHER)
    row = User.objects.get(school_number="S-0002")
    row.school_number = "S-9002"
    row.save()
    page = signed_in(TEACHER).get(f"{board_of(lesson)}people/", {"find": "9002"})
    assert [(row.school_number, row.status) for row in page.context["found"].rows] == [
        ("S-0002", "present")
    ]


def test_who_is_found_without_postgresql(no_postgresql: Any) -> None:
    lesson = section_lesson(section_of_today((1, 2)))
    desk = signed_in(TEACHER)
    desk.get(board_of(lesson))
    no_postgresql()
    page = desk.get(f"{board_of(lesson)}people/", {"find": "student"})
    assert len(page.context["found"].rows) == 2
    assert "only people of this lesson" in text_of(page)


@pytest.mark.parametrize(
    ("person", "status"), [(STUDENT, 403), (Person("T-9", "Teacher 9", Role.TEACHER), 404)]
)
def test_only_who_runs_the_lesson_finds_people_and_learns_names(
    person: Person, status: int
) -> None:
    user_of(OTHER)
    lesson = started_lesson()
    client = signed_in(person)
    for answer in (
        client.get(f"{board_of(lesson)}people/", {"find": "sahin"}),
        client.get(board_of(lesson), {"find": "sahin"}),
        client.post(f"{board_of(lesson)}add/", typed()),
    ):
        assert answer.status_code == status
        assert "Zeynep" not in text_of(answer)


def test_the_admin_asks_too() -> None:
    user_of(OTHER)
    lesson = started_lesson()
    finish_lesson(lesson.id, actor=TEACHER)
    staff = signed_in(STAFF)
    account(STAFF)
    url = reverse("admin:attendance_add_student", args=[lesson.id])
    asked = staff.post(url, {**typed(), "verdict": "accept"})
    assert "S-0002 is the number of Zeynep Şahin" in text_of(asked)
    assert 'value="Ada Typed"' in text_of(asked)
    assert not AttendanceRecord.objects.exists()
    assert staff.post(url, {**typed(name=OTHER.full_name), "verdict": "accept"}).status_code == 302
