"""Pages of courses: whose they are, what is on them, and how the rules are changed there."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from courses.models import Policy, Section
from courses.vocabulary import EnrolmentRole
from tests.pages.visitors import signed_in, text_of
from tests.support.callers import account
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
from users.identity import Person, Role
from users.services.merging import merge_people

pytestmark = pytest.mark.django_db(transaction=True)

RULES = {
    "opens_before": "5",
    "late_after": "10",
    "absent_after": "30",
    "late_credit": "100",
    "min_presence": "0",
    "counted": "lessons",
    "threshold": "70",
}


@pytest.fixture
def section() -> Section:
    return section_with_everybody(code="QED-1", title="Physics", location="B 12")


@pytest.mark.parametrize(
    ("person", "rosters", "sets"),
    [
        (TEACHER, 200, 302),
        (ASSISTANT, 200, 403),
        (STAFF, 200, 302),
        (OBSERVER, 403, 403),
        (LEARNER, 403, 403),
        (OTHER_TEACHER, 404, 404),
        (student(2), 404, 404),
        (None, 302, 302),
    ],
)
def test_whose_a_course_is(
    person: Person | None, rosters: int, sets: int, section: Section
) -> None:
    client = signed_in(person) if person else Client()
    for path in ("", "rules/"):
        assert client.get(f"/courses/{section.pk}/{path}").status_code == rosters
    assert client.post(f"/courses/{section.pk}/rules/", RULES).status_code == sets
    assert Policy.objects.count() == (person is not None and sets == 302)


def test_a_teacher_starts_a_lesson_of_a_course_with_one_press(section: Section) -> None:
    enrolled(running_section(title="Chemistry"), TEACHER, EnrolmentRole.TEACHER)
    page = signed_in(TEACHER).get("/courses/")
    text = text_of(page)
    assert text.index("Chemistry") < text.index("Physics")
    assert text.count('action="/lessons/start/"') == 2
    assert f'name="section" value="#{section.pk}"' in text
    keys = {each.request_id for each in page.context["taught"]}
    assert len(keys) == 2
    assert "1 student" in text


def test_what_does_not_run_today_is_last_and_starts_nothing(section: Section) -> None:
    today = timezone.localdate()
    over = running_section(title="Algebra", starts_on=today - 20 * DAY, ends_on=today - DAY)
    enrolled(over, TEACHER, EnrolmentRole.TEACHER)
    text = text_of(signed_in(TEACHER).get("/courses/"))
    assert text.index("Physics") < text.index("Algebra")
    assert text.count('action="/lessons/start/"') == 1
    assert 'action="/lessons/start/"' not in text_of(signed_in(TEACHER).get(f"/courses/{over.pk}/"))


def test_a_student_sees_who_teaches_and_no_roster(section: Section) -> None:
    text = text_of(signed_in(LEARNER).get("/courses/"))
    for word in ("My courses", "Physics", "QED-1", section.term.title, "B 12", TEACHER.full_name):
        assert word in text
    assert "1 student" not in text
    assert f"/courses/{section.pk}/" not in text
    assert "Start a lesson" not in text
    assert "You observe it" in text_of(signed_in(OBSERVER).get("/courses/"))


def test_a_student_who_assists_has_both(section: Section) -> None:
    enrolled(running_section(title="Chemistry"), ASSISTANT, EnrolmentRole.STUDENT)
    page = signed_in(ASSISTANT).get("/courses/")
    assert [each.view.section for each in page.context["taught"]] == [section]
    assert [each.view.section.title for each in page.context["attended"]] == ["Chemistry"]
    assert "You assist" in text_of(page)


@pytest.mark.parametrize("role", Role)
def test_whoever_has_no_course_is_told_what_to_do(role: Role) -> None:
    text = text_of(signed_in(Person("X-1", "Somebody", role)).get("/courses/"))
    assert any(word in text for word in ("can enrol you", "No course yet"))
    assert 'href="/courses/"' in text


def titles(client: Client, query: str = "") -> list[str]:
    page = client.get(f"/courses/{query}")
    return [view.section.title for view in page.context["views"]]


def test_staff_find_courses_by_term_archive_and_words(section: Section) -> None:
    running_section(title="Işık Bilgisi", archived_at=timezone.now())
    desk = signed_in(STAFF)
    assert "Physics" in titles(desk)
    assert "Işık Bilgisi" not in titles(desk)
    assert titles(desk, "?archived=yes&search=ışIK") == ["Işık Bilgisi"]
    assert titles(desk, f"?term={section.term_id}") == ["Physics"]
    assert titles(desk, "?search=qed-1") == ["Physics"]
    assert titles(desk, "?term=x&before=y") == titles(desk)
    assert "No course is called that" in text_of(desk.get("/courses/?search=nothing"))
    assert "No teacher yet" not in text_of(desk.get("/courses/?search=qed-1"))


def test_many_courses_come_in_pages(section: Section) -> None:
    for number in range(60):
        running_section(title=f"Course {number:02}", term=section.term)
    desk = signed_in(STAFF)
    first = desk.get("/courses/?search=Course")
    older = desk.get(f"/courses/?search=Course&before={first.context['page'].next_key}")
    found = [view.section.title for page in (first, older) for view in page.context["views"]]
    assert found == [f"Course {number:02}" for number in reversed(range(60))]
    assert "search=Course" in text_of(first)
    newer = desk.get(f"/courses/?search=Course&after={older.context['page'].previous_key}")
    assert newer.context["views"] == first.context["views"]


def numbers(answer: Any) -> list[str]:
    return [row.number for row in answer.context["page"].items]


def test_a_roster_is_searched_by_name_and_number(section: Section) -> None:
    for number, name in enumerate(("Işık Aydın", "İnci Şahin", "Can Dağ"), start=10):
        enrolled(section, Person(f"S-{number}", name), EnrolmentRole.STUDENT)
    desk, path = signed_in(TEACHER), f"/courses/{section.pk}/"
    for search, found in (
        ("ışık", ["S-10"]),
        ("IŞIK", ["S-10"]),
        ("inci", ["S-11"]),
        ("INCI", ["S-11"]),
        ("şahin", ["S-11"]),
        ("DAĞ", ["S-12"]),
        ("s-1", ["S-10", "S-11", "S-12"]),
        ("nobody", []),
        (".", []),
        ("", ["S-0003", "S-10", "S-11", "S-12"]),
    ):
        answer = desk.get(path, {"search": search})
        assert numbers(answer) == found
        assert answer.context["total"] == len(found)
    assert "Nobody on the roster is called that" in text_of(desk.get(path, {"search": "nobody"}))


def test_a_roster_names_everybody_of_a_day(section: Section) -> None:
    today = section.local_date(timezone.now())
    enrolled(section, student(4), EnrolmentRole.STUDENT, ends_on=today)
    desk, path = signed_in(ASSISTANT), f"/courses/{section.pk}/"
    assert numbers(desk.get(path)) == ["S-0003"]
    assert numbers(desk.get(path, {"on": str(today - DAY)})) == ["S-0003", "S-0004"]
    assert numbers(desk.get(path, {"on": "yesterday"})) == ["S-0003"]
    text = text_of(desk.get(path))
    for person in (TEACHER, ASSISTANT, OBSERVER):
        assert person.full_name in text


def test_two_accounts_of_one_person_are_one_row_under_their_root(section: Section) -> None:
    for number in (20, 21):
        enrolled(section, student(number), EnrolmentRole.STUDENT)
    merge_people(duplicate="S-0021", into="S-0020", actor=account(STAFF), reason="typed wrong")
    enrolled(section, TEACHER, EnrolmentRole.TEACHER, is_primary=True)
    page = signed_in(TEACHER).get(f"/courses/{section.pk}/")
    assert numbers(page) == ["S-0003", "S-0020"]
    assert page.context["view"].student_total == 2
    teachers = [row for row in page.context["others"] if row.role == "teacher"]
    assert [(row.number, row.is_primary) for row in teachers] == [("T-1", True)]


def test_the_roster_is_uploaded_by_teachers_and_staff(section: Section) -> None:
    address = f"/sections/{section.pk}/import/"
    for person, is_there in ((TEACHER, True), (STAFF, True), (ASSISTANT, False)):
        assert (address in text_of(signed_in(person).get(f"/courses/{section.pk}/"))) is is_there
    assert f'href="/courses/{section.pk}/"' in text_of(signed_in(TEACHER).get(address))


def test_a_large_roster_comes_in_pages(section: Section) -> None:
    for number in range(150):
        enrolled(section, student(1000 + number), EnrolmentRole.STUDENT)
    desk, path = signed_in(TEACHER), f"/courses/{section.pk}/"
    first = desk.get(path)
    following = desk.get(path, {"before": first.context["page"].next_key})
    assert first.context["total"] == 151
    assert [len(numbers(page)) for page in (first, following)] == [100, 51]
    assert not set(numbers(first)) & set(numbers(following))
    back = desk.get(path, {"after": following.context["page"].previous_key})
    assert numbers(back) == numbers(first)
    assert "before=S-" in text_of(first)
    for strange in ("'; --", "\x00"):
        assert numbers(desk.get(path, {"before": strange})) == numbers(first)


def test_rules_are_set_and_told_in_words_with_who_and_when(section: Section) -> None:
    desk, path = signed_in(TEACHER), f"/courses/{section.pk}/rules/"
    assert "This course has no rules yet" in text_of(desk.get(path))
    assert desk.post(path, RULES).headers["Location"] == path
    desk.post(path, {**RULES, "late_after": "0.5", "absent_after": "", "warn": "69.5"})

    page = desk.get(path)
    text = text_of(page)
    assert "Late from 0 min 30 s after the start on." in text
    assert "Whoever comes before the end is not absent." in text
    assert "Warning below 69.5 %." in text
    assert "Late from 10 minutes after the start on." in text
    assert [row.version for row, _, _ in page.context["versions"]] == [2, 1]
    assert text.count(TEACHER.full_name) >= 3
    assert [tick.label for tick in page.context["drawing"].ticks] == ["−5", "0", "0:30", "end"]
    assert page.context["form"].initial["warn"] * 10 == 695


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"late_after": "31"}, "Nobody is absent before they are late"),
        ({"threshold": "100.1"}, "less than or equal to 100"),
        ({"late_after": "x"}, "Enter a number"),
        ({"opens_before": "1441"}, "less than or equal to 1440"),
    ],
)
def test_bad_rules_stay_on_the_form_with_what_is_wrong(
    changes: dict[str, str], words: str, section: Section
) -> None:
    answer = signed_in(TEACHER).post(f"/courses/{section.pk}/rules/", RULES | changes)
    assert answer.status_code == 400
    text = text_of(answer)
    assert words in text
    assert all(f'value="{value}"' in text for value in changes.values())
    assert not Policy.objects.exists()


def test_only_those_who_may_see_the_form(section: Section) -> None:
    path = f"/courses/{section.pk}/rules/"
    assert "New rules" in text_of(signed_in(STAFF).get(path))
    assert "New rules" not in text_of(signed_in(ASSISTANT).get(path))
    Section.objects.filter(pk=section.pk).update(archived_at=timezone.now())
    text = text_of(signed_in(TEACHER).get(path))
    assert "archived" in text
    assert "New rules" not in text
    assert "Start a lesson" not in text
    assert signed_in(TEACHER).post(path, RULES).status_code == 409
