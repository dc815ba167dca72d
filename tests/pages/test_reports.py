"""Reports as pages and files: who sees what, what was stored, and odd addresses."""

import codecs
import csv
import io
from datetime import timedelta
from typing import Any
from zipfile import ZipFile

import pytest
from django.db import connection
from django.db.models import Model
from django.db.models.signals import post_init
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from attendance.models import AttendanceRecord
from attendance.services.corrections import Correction, correct_record
from attendance.services.rosters.not_held import say_not_held
from attendance.vocabulary import Verdict
from reports.files.csv import lines_for_programs
from reports.listed import LISTED
from reports.scope import Scope
from reports.table import table_of
from tests.pages.visitors import rows_of, signed_in, text_of
from tests.support.callers import Api
from tests.support.factories import (
    AttendanceEventFactory,
    AttendanceFactory,
    AttendanceRecordFactory,
    UserFactory,
)
from tests.support.lessons import TEACHER, student
from tests.support.members import ASSISTANT, OTHER_TEACHER, STAFF, section_with_everybody
from tests.support.sections import (
    enrol,
    section_lesson,
    section_of_today,
)
from tests.support.terms import stored
from users.models import SecurityEvent

pytestmark = pytest.mark.django_db(transaction=True)


def test_lessons_with_their_shares_and_those_that_nobody_took_or_held() -> None:
    section = section_of_today((1, 2, 3), code="MATH 101")
    taken, not_taken, not_held = stored(section, 1, 2), stored(section), stored(section, 1)
    say_not_held(not_held.pk, actor=TEACHER, reason="no light")
    desk = signed_in(TEACHER)

    lessons = rows_of(desk.get("/reports/lessons/"))
    assert [(row["expected"], row["came"], row["rate"], row["absent"]) for row in lessons] == [
        ("3", "0", "0 %", "3"),
        ("3", "2", "66.7 %", "1"),
    ]
    assert [row["section_code"] for row in lessons] == ["MATH 101"] * 2
    (left,) = rows_of(desk.get("/reports/not-taken/"))
    assert left["starts_at"] == lessons[0]["starts_at"]
    (off,) = rows_of(desk.get("/reports/not-held/"))
    assert (off["reason"], off["said_by"]) == ("no light", TEACHER.full_name)
    assert taken.pk != not_taken.pk


def test_marks_walk_ins_and_corrections_say_who_and_why() -> None:
    section = section_of_today((1, 2))
    lesson = stored(section, 1, 9)
    correct_record(
        Correction(
            lesson_id=lesson.pk,
            school_number=student(2).school_number,
            verdict=Verdict.EXCUSE,
            actor=TEACHER,
            reason="ill",
        )
    )
    desk = signed_in(TEACHER)
    marks = {row["school_number"]: row for row in rows_of(desk.get("/reports/marks/"))}
    assert {number: row["status"] for number, row in marks.items()} == {
        "S-0001": "present",
        "S-0002": "excused",
        "S-0009": "present",
    }
    assert (marks["S-0002"]["source"], marks["S-0002"]["reason"]) == ("teacher", "ill")
    answer = Api(TEACHER).get("reports/marks/", HTTP_ACCEPT_LANGUAGE="tr")
    told = {row["school_number"]: row for row in answer.json()["results"]}
    assert [told[number]["was_expected"] for number in ("S-0001", "S-0009")] == [True, False]
    assert (told["S-0001"]["status"], told["S-0002"]["source"]) == ("present", "teacher")
    (walk_in,) = rows_of(desk.get("/reports/walk-ins/"))
    assert walk_in["school_number"] == "S-0009"
    (correction,) = rows_of(desk.get("/reports/corrections/"))
    assert [correction[name] for name in ("old", "new", "reason", "actor")] == [
        "absent",
        "excused",
        "ill",
        TEACHER.full_name,
    ]
    AttendanceRecord.objects.filter(school_number="S-0001").update(status="pending")
    (waits,) = rows_of(desk.get("/reports/pending/"))
    assert waits["school_number"] == "S-0001"
    one = rows_of(desk.get("/reports/marks/", {"person": "s-0002"}))
    assert [row["school_number"] for row in one] == ["S-0002"]


