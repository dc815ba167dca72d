"""Courses with their sums, and people across courses by what they have missed."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from courses.models import Section
from courses.vocabulary import EnrolmentRole
from reports.people import people_of_section
from reports.scope import Scope
from tests.pages.visitors import rows_of, signed_in, text_of
from tests.support.callers import Api
from tests.support.course_factories import CourseFactory, EnrolmentFactory, TermFactory
from tests.support.lessons import TEACHER, student
from tests.support.members import ASSISTANT, OTHER_TEACHER, STAFF, section_with_everybody
from tests.support.people import merge
from tests.support.sections import enrol, section_of_today, set_rule, user_of
from tests.support.terms import marks, stored

pytestmark = pytest.mark.django_db(transaction=True)


def listed(reader: Any, key: str = "courses", **query: Any) -> list[dict[str, str]]:
    answer = signed_in(reader).get(f"/reports/{key}/", query)
    assert answer.status_code == 200, answer.content
    return rows_of(answer)


def two_courses() -> tuple[Section, Section]:
    first = section_of_today((1, 2, 3), code="M-1", title="Maths", policy={})
    marks(first, {1: "PPPP", 2: "PAAA", 3: "PPAA"})
    second = section_of_today((2, 3), code="P-1", title="Physics", teachers=(OTHER_TEACHER,))
    marks(second, {2: "PPA", 3: "AAA"})
    return first, second


def test_each_course_has_one_line_with_what_its_registers_add_up_to() -> None:
    first, _second = two_courses()
    stored(first)
    (physics, maths) = listed(STAFF)
    assert maths == {
        "section_code": "M-1",
        "section_title": "Maths",
        "term": first.term.title,
        "teachers": TEACHER.full_name,
        "students": "3",
        "held": "5",
        "rate": "46.7 %",
        # The factory's marks are a student's own; the lesson that was stored has none.
        "not_taken": "1",
        "below": "2",
    }
    assert [physics[key] for key in ("teachers", "held", "rate", "not_taken", "below")] == [
        OTHER_TEACHER.full_name,
        "3",
        "33.3 %",
        "0",
        "–",
    ]
    assert [row["section_code"] for row in listed(TEACHER)] == ["M-1"]
    page = signed_in(STAFF).get("/reports/courses/")
    assert len(page.context["chart"].bars) == 2
    assert "Maths: 46.7 %" in text_of(page)
    assert f'href="/reports/people/?section={first.pk}"' in text_of(page)


def test_people_across_courses_come_by_the_share_that_they_missed() -> None:
    first, second = two_courses()
    rows = listed(STAFF, "missed")
    assert [(r["school_number"], r["section_code"], r["missed_share"]) for r in rows] == [
        ("S-0003", "P-1", "100 %"),
        ("S-0002", "M-1", "75 %"),
        ("S-0003", "M-1", "50 %"),
        ("S-0002", "P-1", "33.3 %"),
        ("S-0001", "M-1", "0 %"),
    ]
    told = {row["school_number"]: (row["can_miss"], row["standing"]) for row in rows[1:3]}
    # Of 2 in 4: 2 / 0.7 - 4 = -1.14, rounded down.
    assert told == {"S-0002": ("-2.6", "too little"), "S-0003": ("-1.2", "too little")}
    assert {(row["can_miss"], row["standing"]) for row in rows if row["section_code"] == "P-1"} == {
        ("–", "–")
    }
    assert {row["section_code"] for row in listed(TEACHER, "missed")} == {"M-1"}
    assert len(listed(STAFF, "missed", person="S-0002")) == 2
    assert len(listed(STAFF, "missed", section=second.pk)) == 2
    page = signed_in(STAFF).get("/reports/missed/")
    link = f"/reports/person/?section={first.pk}&amp;person=S-0002"
    assert link in page.content.decode()
    assert len(page.context["chart"].bars) == 5


@pytest.mark.parametrize("counted", ["lessons", "hours", "days"])
@pytest.mark.parametrize(
    "rules",
    [
        {"threshold_permille": 500},
        {"threshold_permille": 500, "must_exceed": True},
        {"threshold_permille": 700, "min_lessons": 4},
        {"threshold_permille": 600, "basis": "best", "planned": 6},
        {"threshold_permille": 500, "excused_as": "absent"},
        {"threshold_permille": 700, "min_days": 2},
        {"threshold_permille": 700, "late_credit_permille": 500},
    ],
)
def test_whoever_is_below_is_who_is_below_on_the_page_of_people(
    counted: str, rules: dict[str, Any]
) -> None:
    letters = {1: "PPPP", 2: "PAAA", 3: "PPAA", 4: "EEEE", 5: "PLEA", 6: "PALL", 7: "EEEP"}
    section = section_of_today(letters, policy={"counted": counted, **rules})
    marks(section, letters)
    now = timezone.now()
    scope = Scope(at=now, section_ids=frozenset({section.pk}), time_zone=section.time_zone)
    people = people_of_section(scope, section, at=now)
    assert any(each.standing == "below" for each in people)
    (course,) = listed(STAFF)
    assert course["below"] == str(sum(each.standing == "below" for each in people))
    weight = sum(each.figures.weight for each in people)
    credit = sum(each.figures.credit for each in people)
    of_people = {each.school_number: each for each in people if each.figures.weight}
    rows = listed(STAFF, "missed")
    assert {row["school_number"] for row in rows} == set(of_people)
    api = ReportRows(STAFF)
    (in_json,) = api.rows("courses")
    assert in_json["rate"] == pytest.approx(float(credit / weight))
    for row in api.rows("missed"):
        own = of_people[row["school_number"]]
        assert own.figures.rate is not None
        assert row["missed_share"] == pytest.approx(float(1 - own.figures.rate))
        assert (row["standing"], row["lessons"]) == (own.standing, own.figures.lessons)
    if counted != "days":
        shares = [row["missed_share"] for row in api.rows("missed")]
        assert shares == sorted(shares, reverse=True)


class ReportRows:
    """Rows of reports over the API."""

    def __init__(self, person: Any) -> None:
        self.api = Api(person)

    def rows(self, key: str, query: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.get(f"reports/{key}/{query}").json()["results"]
        return found


def test_who_has_left_counts_no_more_and_two_accounts_are_one_person() -> None:
    section = section_of_today((1,), policy={})
    today = section.local_date(timezone.now())
    # Left, and came back.
    enrol(section, student(2), ends_on=today - timedelta(days=29))
    enrol(section, student(3), ends_on=today - timedelta(days=1))
    enrol(section, student(2), begins_on=today - timedelta(days=29))
    marks(section, {1: "PA", 2: "AA", 3: "AA"})
    assert {row["school_number"] for row in listed(STAFF, "missed")} == {"S-0001", "S-0002"}
    (course,) = listed(STAFF)
    assert (course["students"], course["below"]) == ("2", "2")
    merge(user_of(student(2)), user_of(student(1)))
    (row,) = listed(STAFF, "missed")
    (course,) = listed(STAFF)
    assert row["school_number"] == "S-0001"
    assert (course["students"], course["below"]) == ("1", "1")


def test_a_term_a_part_and_an_entry_of_the_catalogue_are_chosen() -> None:
    first, second = two_courses()
    first.course, first.component = CourseFactory.create(code="MATH"), "theory"
    first.save()
    for key in ("courses", "missed"):
        queries: list[dict[str, Any]] = [
            {"term": first.term_id},
            {"component": "theory"},
            {"course": "math"},
        ]
        for query in queries:
            found = {row["section_code"] for row in listed(STAFF, key, **query)}
            assert found == {"M-1"}, query
    wrong = signed_in(STAFF).get("/reports/courses/", {"course": "nave"})
    assert wrong.status_code == 404
    assert "course" in wrong.context["form"].errors
    assert 'value="nave"' in text_of(wrong)
    # Nobody is asked across what is over, unless its term is chosen.
    old = TermFactory.create(
        starts_on=first.starts_on - timedelta(days=300), ends_on=first.starts_on
    )
    type(second).objects.filter(pk=second.pk).update(
        term=old, starts_on=old.starts_on, ends_on=old.ends_on
    )
    assert {row["section_code"] for row in listed(STAFF, "missed")} == {"M-1"}
    assert len(listed(STAFF, "missed", term=old.pk)) == 2
    assert [row["section_code"] for row in listed(STAFF)] == ["M-1", "P-1"]


def test_pages_go_on_and_back_and_lose_nothing() -> None:
    for number in range(8):
        section = section_of_today(range(1, 16), code=f"C-{number}")
        marks(section, {n: "PPA"[n % 3 :] + "A" * (n % 3) for n in range(1, 16)})
    desk = signed_in(STAFF)
    page = desk.get("/reports/missed/")
    first = rows_of(page)
    rest = rows_of(desk.get("/reports/missed/", {"before": page.context["page"].next_key}))
    assert (len(first), len(rest)) == (100, 20)
    both = [(row["section_code"], row["school_number"]) for row in [*first, *rest]]
    assert len(set(both)) == 120
    shares = [row["missed_share"] for row in [*first, *rest]]
    assert shares == sorted(shares, key=lambda text: -float(text.split()[0]))
    api, seen = Api(STAFF), []
    address = "reports/missed/?page_size=50"
    while address:
        part = api.get(address.partition("/api/v1/")[2] or address).json()
        seen += [(row["section_code"], row["school_number"]) for row in part["results"]]
        address = part["next"]
    assert seen == both
    answer = desk.get("/reports/missed/csv/")
    lines = list(csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert [(line[6], line[1]) for line in lines[1:]] == both
    assert len(lines[0]) == len(lines[1]) == 10
    for key in ("courses", "missed"):
        for name in ("before", "after"):
            assert rows_of(desk.get(f"/reports/{key}/", {name: "WzEsMl0"}))
        assert desk.get(f"/reports/{key}/xlsx/").getvalue()[:2] == b"PK"


@pytest.mark.parametrize("key", ["courses", "missed"])
def test_no_query_is_asked_for_a_row(key: str) -> None:
    desk = signed_in(STAFF)

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert desk.get(f"/reports/{key}/").status_code == 200
        return len(queries)

    several: list[dict[str, Any]] = [{}, {"counted": "days"}, {"basis": "best", "planned": 9}]
    for number, rules in enumerate(several):
        marks(section_of_today((1, 2), code=f"A-{number}", policy=rules), {1: "PA", 2: "AA"})
    asked()
    first = asked()
    for number, rules in enumerate([{}, {"counted": "days"}, {"counted": "days"}, {}]):
        marks(
            section_of_today((1, 2, 3), code=f"B-{number}", policy=rules), {1: "P", 2: "A", 3: "A"}
        )
    assert asked() == first


def test_who_sees_them() -> None:
    section = section_with_everybody()
    set_rule(section)
    for key in ("courses", "missed"):
        for person in (student(3), ASSISTANT):
            assert signed_in(person).get(f"/reports/{key}/").status_code == 404, person
        desk = signed_in(ASSISTANT)
        assert desk.get(f"/reports/{key}/", {"section": section.pk}).status_code == 200
        assert desk.get(f"/reports/{key}/csv/", {"section": section.pk}).status_code == 403
        other = signed_in(OTHER_TEACHER).get(f"/reports/{key}/", {"section": section.pk})
        assert other.status_code == 404


def test_the_teachers_of_a_course_are_named_with_who_is_in_charge_first() -> None:
    section = section_of_today((1,), teachers=())
    for person, is_primary in ((TEACHER, False), (OTHER_TEACHER, True)):
        EnrolmentFactory.create(
            section=section, user=user_of(person), role=EnrolmentRole.TEACHER, is_primary=is_primary
        )
    (course,) = listed(STAFF)
    assert course["teachers"] == f"{OTHER_TEACHER.full_name}, {TEACHER.full_name}"


def test_a_group_is_chosen_in_the_reports_of_its_lecture() -> None:
    lecture, elsewhere = section_of_today((1, 2), code="L"), section_of_today((1,), code="E")
    own = section_of_today((1,), code="G-1", parent=lecture)
    foreign = section_of_today((2,), code="G-2", teachers=(OTHER_TEACHER,), parent=lecture)
    marks(lecture, {1: "PP", 2: "PA"})
    marks(own, {1: "A"})
    marks(foreign, {2: "A"})
    desk = signed_in(TEACHER)
    chosen = {"section": lecture.pk, "group": own.pk}
    page = desk.get("/reports/marks/", chosen)
    assert [row["school_number"] for row in rows_of(page)] == ["S-0001"]
    assert len(rows_of(desk.get("/reports/marks/", {"section": lecture.pk}))) == 4
    text = page.content.decode()
    # What a teacher may see is offered, and the choice stays in every address.
    assert f'<option value="{own.pk}" selected>' in text
    assert f'value="{foreign.pk}"' not in text
    assert f"/reports/register/?section={lecture.pk}&amp;group={own.pk}" in text
    assert f"/reports/marks/csv/?section={lecture.pk}&amp;group={own.pk}" in text
    assert own.title in "".join(page.context["chosen"])
    assert f"{foreign.pk}" in [
        str(value)
        for value, _ in signed_in(STAFF)
        .get("/reports/marks/", chosen)
        .context["form"]
        .fields["group"]
        .widget.choices
    ]
    for key in ("register", "people", "lessons", "person", "cases"):
        assert desk.get(f"/reports/{key}/", chosen).context["found"].section == own
    file = desk.get("/reports/marks/csv/", chosen).getvalue().decode()
    assert len(file.splitlines()) == 2
    assert ReportRows(TEACHER).rows("marks", f"?section={lecture.pk}&group={own.pk}") == ReportRows(
        TEACHER
    ).rows("marks", f"?section={own.pk}")
    assert (
        "group" not in desk.get("/reports/marks/", {"section": elsewhere.pk}).context["form"].fields
    )


@pytest.mark.parametrize("of", ["foreign", "elsewhere", "none"])
def test_a_group_of_another_course_is_not_found(of: str) -> None:
    lecture, elsewhere = section_of_today((1,)), section_of_today((1,))
    foreign = section_of_today((2,), teachers=(OTHER_TEACHER,), parent=lecture)
    group = {"foreign": foreign.pk, "elsewhere": elsewhere.pk, "none": 777}[of]
    query = {"section": lecture.pk, "group": group}
    assert signed_in(TEACHER).get("/reports/marks/", query).status_code == 404
    api = Api(TEACHER)
    answer = api.get(f"reports/marks/?section={lecture.pk}&group={group}")
    assert (answer.status_code, answer.json()["code"]) == (404, "section_not_found")
    alone = api.get(f"reports/marks/?group={group}")
    assert (alone.status_code, alone.json()["code"]) == (400, "section_needed")
    wrong = signed_in(TEACHER).get("/reports/marks/", {"section": str(lecture.pk), "group": "x"})
    assert wrong.status_code == 400
    assert "errorlist" in text_of(wrong)


def test_a_table_shows_markup_as_it_was_written() -> None:
    section = section_of_today((1, 2), title='<b>"&</b>')
    user_of(student(1)).__class__.objects.update(full_name="<script>x</script>&amp;'")
    marks(section, {1: "PA", 2: "AA"})
    desk = signed_in(STAFF)
    for path in ("courses/", "missed/", "marks/", f"person/?person=S-0001&section={section.pk}"):
        text = desk.get(f"/reports/{path}").content.decode()
        assert "<script>x" not in text
        assert "<b>" not in text
    text = desk.get("/reports/missed/").content.decode()
    assert "&lt;script&gt;x&lt;/script&gt;&amp;amp;&#x27;" in text
