"""Reports of a course of 2,450 lessons and 1,500 students, alone and beside other marks.

./attn test bench/reports.py -s
"""

import resource
from collections.abc import Mapping
from typing import Any, Final

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from attendance.models import AttendanceRecord
from bench.figures import ROUNDS, Figure, middle, note, spread
from bench.persist import timed
from courses.models import Section
from reports.files.csv import lines_for_programs
from reports.listed.marks import MARKS
from reports.scope import Scope
from reports.table import table_of
from reports.totals import recompute_sections
from tests.support.callers import signed_in
from tests.support.lessons import TEACHER
from tests.support.sections import section_of_today

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(3_000)]

LARGE, ORDINARY = (2_450, 1_500), (40, 60)
OTHERS = (3_340, 1_500)
"""Lessons and students; together they have 5,000,000 marks."""
EXPORTED: Final = (10_000, 1_000_000)
PAGES: Final[Mapping[str, str]] = {
    "register": "the register",
    "people": "people",
    "lessons": "lessons with their shares",
    "marks": "all marks",
    "walk-ins": "walk-ins",
    "pending": "what waits",
    "not-taken": "registers not taken",
    "corrections": "corrections",
}

# One lesson every six hours up to yesterday. Every seventh mark is an absence, and ten students
# have not been seen for a long time.
_STUDENTS = """
    INSERT INTO users_user (school_number, full_name, role, email, password, is_active,
           is_superuser, session_version, created_at)
    SELECT %(letter)s || '-' || lpad(n::text, 6, '0'), 'Student ' || n, 'student', '', '!', true,
           false, 0, now()
      FROM generate_series(1, %(students)s) AS n"""
_ENROLMENTS = """
    INSERT INTO courses_enrolment (section_id, user_id, role, is_primary, begins_on, system_id,
           sourced_id)
    SELECT s.id, u.id, 'student', false, s.starts_on, s.system_id, ''
      FROM courses_section AS s, users_user AS u
     WHERE s.id = %(section)s AND u.school_number LIKE %(letter)s || '-%%'"""
_LESSONS = """
    INSERT INTO attendance_attendance (id, teacher_id, teacher_name, lesson_name, starts_at,
           ends_at, section_id, held_on, opens_before_s, roster_closed_at, not_held_reason,
           checks, networks, revision, persisted_at, deleted_reason)
    SELECT gen_random_uuid(), t.id, t.full_name, 'Lesson', l.at, l.at + interval '45 minutes',
           %(section)s, l.at::date, 0, l.at, '', '[]', '[]', 1, l.at, ''
      FROM users_user AS t, (SELECT now() - interval '1 day' - n * interval '6 hours' AS at
           FROM generate_series(1, %(lessons)s) AS n) AS l
     WHERE t.school_number = %(teacher)s"""
_RECORDS = """
    INSERT INTO attendance_attendancerecord (attendance_id, student_id, school_number, full_name,
           status, checked_in_at, source, reason, is_expected, previous, revision, changed_at,
           deleted_reason)
    SELECT a.id, u.id, u.school_number, u.full_name, m.status,
           CASE m.status WHEN 'present' THEN a.starts_at END,
           CASE m.status WHEN 'present' THEN 'student' ELSE 'system' END, '', true, '', 1,
           a.starts_at, ''
      FROM attendance_attendance AS a
      JOIN courses_enrolment AS e ON e.section_id = a.section_id AND e.role = 'student'
      JOIN users_user AS u ON u.id = e.user_id,
   LATERAL (SELECT CASE WHEN (u.id + extract(epoch FROM a.starts_at)::bigint / 21600) %% 7 = 0
                          OR u.school_number LIKE '%%9999' THEN 'absent' ELSE 'present' END
                   AS status) AS m
     WHERE a.section_id = %(section)s"""


def made_course(letter: str, lessons: int, students: int) -> Section:
    """A course with so many lessons and students, and a mark of everybody in each."""
    section = section_of_today((), policy={"threshold_permille": 700})
    values = {
        "letter": letter,
        "lessons": lessons,
        "students": students,
        "section": section.pk,
        "teacher": TEACHER.school_number,
    }
    _execute(_STUDENTS, values)
    _execute(_ENROLMENTS, values)
    _execute(_LESSONS, values)
    _execute(_RECORDS, values)
    recompute_sections([section.pk])
    _execute("VACUUM ANALYZE")
    return section


def _execute(sql: str, values: dict[str, Any] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def seconds_of(desk: Client, key: str, section: Section) -> float:
    """The middle of the rounds, after a warm one."""

    def ask() -> None:
        answer = desk.get(f"/reports/{key}/", {"section": section.pk})
        assert answer.status_code == 200, answer.content

    ask()
    return middle(timed(ask) for _ in range(ROUNDS))


def test_reports_of_a_large_course_open_within_a_second_whatever_stands_beside_them() -> None:
    large, ordinary = made_course("L", *LARGE), made_course("O", *ORDINARY)
    desk = signed_in(TEACHER)
    alone = {key: seconds_of(desk, key, large) for key in PAGES}
    register = seconds_of(desk, "register", ordinary)
    made_course("X", *OTHERS)
    assert AttendanceRecord.objects.count() > 5_000_000
    beside = {key: seconds_of(desk, key, large) for key in PAGES}
    for key, name in PAGES.items():
        note(
            Figure(
                f"report {name} of 2,450 lessons and 1,500 students, beside 5,000,000 other marks, "
                "against alone",
                "≤ 1.2, under a second",
                f"{beside[key] / alone[key]:.2f}",
                f"{beside[key] * 1_000:.0f} ms",
            )
        )
    again = seconds_of(desk, "register", ordinary)
    note(
        Figure(
            "register of 40 lessons and 60 students, beside them, against alone",
            "≤ 1.2, under 100 ms",
            f"{again / register:.2f}",
            f"{again * 1_000:.0f} ms",
        )
    )


def test_an_export_of_a_million_rows_takes_no_more_memory() -> None:
    """In one process, the small one first: its peak can only grow."""
    made_course("L", 700, 1_500)
    scope = Scope(time_zone="UTC")
    peaks, started = [], timezone.now()
    for rows in EXPORTED:
        lines = 0
        for part in lines_for_programs(table_of(MARKS, scope)):
            lines += part.count("\n")
            if lines >= rows:
                break
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    seconds = (timezone.now() - started).total_seconds()
    note(
        Figure(
            "peak memory of an export of 1,000,000 marks, against 10,000",
            "≤ 1.2",
            spread([peaks[1] / peaks[0]]),
            f"{peaks[1] / 1024:.0f} MiB; {seconds / EXPORTED[1] * 1e6:.0f} µs a row",
        )
    )
