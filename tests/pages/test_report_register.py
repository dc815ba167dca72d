"""The register of a course as a table: marks, people, parts, and files."""

import csv
import io
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from attendance.models import Attendance, AttendanceRecord
from attendance.services.persistence import unified_persistence_task
from attendance.services.rosters.not_held import say_not_held
from courses.models import Section
from reports.matrix import LESSONS, PEOPLE
from tests.pages.visitors import signed_in, text_of
from tests.support.factories import AttendanceFactory, AttendanceRecordFactory
from tests.support.lessons import TEACHER, student
from tests.support.members import ASSISTANT, STAFF, section_with_everybody
from tests.support.sections import ended_section_lesson, enrol, section_of_today, user_of
from users.services.merging import merge_people

pytestmark = pytest.mark.django_db(transaction=True)


def stored(section: Section, *here: int) -> Attendance:
    lesson = ended_section_lesson(section, here)
    unified_persistence_task(lesson_ids=[lesson.id])
    return Attendance.objects.get(pk=lesson.id)


def table_of(page: Any) -> dict[str, str]:
    """By number, the letters of a student in a row."""
    return {
        row.school_number: "".join(re.findall(r">(.)</td>", cells))
        for row, _share, cells in page.context["rows"]
    }


def register(section: Section, person: Any = TEACHER, **query: Any) -> Any:
    return signed_in(person).get("/reports/register/", {"section": section.pk, **query})


def test_students_stand_down_and_lessons_across() -> None:
    section = section_of_today((1, 2))
    lessons = [stored(section, 1), stored(section, 1, 9), stored(section, 2)]
    AttendanceRecord.objects.filter(
        attendance=lessons[1], school_number=student(2).school_number
    ).update(status="excused")
    say_not_held(lessons[2].pk, actor=TEACHER, reason="no light")
    enrol(section, student(3))
    page = register(section)
    assert table_of(page) == {"S-0001": "PP·", "S-0002": "AEP", "S-0003": "···"}
    assert [lesson.pk for lesson in page.context["matrix"].lessons] == [each.pk for each in lessons]
    assert text_of(page).count('class="off"') == 1


def test_a_person_of_two_accounts_has_one_row() -> None:
    section = section_of_today((1, 2))
    stored(section, 2)
    merge_people(duplicate="S-0002", into="S-0001", actor=user_of(STAFF), reason="same")
    assert table_of(register(section)) == {"S-0001": "P"}


def test_both_ways_are_paged_and_nothing_is_twice() -> None:
    section = section_of_today(range(1, PEOPLE + 6))
    for _ in range(LESSONS + 5):
        lesson = AttendanceFactory.create(section=section, held_on=section.starts_on)
        AttendanceRecordFactory.create(attendance=lesson, student=user_of(student(1)))
    page = register(section)
    assert (len(table_of(page)), len(page.context["matrix"].lessons)) == (PEOPLE, LESSONS)
    older = register(section, older=page.context["matrix"].older_key)
    assert len(older.context["matrix"].lessons) == 5
    again = register(section, newer=older.context["matrix"].newer_key)
    assert again.context["matrix"].lessons == page.context["matrix"].lessons
    behind = register(section, before=page.context["matrix"].people.next_key)
    assert len(table_of(behind)) == 5
    back = register(section, after=behind.context["matrix"].people.previous_key)
    assert table_of(back) == table_of(page)

    head, *rows = csv.reader(
        io.StringIO(
            signed_in(TEACHER)
            .get("/reports/register/csv/", {"section": section.pk})
            .getvalue()
            .decode("utf-8-sig")
        )
    )
    assert (len(head), len(rows)) == (3 + LESSONS + 5, PEOPLE + 5)
    assert rows[0][3:] == ["present"] * (LESSONS + 5)
    assert set(rows[1][3:]) == {""}


def test_the_register_asks_the_same_whatever_it_shows() -> None:
    section, desk = section_of_today(range(1, 4)), signed_in(TEACHER)

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert desk.get("/reports/register/", {"section": section.pk}).status_code == 200
        return len(queries)

    stored(section, 1)
    first = asked()
    for number in range(4, 9):
        enrol(section, student(number))
    for _ in range(3):
        stored(section, 1, 2)
    assert asked() == first


def test_who_has_the_register() -> None:
    section = section_with_everybody()
    enrol(section, student(1))
    path = "/reports/register/"
    assert signed_in(STAFF).get(path)["Location"] == "/reports/"
    assert register(section, STAFF).status_code == 200
    assert register(section, ASSISTANT).status_code == 200
    assert register(section, student(1)).status_code == 404
    query = {"section": section.pk}
    assert signed_in(ASSISTANT).get(f"{path}csv/", query).status_code == 403
    assert signed_in(student(1)).get(f"{path}csv/", query).status_code == 404
    assert signed_in(STAFF).get(f"{path}csv/").status_code == 400
    book = signed_in(TEACHER).get(f"{path}xlsx/", query)
    assert book.getvalue().startswith(b"PK")


def test_an_empty_register_says_what_is_missing() -> None:
    section = section_of_today((1,))
    assert "No lesson of these days is saved yet." in text_of(register(section))
    empty = section_of_today(())
    AttendanceFactory.create(section=empty, held_on=empty.starts_on)
    assert "Nobody was on the roster" in text_of(register(empty))


@pytest.mark.parametrize("key", ["x", "", "bnVsbA", "/", "s 1", "9" * 99])
def test_a_broken_place_shows_the_newest_part(key: str) -> None:
    section = section_of_today((1,))
    stored(section, 1)
    for name in ("older", "newer", "before", "after"):
        assert table_of(register(section, **{name: key})) == {"S-0001": "P"}