def test_who_sees_what() -> None:
    section = section_with_everybody()
    enrol(section, student(1))
    lesson = stored(section, 1)
    of_section = {"section": section.pk}

    def seen(person: Any, query: dict[str, Any] | None = None, key: str = "marks") -> Any:
        answer = signed_in(person).get(f"/reports/{key}/", query or {})
        return len(rows_of(answer)) if answer.status_code == 200 else answer.status_code

    everybody = AttendanceRecord.objects.filter(attendance=lesson).count()
    assert (seen(STAFF), seen(TEACHER), seen(OTHER_TEACHER)) == (everybody, everybody, 0)
    assert seen(OTHER_TEACHER, of_section) == 404
    assert (seen(ASSISTANT, of_section), seen(ASSISTANT, of_section, "lessons")) == (everybody, 1)
    # Students have their own marks, whatever they ask for.
    for query in ({}, of_section, {"person": "S-0002"}):
        assert seen(student(1), query) == 1
    assert seen(student(1), {}, "lessons") == 404
    assert seen(student(1), of_section, "corrections") == 404
    assert Client().get("/reports/marks/").status_code == 302

    def file(person: Any, query: dict[str, Any]) -> int:
        answer = signed_in(person).get("/reports/marks/csv/", query)
        # The request is over when its file has been read.
        assert answer.getvalue()
        return answer.status_code

    assert [file(person, of_section) for person in (STAFF, TEACHER, student(1))] == [200] * 3
    assert [file(person, of_section) for person in (ASSISTANT, OTHER_TEACHER)] == [403, 404]
    assert SecurityEvent.objects.filter(kind="exported").count() == 3


def test_a_file_is_whole_and_runs_nothing(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Istanbul"
    evil = UserFactory.create(full_name="=HYPERLINK(1)")
    lesson = AttendanceFactory.create(lesson_name="Çığ; ölçüm", teacher_name="@cmd")
    AttendanceRecordFactory.create(attendance=lesson, student=evil, full_name=evil.full_name)
    for _ in range(250):
        AttendanceRecordFactory.create(attendance=lesson)
    desk = signed_in(STAFF)
    answer = desk.get("/reports/marks/csv/", headers={"Accept-Language": "tr"})
    content = answer.getvalue()
    assert content.startswith(codecs.BOM_UTF8)
    text = content.decode("utf-8-sig")
    assert answer["Content-Disposition"].startswith('attachment; filename="attn-marks-')
    head, *rows = csv.reader(io.StringIO(text), delimiter=";")
    assert len(rows) == 251
    assert head[:4] == ["Başlangıç", "Bitiş", "Kod", "Ders"]
    shown = {name: row[place] for row in rows[-1:] for place, name in enumerate(head)}
    assert shown["Ders"] == "Çığ; ölçüm"
    assert {row[5] for row in rows} == {"'@cmd"}
    assert "'=HYPERLINK(1)" in {row[7] for row in rows}

    book = desk.get("/reports/marks/xlsx/", headers={"Accept-Language": "tr"})
    with ZipFile(io.BytesIO(book.getvalue())) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in sheet
        assert sheet.count("<row ") == 252
        assert "=HYPERLINK(1)" in sheet
        assert 'name="Tüm yoklamalar"' in parts.read("xl/workbook.xml").decode()


@pytest.mark.parametrize("key", ["marks", "pending", "walk-ins", "corrections", "lessons"])
def test_a_file_makes_no_object_for_what_it_only_writes_down(key: str) -> None:
    section = section_of_today((1, 2), code="MATH 101")
    lesson = stored(section, 1, 9)
    AttendanceRecord.objects.filter(school_number="S-0001").update(status="pending")
    AttendanceEventFactory.create(attendance=lesson, revision=1_000)
    scope = Scope(at=timezone.now(), time_zone="UTC")
    made: list[str] = []

    def note(sender: type[Model], **more: Any) -> None:
        made.append(sender.__name__)

    post_init.connect(note)
    try:
        text = "".join(lines_for_programs(table_of(LISTED[key], scope)))
    finally:
        post_init.disconnect(note)

    assert "MATH 101" in text
    assert made == []


def test_pages_of_a_report_go_on_and_back_and_lose_nothing() -> None:
    lessons = [AttendanceFactory.create() for _ in range(3)]
    for lesson in lessons:
        for _ in range(70):
            AttendanceRecordFactory.create(attendance=lesson)
    desk = signed_in(STAFF)
    page = desk.get("/reports/marks/")
    seen, keys = [rows_of(page)], []
    while key := page.context["page"].next_key:
        keys.append(key)
        page = desk.get("/reports/marks/", {"before": key})
        seen.append(rows_of(page))
    assert [len(each) for each in seen] == [100, 100, 10]
    assert len({(r["starts_at"], r["school_number"]) for each in seen for r in each}) == 210
    back = desk.get("/reports/marks/", {"after": page.context["page"].previous_key})
    assert rows_of(back) == seen[1]


@pytest.mark.parametrize(
    "key",
    ["x", "", "bnVsbA", "WzEsMiwzXQ", "W10", "WyIyMDI2LTAxLTAxIiwiYSIsMV0", "A" * 5_000, "%ff"],
)
def test_a_broken_key_shows_the_first_page(key: str) -> None:
    AttendanceRecordFactory.create()
    for name in ("before", "after"):
        page = signed_in(STAFF).get("/reports/marks/", {name: key})
        assert (page.status_code, len(rows_of(page))) == (200, 1)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-13-01"}, "from"),
        ({"from": "0001-01-01"}, "from"),
        ({"to": "9999-12-31"}, "to"),
        ({"from": "2026-02-02", "to": "2026-02-01"}, "to"),
        ({"term": "9" * 30}, "term"),
        ({"term": "x"}, "term"),
        ({"component": "nave"}, "component"),
        ({"course": "nave"}, "course"),
        ({"course": "\0"}, "course"),
        ({"person": "/"}, "person"),
        ({"person": "S-777"}, "person"),
        ({"person": "\0"}, "person"),
    ],
)
def test_a_wrong_filter_is_told_beside_its_field(query: dict[str, str], field: str) -> None:
    AttendanceRecordFactory.create()
    desk = signed_in(STAFF)
    page = desk.get("/reports/marks/", query)
    assert page.status_code in {400, 404}
    assert field in page.context["form"].errors
    assert not page.context["rows"]
    assert next(iter(query.values())).strip("\0") in text_of(page)
    assert desk.get("/reports/marks/csv/", query).status_code in {400, 404}


