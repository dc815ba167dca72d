"""Reports over the API: their columns, pages that lose nothing, people, and files."""

import csv
import io
from typing import Any

import pytest

from courses.models import Section
from courses.vocabulary import EnrolmentRole
from tests.support.callers import Api
from tests.support.lessons import TEACHER, student
from tests.support.members import ASSISTANT, STAFF, enrolled, section_with_everybody
from tests.support.sections import section_of_today, user_of
from tests.support.terms import term_of_lessons

pytestmark = pytest.mark.django_db(transaction=True)


def term(students: int, lessons: int) -> Section:
    section = section_of_today(range(1, students + 1), code="=1+1")
    people = [user_of(student(number)) for number in range(1, students + 1)]
    term_of_lessons(section, people, lessons=lessons, teacher=user_of(TEACHER))
    return section


def test_every_report_tells_its_columns_and_rows_have_them() -> None:
    section = term(3, 2)
    teacher = Api(TEACHER)
    for each in teacher.get("reports/").json()["results"]:
        answer = teacher.get(f"reports/{each['key']}/?section={section.pk}")
        assert answer.status_code == 200, answer.content
        keys = {column["key"] for column in each["columns"]}
        assert all(set(row) == keys for row in answer.json()["results"])


def test_pages_go_to_the_end_and_back() -> None:
    term(5, 7)
    teacher, seen = Api(TEACHER), []
    address = "reports/marks/?page_size=10"
    while address:
        page = teacher.get(address.partition("/api/v1/")[2] or address).json()
        seen.append(page["results"])
        address = page["next"]
    assert [len(each) for each in seen] == [10, 10, 10, 5]
    assert len({(r["starts_at"], r["school_number"]) for each in seen for r in each}) == 35
    back = teacher.get(page["previous"].partition("/api/v1/")[2]).json()
    assert back["results"] == seen[2]


def test_people_have_their_shares_as_numbers() -> None:
    section = term(3, 4)
    rows = Api(TEACHER).get(f"reports/people/?section={section.pk}").json()["results"]
    assert len(rows) == 3
    assert all(row["rate"] is None or 0 <= row["rate"] <= 1 for row in rows)
    # Without rules nobody is judged.
    assert {row["standing"] for row in rows} == {None}


@pytest.mark.parametrize("key", ["marks", "lessons", "people", "register"])
def test_a_file_has_all_rows_and_runs_nothing(key: str) -> None:
    section = term(3, 2)
    answer = Api(TEACHER).get(f"reports/{key}/csv/?section={section.pk}")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    head, *rows = csv.reader(io.StringIO(answer.getvalue().decode()))
    assert len(rows) == {"marks": 6, "lessons": 2, "people": 3, "register": 3}[key]
    if "section_code" in head:
        assert {row[head.index("section_code")] for row in rows} == {"'=1+1"}
    if key == "marks":
        assert {row[head.index("status")] for row in rows} <= {
            "present",
            "late",
            "absent",
            "excused",
        }


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("nothing/", 404, "report_not_found"),
        ("register/", 404, "report_not_found"),
        ("people/", 400, "section_needed"),
        ("people/csv/", 400, "section_needed"),
        ("register/csv/", 400, "section_needed"),
        ("marks/?from=2026-02-02&to=2026-02-01", 400, "invalid_days"),
        ("marks/?from=0001-01-01", 400, "invalid_input"),
        ("marks/?from=tomorrow", 400, "invalid_input"),
        ("marks/?person=/", 400, "invalid_school_number"),
        ("marks/?person=S-777", 404, "person_not_found"),
        ("marks/?section=777", 404, "section_not_found"),
        ("marks/?section=0", 400, "invalid_input"),
        ("marks/?component=nave", 400, "invalid_input"),
        ("marks/?nave=1", 400, "invalid_input"),
        ("marks/?cursor=x", 404, "page_not_found"),
        ("marks/?cursor=Yg==", 404, "page_not_found"),
        ("marks/?cursor=Yng=", 404, "page_not_found"),
    ],
)
def test_what_is_asked_wrongly(path: str, status: int, code: str) -> None:
    answer = Api(STAFF).get(f"reports/{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_who_gets_a_file() -> None:
    section = section_with_everybody()
    enrolled(section, student(1), EnrolmentRole.STUDENT)
    query = f"?section={section.pk}"

    def statuses(path: str) -> list[int]:
        answers: list[Any] = [Api(who).get(path) for who in (TEACHER, ASSISTANT, student(1))]
        for answer in answers:
            answer.close()
        return [answer.status_code for answer in answers]

    assert statuses(f"reports/marks/csv/{query}") == [200, 403, 200]
    assert statuses(f"reports/people/{query}") == [200, 200, 404]
    assert statuses(f"reports/register/csv/{query}") == [200, 403, 404]
    assert statuses(f"reports/lessons/{query}") == [200, 200, 404]
