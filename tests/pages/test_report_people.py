"""The students of a course with their figures: who is in trouble comes first."""

import csv
import io
from fractions import Fraction
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from attendance.models import AttendanceRecord
from courses.models import Section
from reports.people import SORTS, people_of_section
from reports.scope import Scope
from tests.pages.visitors import signed_in, text_of
from tests.support.lessons import TEACHER, student
from tests.support.members import ASSISTANT, STAFF, section_with_everybody
from tests.support.sections import enrol, section_of_today
from tests.support.terms import marks

pytestmark = pytest.mark.django_db(transaction=True)


def page_of(section: Section, person: Any = TEACHER, **query: Any) -> Any:
    return signed_in(person).get("/reports/people/", {"section": section.pk, **query})


def rows_of(page: Any) -> dict[str, dict[str, str]]:
    return {
        person.school_number: {cell.column.key: cell.text for cell in cells}
        for person, cells in page.context["people"]
    }


def test_who_has_the_least_comes_first_and_is_told_what_is_left() -> None:
    section = section_of_today((1, 2, 3), policy={"threshold_permille": 700})
    marks(section, {1: "PPPPP", 2: "PAAAE", 3: "PPPAP"})
    found = rows_of(page_of(section))
    assert list(found) == ["S-0002", "S-0003", "S-0001"]
    assert {number: row["rate"] for number, row in found.items()} == {
        "S-0002": "25 %",
        "S-0003": "80 %",
        "S-0001": "100 %",
    }
    assert [row["standing"] for row in found.values()] == ["too little", "enough", "enough"]
    # Of 4 in 5: 4 / 0.7 - 5 = 0.71 lessons more, rounded down.
    assert [row["can_miss"] for row in found.values()] == ["-2.6", "0.7", "2.1"]
    assert [row["in_a_row"] for row in found.values()] == ["3", "0", "0"]
    assert text_of(page_of(section)).count('class="status absent"') == 1


def test_the_table_is_ordered_by_what_is_asked() -> None:
    section = section_of_today((1, 2, 3))
    marks(section, {1: "APPP", 2: "AAPA", 3: "APAA"})
    order = {sort: list(rows_of(page_of(section, sort=sort))) for sort in [*SORTS, "x"]}
    assert order["in_a_row"] == ["S-0003", "S-0002", "S-0001"]
    assert order["days_without"] == ["S-0003", "S-0002", "S-0001"]
    assert order["school_number"] == ["S-0001", "S-0002", "S-0003"]
    assert order["x"] == order["rate"] == ["S-0002", "S-0003", "S-0001"]


def test_days_left_are_those_of_the_rules() -> None:
    section = section_of_today((1, 2), policy={"days_without": 10, "document_days": 14})
    marks(section, {1: "PAA", 2: "AAA"})
    found = rows_of(page_of(section))
    # Seen three days ago: warned in seven. Never seen: counted from the first day of the term.
    assert (found["S-0001"]["days_without"], found["S-0001"]["days_left"]) == ("3", "7")
    assert (found["S-0002"]["days_without"], found["S-0002"]["days_left"]) == ("30", "-20")


def test_a_course_without_lessons_or_rules_has_no_share() -> None:
    bare = rows_of(page_of(section_of_today((1,))))["S-0001"]
    assert [bare[name] for name in ("rate", "standing", "can_miss", "lessons")] == [
        "–",
        "–",
        "–",
        "0",
    ]
    all_excused = section_of_today((2,), policy={"threshold_permille": 700})
    marks(all_excused, {2: "EE"})
    told = rows_of(page_of(all_excused))["S-0002"]
    assert (told["rate"], told["standing"]) == ("–", "nothing counts yet")
    assert "Nobody was on the roster" in text_of(page_of(section_of_today(())))


def test_shares_are_those_of_sql(django_assert_max_num_queries: Any) -> None:
    section = section_of_today(range(1, 6), policy={"late_credit_permille": 500})
    marks(section, {1: "PPLA", 2: "LLLL", 3: "AAAA", 4: "PEPA", 5: "EEEE"})
    scope = Scope(
        at=timezone.now(), section_ids=frozenset({section.pk}), time_zone=section.time_zone
    )
    with django_assert_max_num_queries(7):
        people = people_of_section(scope, section, at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT student_id, sum(CASE status WHEN 'present' THEN 2 WHEN 'late' THEN 1 END),"
            " count(*) FILTER (WHERE status <> 'excused') FROM attendance_attendancerecord"
            " GROUP BY 1"
        )
        by_sql = {
            pk: Fraction(halves or 0, 2 * lessons) if lessons else None
            for pk, halves, lessons in cursor.fetchall()
        }
    assert {person.user_id: person.figures.rate for person in people} == by_sql


def test_who_has_the_people_and_their_file() -> None:
    section = section_with_everybody()
    enrol(section, student(1))
    query = {"section": section.pk}
    assert page_of(section, ASSISTANT).status_code == 200
    assert page_of(section, student(1)).status_code == 404
    assert signed_in(STAFF).get("/reports/people/")["Location"] == "/reports/"
    answer = signed_in(TEACHER).get("/reports/people/csv/", query)
    head, *rows = csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig")))
    assert (head[0], len(rows)) == ("Number", 2)
    book = signed_in(TEACHER).get("/reports/people/xlsx/", query)
    assert book.getvalue().startswith(b"PK")
    for person, status in ((ASSISTANT, 403), (student(1), 404)):
        assert signed_in(person).get("/reports/people/csv/", query).status_code == status


def test_people_ask_the_same_whatever_their_number() -> None:
    section, desk = section_of_today((1,), policy={}), signed_in(TEACHER)

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert desk.get("/reports/people/", {"section": section.pk}).status_code == 200
        return len(queries)

    marks(section, {1: "PA"})
    first = asked()
    for number in range(2, 9):
        enrol(section, student(number))
    marks(section, dict.fromkeys(range(1, 9), "PA"))
    assert AttendanceRecord.objects.count() == 18
    assert asked() <= first


def test_a_large_course_is_read_page_by_page_and_nobody_is_lost() -> None:
    section = section_of_today(range(1, 251), policy={})
    marks(section, {number: "PA" if number % 3 else "AA" for number in range(1, 251)})
    for sort in ("rate", "school_number"):
        page = page_of(section, sort=sort)
        seen, keys = [list(rows_of(page))], []
        while (key := page.context["page"].next_key) and len(seen) < 5:
            keys.append(key)
            page = page_of(section, sort=sort, before=key)
            seen.append(list(rows_of(page)))
        assert [len(each) for each in seen] == [100, 100, 50]
        assert len({number for each in seen for number in each}) == 250
        back = page_of(section, sort=sort, after=page.context["page"].previous_key)
        assert list(rows_of(back)) == seen[1]
        assert list(rows_of(page_of(section, sort=sort, before="nave"))) == seen[0]
    page = page_of(section)
    assert "before=" in page.content.decode()
    assert len(page_of(section, before="S-0001").context["page"].items) == 100
