"""Sections over the API: one's own with what one is there, rosters of a day, rules by version."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from courses.models import Policy, Section
from courses.vocabulary import Component, EnrolmentRole
from tests.support.callers import Api, account
from tests.support.course_factories import CourseFactory
from tests.support.lessons import TEACHER, student
from tests.support.members import (
    ASSISTANT,
    DAY,
    LEARNER,
    OBSERVER,
    OTHER_TEACHER,
    STAFF,
    enrolled,
    running_section,
    section_with_everybody,
)

pytestmark = pytest.mark.django_db(transaction=True)


def listed(person: Any, query: str = "") -> list[Any]:
    answer = Api(person).get(f"sections/{query}")
    assert answer.status_code == 200, answer.content
    results: list[Any] = answer.json()["results"]
    return results


@pytest.fixture
def section() -> Section:
    return section_with_everybody(
        code="PHY-1", title="Physics", component=Component.LAB, location="B 12", walk_ins="hold"
    )


def test_a_section_is_told_whole(section: Section) -> None:
    term = section.term
    assert listed(TEACHER) == [
        {
            "id": section.pk,
            "code": "PHY-1",
            "title": "Physics",
            "component": "lab",
            "term": {
                "id": term.pk,
                "title": term.title,
                "starts_on": str(term.starts_on),
                "ends_on": str(term.ends_on),
            },
            "time_zone": "Europe/Istanbul",
            "location": "B 12",
            "walk_ins": "hold",
            "my_role": "teacher",
            "student_total": 1,
            "teacher_total": 1,
            "teachers": [TEACHER.full_name],
            "starts_on": str(section.starts_on),
            "ends_on": str(section.ends_on),
            "archived_at": None,
        }
    ]
    assert Api(TEACHER).get(f"sections/{section.pk}/").json() == listed(TEACHER)[0]


def test_everybody_finds_what_they_are_in_and_staff_all(section: Section) -> None:
    own = {
        person.school_number: [(each["id"], each["my_role"]) for each in listed(person)]
        for person in (TEACHER, ASSISTANT, OBSERVER, LEARNER, student(2))
    }
    assert own == {
        TEACHER.school_number: [(section.pk, "teacher")],
        ASSISTANT.school_number: [(section.pk, "assistant")],
        OBSERVER.school_number: [(section.pk, "observer")],
        LEARNER.school_number: [(section.pk, "student")],
        student(2).school_number: [],
    }
    assert {each["my_role"] for each in listed(STAFF)} == {None}
    assert len(listed(STAFF)) == 2
    assert listed(OTHER_TEACHER)[0]["id"] != section.pk


def test_how_many_learn_there_is_for_those_who_see_the_roster(section: Section) -> None:
    totals = {
        person.school_number: listed(person)[0]["student_total"]
        for person in (TEACHER, ASSISTANT, OBSERVER, LEARNER)
    }
    assert list(totals.values()) == [1, 1, None, None]
    assert listed(LEARNER)[0]["teachers"] == [TEACHER.full_name]


def test_people_are_counted_and_no_rows_of_theirs(section: Section) -> None:
    """Somebody who teaches twice is one teacher, and the one in charge is named first."""
    enrolled(section, TEACHER, EnrolmentRole.TEACHER)
    enrolled(section, OTHER_TEACHER, EnrolmentRole.TEACHER, is_primary=True)
    enrolled(section, student(4), EnrolmentRole.STUDENT, ends_on=timezone.localdate())
    view = listed(TEACHER)[0]
    assert (view["student_total"], view["teacher_total"]) == (1, 2)
    assert view["teachers"] == [OTHER_TEACHER.full_name, TEACHER.full_name]


def test_who_was_enrolled_yesterday_or_will_be_tomorrow_finds_nothing(section: Section) -> None:
    today = section.local_date(timezone.now())
    enrolled(section, student(5), EnrolmentRole.TEACHER, ends_on=today)
    enrolled(section, student(6), EnrolmentRole.TEACHER, begins_on=today + DAY)
    for person in (student(5), student(6)):
        assert listed(person) == []
        for path in ("", "roster/", "policy/"):
            assert Api(person).get(f"sections/{section.pk}/{path}").status_code == 404


def test_lists_are_filtered_by_term_archive_and_words(section: Section) -> None:
    archived = running_section(title="Işık", code="opt", archived_at=timezone.now())
    coded = running_section(course=CourseFactory.create(code="CHM-9"))

    def found(query: str) -> list[int]:
        return [each["id"] for each in listed(STAFF, f"?{query}")]

    assert found("archived=true") == [archived.pk]
    assert archived.pk not in found("archived=false")
    assert archived.pk in found("")
    for nothing in ("", "null", "both"):
        assert Api(STAFF).get(f"sections/?archived={nothing}").status_code == 400
    assert found(f"term={section.term_id}") == [section.pk]
    assert found("search=işık") == found("search=IŞIK") == found("search=OPT") == [archived.pk]
    assert found("search=chm-9") == [coded.pk]
    assert found("search=.") == found("search=%") == []
    assert listed(TEACHER, f"?term={archived.term_id}") == []
    assert listed(TEACHER, "?archived=true") == []


def test_lists_come_in_pages_that_hold_all(section: Section) -> None:
    for number in range(5):
        enrolled(running_section(title=f"{number}"), TEACHER, EnrolmentRole.TEACHER)
    api, path, ids = Api(TEACHER), "sections/?page_size=4", []
    while path:
        page = api.get(path).json()
        ids += [each["id"] for each in page["results"]]
        path = (page["next"] or "").partition("/api/v1/")[2]
    assert len(ids) == 6
    assert ids == sorted(ids, reverse=True)


def queries(path: str, person: Any = TEACHER) -> int:
    api = Api(person)
    api.get(path)
    with CaptureQueriesContext(connection) as captured:
        assert api.get(path).status_code == 200
    return len(captured)


def test_many_sections_and_people_take_as_many_queries_as_one(section: Section) -> None:
    paths = ("sections/", f"sections/{section.pk}/roster/", f"sections/{section.pk}/policy/")
    before = [queries(path) for path in paths]
    for number in range(12):
        enrolled(running_section(), TEACHER, EnrolmentRole.TEACHER)
        enrolled(section, student(10 + number), EnrolmentRole.STUDENT)
        Policy.objects.create(section=section, version=number + 1, set_by=account(STAFF))
    assert [queries(path) for path in paths] == before


def test_a_roster_is_that_of_a_day(section: Section) -> None:
    today = section.local_date(timezone.now())
    enrolled(section, student(4), EnrolmentRole.STUDENT, ends_on=today)
    path = f"sections/{section.pk}/roster/"

    def numbers(query: str = "") -> list[str]:
        answer = Api(ASSISTANT).get(path + query).json()
        return [each["school_number"] for each in answer["results"]]

    assert numbers() == ["A-1", "O-1", "S-0003", "T-1"]
    assert numbers(f"?on={today - DAY}") == ["A-1", "O-1", "S-0003", "S-0004", "T-1"]
    assert numbers(f"?on={section.starts_on - DAY}") == []
    assert Api(TEACHER).get(path).json()["results"][2] == {
        "school_number": "S-0003",
        "full_name": LEARNER.full_name,
        "role": "student",
        "is_primary": False,
        "begins_on": str(section.starts_on),
        "ends_on": None,
    }


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
def test_today_is_that_of_the_section(zone: str) -> None:
    section = running_section(time_zone=zone)
    today = section.local_date(timezone.now())
    enrolled(section, TEACHER, EnrolmentRole.TEACHER, begins_on=today, ends_on=today + DAY)
    enrolled(section, student(4), EnrolmentRole.STUDENT, begins_on=today, ends_on=today + DAY)
    roster = Api(TEACHER).get(f"sections/{section.pk}/roster/").json()["results"]
    assert [each["school_number"] for each in roster] == ["S-0004", "T-1"]
    assert listed(TEACHER)[0]["student_total"] == 1


@pytest.mark.parametrize("size", [3, 4])
def test_a_roster_comes_in_pages_forward_and_back(size: int, section: Section) -> None:
    for number in range(20, 30):
        enrolled(section, student(number), EnrolmentRole.STUDENT)
    # Who has two roles has two rows; pages of three end between them.
    enrolled(section, student(25), EnrolmentRole.ASSISTANT)
    api, path, pages = Api(TEACHER), f"sections/{section.pk}/roster/?page_size={size}", []
    while path:
        pages.append(api.get(path).json())
        path = (pages[-1]["next"] or "").partition("/api/v1/")[2]
    numbers = [each["school_number"] for page in pages for each in page["results"]]
    assert numbers == sorted(numbers)
    assert len(numbers) == 15
    back = pages[-1]
    for page in reversed(pages[:-1]):
        back = api.get(back["previous"].partition("/api/v1/")[2]).json()
        assert back["results"] == page["results"]
    assert pages[0]["previous"] is None
    assert back["previous"] is None
    assert api.get(f"sections/{section.pk}/roster/?cursor=YjA=").status_code == 404


def test_an_archived_section_is_still_read(section: Section) -> None:
    Section.objects.filter(pk=section.pk).update(archived_at=timezone.now())
    assert listed(TEACHER) == []
    assert Api(TEACHER).get(f"sections/{section.pk}/").json()["archived_at"]
    assert Api(TEACHER).get(f"sections/{section.pk}/roster/").status_code == 200
    answer = Api(TEACHER).put(f"sections/{section.pk}/policy/", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "section_archived")


def test_each_change_of_the_rules_is_a_version_with_who_and_when(section: Section) -> None:
    path = f"sections/{section.pk}/policy/"
    assert Api(TEACHER).get(path).json()["results"] == []
    first = Api(TEACHER).put(path, {"late_after_s": 600, "counted": "hours"})
    again = Api(STAFF).put(path, {"late_after_s": 600, "counted": "hours"})
    second = Api(STAFF).put(path, {"late_after_s": None, "threshold_permille": 800})

    assert first.json() == again.json()
    assert first.json() | {"set_at": ""} == {
        "version": 1,
        "opens_before_s": 0,
        "late_after_s": 600,
        "absent_after_s": None,
        "min_presence_permille": 0,
        "late_credit_permille": 1000,
        "counted": "hours",
        "threshold_permille": 700,
        "warn_permille": None,
        "in_a_row": None,
        "days_without": None,
        "min_lessons": 0,
        "min_days": 0,
        "basis": "rate",
        "must_exceed": False,
        "planned": None,
        "excused_as": "reason",
        "document_days": None,
        "set_by": {"school_number": TEACHER.school_number, "full_name": TEACHER.full_name},
        "set_at": "",
    }
    versions = Api(ASSISTANT).get(path).json()["results"]
    assert versions == [second.json(), first.json()]
    assert second.json()["set_by"]["school_number"] == STAFF.school_number


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"late_after_s": 600, "absent_after_s": 599}, "invalid_policy", "absent_after_s"),
        ({"late_after_s": -1}, "invalid_input", "late_after_s"),
        ({"late_after_s": "600"}, "invalid_input", "late_after_s"),
        ({"opens_before_s": 86_401}, "invalid_input", "opens_before_s"),
        ({"opens_before_s": None}, "invalid_input", "opens_before_s"),
        ({"counted": "weeks"}, "invalid_input", "counted"),
        ({"basis": "best"}, "policy_needs_plan", "planned"),
        ({"planned": 0}, "invalid_input", "planned"),
        ({"version": 3}, "invalid_input", "version"),
    ],
)
def test_bad_rules_are_refused_by_field(body: Any, code: str, field: str, section: Section) -> None:
    answer = Api(TEACHER).put(f"sections/{section.pk}/policy/", body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not Policy.objects.exists()


def test_a_section_that_is_not_there_is_not_found() -> None:
    for path in ("0/", "0/roster/", "99999999999999999999/", "1/policy/"):
        answer = Api(STAFF).get(f"sections/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "section_not_found")
