"""Reports of a course of 2,450 lessons and 1,500 students, alone and beside other marks.

ATTN_WRITE_FIGURES=yes ./attn test bench/reports.py -s
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from attendance.models import AttendanceRecord
from bench.figures import ROUNDS, Figure, middle, note
from bench.persist import cpu_seconds, timed
from courses.models import Section
from reports.files.csv import lines_for_programs
from reports.listed.marks import MARKS
from reports.scope import Scope
from reports.table import table_of
from reports.totals import recompute_sections
from tests.support.callers import signed_in
from tests.support.lessons import TEACHER
from tests.support.members import STAFF
from tests.support.sections import section_of_today

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(3_000)]

SHARE: Final = int(os.environ.get("ATTN_REPORTS_SHARE", "1"))
"""To try the bench itself: one part in so many of the lessons."""
LARGE, ORDINARY = (2_450 // SHARE, 1_500), (40, 60)
OTHERS = (3_340 // SHARE, 1_500)
"""Lessons and students; together they have 5,000,000 marks."""
EXPORTED: Final = (10_000, 1_000_000 // SHARE)
PAGES: Final[Mapping[str, str]] = {
    "register": "the register",
    "people": "people",
    "lessons": "lessons with their shares",
    "marks": "all marks",
    "walk-ins": "walk-ins",
    "pending": "what waits",
    "not-taken": "registers not taken",
    "corrections": "corrections",
    "courses": "courses",
    "missed": "people by the share missed",
    "person": "evidence of one person",
}
ACROSS: Final = {key: PAGES[key] for key in ("courses", "missed")}
ASKED: Final[Mapping[str, dict[str, Any]]] = {"person": {"person": "L-000077"}}

# Keys are not looked up for each row, and no trigger notes it: rows are of others made here.
_AS_IT_IS: Final = "SET session_replication_role = {}"

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
    _execute(_AS_IT_IS.format("replica"))
    for statement in (_STUDENTS, _ENROLMENTS, _LESSONS, _RECORDS):
        _execute(statement, values)
    _execute(_AS_IT_IS.format("DEFAULT"))
    recompute_sections([section.pk])
    _execute("VACUUM ANALYZE")
    return section


def _execute(sql: str, values: dict[str, Any] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


TIMES: Final = 4 * ROUNDS
"""PostgreSQL's CPU is counted in hundredths of a second."""


class Cost(NamedTuple):
    """What a page takes: the middle of the rounds, after a warm one."""

    wall: float
    """Seconds, beside whatever else the machine does."""
    cpu: float
    """Seconds of this process and PostgreSQL: the same beside other work."""

    def in_words(self) -> str:
        return f"{self.wall * 1_000:.0f} ms, CPU {self.cpu * 1_000:.0f} ms"


def cost_of(desk: Client, key: str, section: Section | None) -> Cost:
    query = ({"section": section.pk} if section else {}) | ASKED.get(key, {})

    def ask() -> None:
        answer = desk.get(f"/reports/{key}/", query)
        assert answer.status_code == 200, answer.content

    ask()
    begun = time.process_time(), cpu_seconds()[0]
    wall = middle(timed(ask) for _ in range(TIMES))
    spent = time.process_time() - begun[0] + cpu_seconds()[0] - begun[1]
    return Cost(wall, spent / TIMES)


def test_reports_of_a_large_course_open_within_a_second_whatever_stands_beside_them() -> None:
    large, ordinary = made_course("L", *LARGE), made_course("O", *ORDINARY)
    desk = signed_in(TEACHER)
    alone = {key: cost_of(desk, key, large) for key in PAGES}
    register = cost_of(desk, "register", ordinary)
    made_course("X", *OTHERS)
    assert AttendanceRecord.objects.count() > 5_000_000 // SHARE
    for key, name in PAGES.items():
        what = f"report {name} of 2,450 lessons and 1,500 students, beside 5,000,000 other marks"
        _note_both(what, "under a second", alone[key], cost_of(desk, key, large))
    what = "register of 40 lessons and 60 students, beside them"
    _note_both(what, "under 100 ms", register, cost_of(desk, "register", ordinary))


def _note_both(what: str, goal: str, alone: Cost, beside: Cost) -> None:
    """Against alone, by CPU: minutes lie between the two, and other work with them."""
    told = f"{beside.in_words()}; alone {alone.in_words()}"
    ratio = f"{beside.cpu / alone.cpu:.2f}"
    note(Figure(f"{what}, against alone", f"≤ 1.2, {goal}", ratio, told))


