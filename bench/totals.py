"""Persisting with totals against without, in the middle of a term; and reading them.

./attn test bench/totals.py -s
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import pytest
from django.db import connection

from attendance.models import AttendanceRecord
from attendance.services.persistence import unified_persistence_task
from bench.figures import ROUNDS, Figure, middle, note, spread
from bench.persist import cpu_seconds, timed
from bench.raw_copy import empty_tables
from bench.rosters import make_people, make_sections
from courses.models import Section
from reports import totals
from reports.models import SectionTotal
from reports.totals import recompute_sections
from reports.verifying import verify
from tests.support.backlog import Backlog, fill
from tests.support.sections import set_rule

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(3_000)]

LESSONS, ROSTER, DEPTH = 200, 200, 10

# Each section has met so many times; every seventh mark is an absence.
HISTORY = """
    INSERT INTO attendance_attendance (id, teacher_id, teacher_name, lesson_name, starts_at,
           ends_at, section_id, held_on, opens_before_s, roster_closed_at, not_held_reason,
           checks, networks, revision, persisted_at, deleted_reason)
    SELECT gen_random_uuid(), e.user_id, 'Teacher', 'Lesson', s.at, s.at + interval '45 minutes',
           e.section_id, s.at::date, 0, s.at, '', '[]', '[]', 1, s.at, ''
      FROM courses_enrolment AS e, (SELECT now() - n * interval '1 day' AS at
           FROM generate_series(2, 1 + %(depth)s) AS n) AS s
     WHERE e.role = 'teacher';
    INSERT INTO attendance_attendancerecord (attendance_id, student_id, school_number, full_name,
           status, checked_in_at, source, reason, is_expected, previous, revision, changed_at,
           deleted_reason)
    SELECT a.id, u.id, u.school_number, u.full_name,
           CASE WHEN u.id %% 7 = 0 THEN 'absent' ELSE 'present' END, a.starts_at, 'student', '',
           true, '', 1, a.starts_at, ''
      FROM attendance_attendance AS a
      JOIN courses_enrolment AS e ON e.section_id = a.section_id AND e.role = 'student'
      JOIN users_user AS u ON u.id = e.user_id;"""

FORGET = """
    DELETE FROM attendance_attendanceevent WHERE attendance_id = ANY(%(ids)s);
    DELETE FROM attendance_attendancerecord WHERE attendance_id = ANY(%(ids)s);
    DELETE FROM attendance_attendance WHERE id = ANY(%(ids)s);
    DELETE FROM attendance_lessonledger WHERE lesson_id = ANY(%(ids)s)"""


def _execute(sql: str, values: dict[str, Any] | None = None) -> None:
    with connection.cursor() as cursor:
        # Several statements in one: psycopg puts the values in itself.
        for each in filter(str.strip, sql.split(";")):
            cursor.execute(each, values)


class TermOfTotals:
    """Sections in the middle of a term, and one more lesson of each that waits in Redis."""

    def __init__(self, depth: int, **rules: Any) -> None:
        self.sections = make_sections(make_people(), lessons=LESSONS, roster=ROSTER)
        for section in Section.objects.filter(pk__in=self.sections) if rules else ():
            set_rule(section, **rules)
        empty_tables()
        self.backlog = Backlog(LESSONS, share=ROSTER, sections=self.sections)
        if depth:
            _execute(HISTORY, {"depth": depth})
        assert AttendanceRecord.objects.count() == depth * LESSONS * ROSTER

    def persist(self, doing: AbstractContextManager[Any]) -> tuple[float, float]:
        """Seconds, and CPU of Python and PostgreSQL, to persist the lessons that wait.

        The term is as before afterwards.
        """
        recompute_sections(self.sections)
        ids = fill(self.backlog)
        _execute("VACUUM ANALYZE; CHECKPOINT")
        before = time.process_time() + cpu_seconds()[0]
        with doing:
            seconds = timed(self._check)
        cpu = time.process_time() + cpu_seconds()[0] - before
        _execute("SET session_replication_role = replica")
        _execute(FORGET, {"ids": ids})
        _execute("RESET session_replication_role")
        return seconds, cpu

    def _check(self) -> None:
        report = unified_persistence_task()
        assert report.sums_agree
        assert report.totals.counts.inserted == self.backlog.records


@pytest.mark.parametrize(
    ("depth", "rules"), [(0, {}), (DEPTH, {}), (DEPTH, {"warn_permille": 800, "in_a_row": 4})]
)
def test_persisting_with_totals_against_without(
    depth: int, rules: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    term = TermOfTotals(depth, **rules)
    rounds = []
    for n in range(ROUNDS + 1):
        plain = term.persist(_without_totals(monkeypatch))
        with_totals = term.persist(nullcontext())
        if n:  # The first round warms up.
            rounds.append((*plain, *with_totals))
    assert SectionTotal.objects.count() >= LESSONS * ROSTER
    micro = 1e6 / term.backlog.records
    plain_s, plain_cpu, with_s, with_cpu = (
        middle(each) * micro for each in zip(*rounds, strict=True)
    )
    note(
        Figure(
            f"persisting {LESSONS} lessons of {ROSTER}, each of a section that has met {depth} "
            f"times before, with their totals{' and warnings' if rules else ''}, against without",
            "≤ 1.15",
            spread(each[2] / each[0] for each in rounds),
            f"{with_s:.1f} µs and {plain_s:.1f} µs a record; CPU of Python and PostgreSQL "
            f"{with_cpu:.1f} µs and {plain_cpu:.1f} µs, {with_cpu / plain_cpu:.2f} ×",
        )
    )


def test_verifying_a_term() -> None:
    term = TermOfTotals(DEPTH)
    recompute_sections(term.sections)
    _execute("VACUUM ANALYZE")
    seconds = [timed(verify) for _ in range(ROUNDS)]
    assert verify().wrong == []
    note(
        Figure(
            f"verifying the totals of {LESSONS * ROSTER:,} people in sections, "
            f"{DEPTH * LESSONS * ROSTER:,} marks",
            "none set",
            f"{middle(seconds):.2f} s",
            f"{middle(seconds) / (DEPTH * LESSONS * ROSTER) * 1e6:.1f} µs a mark",
        )
    )


@contextmanager
def _without_totals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(totals, "follow_lessons", lambda *args, **options: None)
        yield
