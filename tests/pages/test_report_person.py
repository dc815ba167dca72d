"""The evidence of one person: all that is known, in order, for whoever may see it."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from attendance.models import Attendance, AttendanceRecord
from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import unified_persistence_task
from attendance.services.rosters.not_held import say_not_held
from attendance.vocabulary import Verdict
from courses.services.absences import decide_absence
from tests.pages.visitors import signed_in, text_of
from tests.support.absences import (
    ASSISTANT,
    NOT_ON_ROSTER,
    ON_ROSTER,
    OTHER_TEACHER,
    STAFF,
    TEACHER,
    SmallCourse,
    added_file,
    asked_absence,
    made_course,
)
from tests.support.callers import account
from tests.support.sections import ended_section_lesson, section_of_today, user_of
from tests.support.terms import marks
from users.models import SecurityEvent

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/reports/person/"


@pytest.fixture
def course(settings: Any, tmp_path: Path) -> SmallCourse:
    """A corrected mark, a lesson that was not held, and an absence with a letter."""
    settings.EVIDENCE_FOLDER = str(tmp_path)
    made = made_course()
    lessons = [ended_section_lesson(made.section, teacher=TEACHER).id for _ in range(2)]
    unified_persistence_task()
    correct_record(
        Correction(
            lesson_id=lessons[0],
            school_number=ON_ROSTER.school_number,
            verdict=Verdict.EXCUSE,
            actor=TEACHER,
            reason="sports day",
        )
    )
    say_not_held(lessons[1], actor=TEACHER, reason="no light")
    absence = asked_absence(made)
    added_file(absence, name="letter.pdf")
    decide_absence(absence_id=absence.pk, approve=True, why="seen", actor=account(TEACHER))
    return made


def lines(reader: Any, **query: Any) -> list[dict[str, str]]:
    page = signed_in(reader).get(PAGE, query)
    assert page.status_code == 200
    return [{cell.column.key: cell.text for cell in row} for row in page.context["rows"]]


def of_student(**query: Any) -> dict[str, Any]:
    return {"person": ON_ROSTER.school_number, **query}


@pytest.mark.usefixtures("course")
def test_everything_stands_in_order_with_who_and_when() -> None:
    found = lines(STAFF, **of_student())
    assert [(line["kind"], line["new"], line["reason"], line["actor"]) for line in found] == [
        ("mark", "excused", "sports day", "–"),
        ("record corrected", "excused", "sports day", TEACHER.full_name),
        ("mark, the lesson was not held", "absent", "–", "–"),
        ("mark taken out of the register", "–", "no light", TEACHER.full_name),
        ("absence asked for", "–", "a cold", ON_ROSTER.full_name),
        ("file added", "–", "letter.pdf", ON_ROSTER.full_name),
        ("absence approved", "–", "seen", TEACHER.full_name),
    ]
    assert found[1]["old"] == "absent"
    assert all(line["happened_at"] != "–" for line in found)
    page = text_of(signed_in(STAFF).get(PAGE, of_student()))
    assert ON_ROSTER.full_name in page
    assert f"for {STAFF.full_name}" in page
    # Files are named, not given.
    assert (
        "/absences/"
        not in signed_in(STAFF).get(PAGE, of_student()).content.decode().partition("<table")[2]
    )


def test_each_reader_sees_what_they_may(course: SmallCourse) -> None:
    here, other = {"section": course.section.pk}, {"section": course.other.pk}
    everything = len(lines(STAFF, **of_student()))
    assert len(lines(ON_ROSTER)) == everything
    assert len(lines(ON_ROSTER, person=NOT_ON_ROSTER.school_number)) == everything
    assert len(lines(TEACHER, **of_student())) == everything
    assert len(lines(TEACHER, **of_student(**here))) == everything
    # Marks alone: absences are for those who decide them.
    kinds = {line["kind"] for line in lines(ASSISTANT, **of_student(**here))}
    assert not [kind for kind in kinds if "absence" in kind or "file" in kind]
    assert kinds
    for query in (of_student(), of_student(**other)):
        assert lines(OTHER_TEACHER, **query) == []
        page = text_of(signed_in(OTHER_TEACHER).get(PAGE, query))
        assert ON_ROSTER.full_name not in page
    assert signed_in(OTHER_TEACHER).get(PAGE, of_student(**here)).status_code == 404
    assert "Type the number" in text_of(signed_in(STAFF).get(PAGE))
    assert signed_in(STAFF).get(PAGE, {"person": "S-777"}).status_code == 404


def test_days_and_terms_bound_absences_as_well(course: SmallCourse) -> None:
    term = course.section.term
    assert len(lines(STAFF, **of_student(term=term.pk))) == 7
    past = str(term.starts_on)
    assert lines(STAFF, **of_student(**{"from": past, "to": past})) == []
    day = Attendance.objects.all()[0].starts_at.date().isoformat()
    assert {line["section_code"] for line in lines(STAFF, **of_student(**{"from": day}))} == {
        course.section.code
    }


def test_a_file_has_all_columns_and_stands_in_the_log(course: SmallCourse) -> None:
    answer = signed_in(STAFF).get(f"{PAGE}csv/", of_student(), headers={"Accept-Language": "tr"})
    head, *rows = csv.reader(
        io.StringIO(answer.getvalue().decode("utf-8-sig")), delimiter=";", strict=True
    )
    assert (len(rows), len(head)) == (7, 13)
    assert "devamsızlık onaylandı" in {row[4] for row in rows}
    event = SecurityEvent.objects.get(kind="exported", details__what="report:person")
    assert event.subject == account(ON_ROSTER)
    assert event.actor == account(STAFF)
    in_section = of_student(section=course.section.pk)
    assert signed_in(ASSISTANT).get(f"{PAGE}csv/", in_section).status_code == 403
    lines(STAFF, **of_student())
    lines(ON_ROSTER)
    read = SecurityEvent.objects.get(kind="records_read", details__what="evidence")
    assert (read.subject, read.actor) == (account(ON_ROSTER), account(STAFF))


def test_people_and_records_lead_there(course: SmallCourse) -> None:
    desk, link = signed_in(TEACHER), f"{PAGE}?section={course.section.pk}&amp;person=S-0001"
    people = desk.get("/reports/people/", {"section": course.section.pk})
    lesson = Attendance.objects.all()[0]
    record = desk.get(f"/lessons/{lesson.pk}/records/S-0001/")
    assert all(f'href="{link}"' in page.content.decode() for page in (people, record))


def test_evidence_asks_the_same_whatever_the_number_of_marks() -> None:
    section, desk = section_of_today((1,)), signed_in(STAFF)

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            page = desk.get(PAGE, {"section": str(section.pk), "person": "S-0001"})
            assert page.status_code == 200
        return len(queries)

    marks(section, {1: "PL"})
    asked()
    first = asked()
    marks(section, {1: "AEPPL"})
    taken_out = {"deleted_at": timezone.now(), "deleted_by": user_of(STAFF), "deleted_reason": "x"}
    AttendanceRecord.objects.filter(status="late").update(**taken_out)
    assert len(lines(STAFF, section=section.pk, person="S-0001")) == 9
    assert asked() == first