# A school of six courses for each student. Totals stand for the marks that nobody reads here.
_SCHOOL: Final = """
    INSERT INTO users_user (school_number, full_name, role, email, password, is_active,
           is_superuser, session_version, created_at)
    SELECT 'W-' || lpad(n::text, 6, '0'), 'Student ' || n, 'student', '', '!', true, false, 0, now()
      FROM generate_series(1, %(students)s) AS n;
    INSERT INTO courses_section (system_id, sourced_id, term_id, component, code, title, time_zone,
           location, walk_ins, starts_on, ends_on)
    SELECT s.system_id, '', s.term_id, '', 'W-' || years.y || '-' || n, 'Course ' || n, s.time_zone,
           '', 'accept', s.starts_on - 365 * years.y, s.ends_on - 365 * years.y
      FROM courses_section AS s,
           generate_series(%(newest)s, %(oldest)s) AS years(y),
           generate_series(0, %(sections)s - 1) AS n
     WHERE s.id = %(like)s;
    INSERT INTO courses_enrolment (section_id, user_id, role, is_primary, begins_on, system_id,
           sourced_id)
    SELECT s.id, u.id, 'student', false, s.starts_on, s.system_id, ''
      FROM users_user AS u
      JOIN generate_series(0, 5) AS k ON true
      JOIN courses_section AS s
           ON split_part(s.code, '-', 3)::int = (u.id * 6 + k) %% %(sections)s
     WHERE u.school_number LIKE 'W-%%' AND s.code LIKE 'W-%%'
       AND split_part(s.code, '-', 2)::int BETWEEN %(newest)s AND %(oldest)s;
    INSERT INTO reports_sectiontotal (section_id, user_id, status, effect, late_permille, n,
           milliseconds, last_on)
    SELECT e.section_id, e.user_id, m.status, '', CASE m.status WHEN 'late' THEN 1000 ELSE 0 END,
           1 + (e.user_id * 7 + e.section_id * m.often) %% m.often, 2700000, e.begins_on
      FROM courses_enrolment AS e
      JOIN courses_section AS s ON s.id = e.section_id,
           (VALUES ('present', 30), ('late', 5), ('absent', 12)) AS m(status, often)
     WHERE e.role = 'student' AND s.code LIKE 'W-%%'
       AND split_part(s.code, '-', 2)::int BETWEEN %(newest)s AND %(oldest)s"""
SCHOOL: Final = {"students": 20_000 // SHARE, "sections": 600 // SHARE}
YEARS: Final = 5


def test_lists_across_the_courses_of_a_school_do_not_grow_with_the_years() -> None:
    like = section_of_today(())
    desk = signed_in(STAFF)
    _fill_school(like, newest=0, oldest=0)
    alone = {key: cost_of(desk, key, None) for key in ACROSS}
    _fill_school(like, newest=1, oldest=YEARS)
    for key, name in ACROSS.items():
        what = f"report {name} of 20,000 students in 600 courses, after {YEARS} more years"
        _note_both(what, "under a second", alone[key], cost_of(desk, key, None))


def _fill_school(like: Section, *, newest: int, oldest: int) -> None:
    """Courses as this one of so many years ago; the students are the same in all of them."""
    values = SCHOOL | {"like": like.pk, "newest": newest, "oldest": oldest}
    _execute(_AS_IT_IS.format("replica"))
    for place, statement in enumerate(_SCHOOL.split(";")):
        if place or not newest:
            _execute(statement, values)
    _execute(_AS_IT_IS.format("DEFAULT"))
    _execute("VACUUM ANALYZE")


def test_an_export_of_a_million_rows_takes_no_more_memory() -> None:
    made_course("L", 700 // SHARE, 1_500)
    scope = Scope(at=timezone.now(), time_zone="UTC")
    peaks, started = [], timezone.now()
    for rows in EXPORTED:
        _forget_peak()
        lines = 0
        for part in lines_for_programs(table_of(MARKS, scope)):
            lines += part.count("\n")
            if lines >= rows:
                break
        assert lines >= rows
        peaks.append(_peak())
    seconds = (timezone.now() - started).total_seconds()
    note(
        Figure(
            "peak memory of an export of 1,000,000 marks, against 10,000",
            "≤ 1.2",
            f"{peaks[1] / peaks[0]:.2f}",
            f"{peaks[1] / 1024:.0f} MiB and {peaks[0] / 1024:.0f} MiB; "
            f"{seconds / EXPORTED[1] * 1e6:.0f} µs a row",
        )
    )


def _forget_peak() -> None:
    """What this process needed before is no part of what comes: proc(5), clear_refs."""
    Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int:
    """Of memory since then, in KiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])
