"""Staff who read records of others, and files that leave the site, in the security log."""

from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from attendance.live.payloads import LiveLesson
from attendance.services.check_in import check_in
from attendance.services.lessons import LessonPlan, start_lesson
from tests.support.absences import added_file, asked_absence, made_course
from tests.support.callers import Api, account, signed_in
from tests.support.factories import AttendanceFactory, AttendanceRecordFactory
from tests.support.lessons import TEACHER, student
from tests.support.sections import section_of_today
from tests.support.security_log import only
from users.identity import Person, Role
from users.models import SecurityEvent, SecurityKind, User

pytestmark = pytest.mark.django_db(transaction=True)

ONE = student(1)
STAFF = Person("STAFF-1", "Staff 1", Role.STAFF)


def started_lesson() -> LiveLesson:
    return start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)


def test_a_check_in_writes_nothing() -> None:
    lesson, browser = started_lesson(), signed_in(ONE)
    path = f"/lessons/{lesson.id}/here/"
    browser.get(path)
    with CaptureQueriesContext(connection) as queries:
        check_in(lesson.id, student=ONE)
        browser.post(path)
    assert not [each for each in queries if "securityevent" in each["sql"]]


def reads() -> list[tuple[str, str, int | None]]:
    rows = SecurityEvent.objects.filter(kind=SecurityKind.RECORDS_READ).order_by("id")
    return [(row.details["what"], row.details.get("lesson", ""), row.subject_id) for row in rows]


def test_staff_who_read_records_of_others_are_written_down_once_an_hour() -> None:
    lesson, desk = started_lesson(), signed_in(STAFF)
    user = account(ONE)
    check_in(lesson.id, student=ONE)
    for _ in range(2):
        desk.get(f"/lessons/{lesson.id}/")
        desk.get(f"/lessons/{lesson.id}/rows/")
        desk.get(f"/lessons/{lesson.id}/records/S-0001/")
        desk.get("/absences/")
        Api(STAFF).get(f"lessons/{lesson.id}/records/")
        cache.clear()

    place = str(lesson.id)
    assert reads() == [
        ("register", place, None),
        ("record", place, user.pk),
        ("absences", "", None),
    ]
    row = SecurityEvent.objects.filter(kind=SecurityKind.RECORDS_READ).earliest("id")
    assert (row.actor.school_number, row.times) == ("STAFF-1", 1)


def test_the_api_is_a_door_to_registers_too() -> None:
    lesson = started_lesson()
    Api(STAFF).get(f"lessons/{lesson.id}/events/")
    Api(STAFF).get("absences/")
    assert [what for what, *_ in reads()] == ["register", "absences"]


def test_whoever_runs_a_lesson_reads_nothing_of_others() -> None:
    lesson = started_lesson()
    signed_in(TEACHER).get(f"/lessons/{lesson.id}/")
    Api(TEACHER).get(f"lessons/{lesson.id}/records/")
    User.objects.filter(school_number=TEACHER.school_number).update(role="staff")
    cache.clear()
    assert signed_in(TEACHER).get(f"/lessons/{lesson.id}/").status_code == 200
    assert reads() == []


def test_staff_who_teach_a_section_read_its_lessons_as_their_own() -> None:
    section = section_of_today(teachers=(TEACHER, STAFF))
    lesson = start_lesson(LessonPlan(section=f"#{section.pk}", minutes=45), teacher=TEACHER)
    User.objects.filter(school_number=STAFF.school_number).update(role="staff")
    assert signed_in(STAFF).get(f"/lessons/{lesson.id}/").status_code == 200
    assert reads() == []


def test_pages_of_the_admin_are_a_door_too() -> None:
    row, desk = AttendanceRecordFactory.create(), signed_in(STAFF)
    own = AttendanceFactory.create(teacher=account(STAFF))
    absence = asked_absence(made_course())
    for _ in range(2):
        desk.get(f"/admin/attendance/attendancerecord/{row.pk}/change/")
        desk.get(f"/admin/attendance/attendance/{row.attendance_id}/change/")
        desk.get(f"/admin/attendance/attendance/{own.pk}/change/")
        desk.get("/admin/attendance/attendanceevent/")
        desk.get(f"/admin/courses/absence/{absence.pk}/change/")

    lesson = str(row.attendance_id)
    assert reads() == [
        ("attendancerecord", lesson, row.student_id),
        ("attendance", lesson, None),
        ("list of attendanceevent", "", None),
        ("absence", "", absence.user_id),
    ]


def test_files_that_are_taken_out_are_written_down() -> None:
    user = account(ONE)
    signed_in(ONE).get("/me/attendance.ics")
    row = only(SecurityKind.EXPORTED)
    assert (row.subject, row.actor, row.details) == (user, user, {"what": "calendar"})


def test_evidence_that_somebody_takes_out_is_written_down(settings: Any, tmp_path: Path) -> None:
    settings.EVIDENCE_FOLDER = str(tmp_path)
    absence = asked_absence(made_course())
    file = added_file(absence)
    path = f"/absences/{absence.pk}/evidence/{file.pk}/"
    answer = signed_in(STAFF).get(path)
    answer.close()
    assert answer.status_code == 200
    row = only(SecurityKind.EXPORTED)
    assert (row.subject, row.actor.school_number) == (absence.user, "STAFF-1")