@pytest.mark.parametrize("section", ["0", "-1", "x", "9" * 30, "777"])
def test_a_course_that_is_none(section: str) -> None:
    answer = signed_in(STAFF).get("/reports/marks/", {"section": section})
    assert answer.status_code in {400, 404}
    # The field is hidden, what is wrong with it is not.
    assert answer.status_code == 404 or "errorlist" in text_of(answer)


def test_a_report_that_is_none() -> None:
    for path in ("nothing/", "nothing/csv/", "nothing/xlsx/", "marks/pdf/"):
        assert signed_in(STAFF).get(f"/reports/{path}").status_code == 404


def test_days_are_those_of_the_clock_where_the_lesson_is_taught() -> None:
    section = section_of_today((1,), time_zone="Pacific/Auckland")
    lesson = stored(section, 1)
    desk, day = signed_in(STAFF), timedelta(days=1)
    assert lesson.held_on is not None

    def found(first: Any, last: Any) -> int:
        return len(rows_of(desk.get("/reports/marks/", {"from": first, "to": last})))

    assert found(lesson.held_on, lesson.held_on) == 1
    assert found(lesson.held_on + day, lesson.held_on + day) == 0
    assert found(lesson.held_on - day, lesson.held_on - day) == 0
    # One without a course is of the campus's day.
    AttendanceRecordFactory.create(attendance__starts_at=timezone.now())
    today = timezone.localdate()
    assert found(today, today) == 1 + (lesson.held_on == today)


@pytest.mark.parametrize("key", sorted(LISTED))
def test_no_report_asks_more_for_more_rows(key: str) -> None:
    section = section_of_today((1, 2), walk_ins="hold")
    desk = signed_in(TEACHER)

    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert desk.get(f"/reports/{key}/", {"section": section.pk}).status_code == 200
        return len(queries)

    stored(section, 1)
    first = asked()
    for here in ((1, 9), (), (2,)):
        say_not_held(stored(section, *here).pk, actor=TEACHER, reason="no light")
        stored(section, *here)
    assert asked() <= first + 1


def test_a_lesson_that_is_live_is_in_no_report() -> None:
    section_lesson(section_of_today((1,)), here=(1,))
    assert not rows_of(signed_in(TEACHER).get("/reports/marks/"))


def test_the_first_page_keeps_what_was_chosen() -> None:
    section = section_of_today()
    led = signed_in(TEACHER).get(f"/reports/?section={section.pk}&from=2026-01-01")
    assert led["Location"] == f"/reports/register/?section={section.pk}&from=2026-01-01"
    assert signed_in(student(1)).get("/reports/")["Location"] == "/reports/marks/"
