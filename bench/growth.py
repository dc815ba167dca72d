"""What staff and probes ask for, at the size of ten years and of half a year; their plans.

ATTN_WRITE_FIGURES=yes ./attn test bench/growth.py -s
"""

import os
import time
from functools import partial
from typing import NamedTuple

import pytest
from django.db import connection
from django.test import Client

from attendance.vocabulary import LessonState
from bench import plans
from bench.figures import ROUNDS, Figure, middle, note
from tests.support.callers import signed_in
from tests.support.members import STAFF
from tests.support.tables import empty
from users.identity import Person

SOMEBODY = Person("G-77", "Person 77")
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(3_000)]

SHARE = int(os.environ.get("ATTN_GROWTH_SHARE", "1"))
"""To try the bench itself: one part in so many of each size."""
PART = 20
"""The smaller school has one part in so many of the larger one's years."""
DEEP = max(2, 100 // SHARE)
"""A page far back, which the smaller school has as well."""


def sizes(share: int) -> dict[str, int]:
    """People are as many in both: a school grows older, not larger."""
    return {
        "people": 20_000,
        "lessons": 200_000 // share,
        "each": 25,
        "ledger": 1_000_000 // share,
        "runs": 500_000 // share,
    }


# Keys are not looked up for each row: they are of rows that were made here.
LOAD = """
    SET session_replication_role = replica;
    INSERT INTO users_user (school_number, full_name, role, password, email, is_active,
           is_superuser, session_version, created_at)
    SELECT 'G-' || n,
           (ARRAY['Ada','Grace','Alan','Edsger','Barbara'])[1 + n %% 5] || ' Person ' || n,
           CASE WHEN n %% 40 = 0 THEN 'teacher' ELSE 'student' END, '!', '', true, false, 0,
           now()
      FROM generate_series(1, %(people)s) AS n;
    INSERT INTO attendance_attendance (id, teacher_id, teacher_name, lesson_name, starts_at,
           ends_at, held_on, opens_before_s, not_held_reason, checks, networks, revision,
           persisted_at, deleted_reason)
    SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, u.id, u.full_name,
           'Lesson ' || n, at, at + interval '45 minutes', at::date, 0, '', '[]', '[]', 1, at, ''
      FROM (SELECT n, now() - n * interval '20 minutes' AS at
              FROM generate_series(1, %(lessons)s) AS n) AS l
      JOIN users_user AS u ON u.school_number = 'G-' || (40 * (1 + l.n %% (%(people)s / 40 - 1)));
    INSERT INTO attendance_attendancerecord (attendance_id, student_id, school_number, full_name,
           status, checked_in_at, source, reason, is_expected, previous, revision, changed_at,
           deleted_reason)
    SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(l), 12, '0'))::uuid, u.id, u.school_number,
           u.full_name, 'present', now(), 'student', '', true, '', 1, now(), ''
      FROM generate_series(1, %(lessons)s) AS l
     CROSS JOIN generate_series(1, %(each)s) AS k
      JOIN users_user AS u ON u.school_number = 'G-' || (1 + (l * 37 + k) %% %(people)s);
    INSERT INTO attendance_lessonledger (lesson_id, lesson_name, teacher_number, teacher_name,
           starts_at, ends_at, state, record_count, seen_revision, missing_count,
           quarantined_count, attempts, last_error, digest, first_seen_at, persisted_at,
           discarded_at, settled_reason)
    SELECT gen_random_uuid(), 'Lesson ' || n, 'G-40', 'Ada', at, at + interval '45 minutes',
           'discarded', 3, 1, 0, 0, 0, '', '', at, at, at, ''
      FROM (SELECT n, now() - interval '1 day' - n * interval '4 minutes' AS at
              FROM generate_series(1, %(ledger)s) AS n) AS l;
    INSERT INTO attendance_persistencerun (trigger, started_at, finished_at, lessons, recorded,
           read, inserted, updated, unchanged, quarantined, expected, marked_absent, failed,
           is_interrupted, error)
    SELECT 'scheduler', at, at, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, false, ''
      FROM (SELECT now() - n * interval '1 minute' AS at
              FROM generate_series(1, %(runs)s) AS n) AS r;
    RESET session_replication_role;
    VACUUM ANALYZE"""


class Question(NamedTuple):
    """What is asked, by whom, and the most milliseconds that are the goal."""

    address: str
    goal: int | None = None
    is_student: bool = False


ADMIN = "/admin/attendance/"
STATES = (LessonState.DISCARDED.value, LessonState.FAILED.value, LessonState.LOST.value)
"""Of nearly all lessons, and of few."""
QUESTIONS = [
    Question(f"{ADMIN}attendancerecord/", 100),
    Question(f"{ADMIN}attendancerecord/?q=G-77", 50),
    Question(f"{ADMIN}attendancerecord/?q=Person 777", 50),
    Question(f"{ADMIN}attendancerecord/?q=Ada", 50),
    Question(f"{ADMIN}attendancerecord/?p={DEEP}", 100),
    Question(f"{ADMIN}attendancerecord/?status__exact=late", 100),
    Question(f"{ADMIN}attendancerecord/?deleted=yes", 100),
    Question(f"{ADMIN}attendance/", 100),
    Question(f"{ADMIN}attendance/?p={DEEP}", 100),
    Question(f"{ADMIN}attendance/?deleted=yes", 100),
    Question(f"{ADMIN}attendance/?q=Lesson 77", 100),
    Question(f"{ADMIN}lessonledger/", 150),
    Question(f"{ADMIN}lessonledger/?p={DEEP}", 150),
    *(Question(f"{ADMIN}lessonledger/?now={state}", 150) for state in STATES),
    Question(f"{ADMIN}lessonledger/?q=Ada", 150),
    Question(f"{ADMIN}persistencerun/", 100),
    Question(f"{ADMIN}persistencerun/?p={DEEP}", 100),
    Question(f"{ADMIN}persistencerun/?trigger__exact=admin", 100),
    Question("/readyz"),
    Question("/admin/operations/", 100),
    Question("/lessons/?search=chemistry"),
    Question("/lessons/?search=Lesson 77"),
    *(Question(f"/api/v1/lessons/?state={state}") for state in STATES),
    Question("/api/v1/lessons/?search=chemistry"),
    Question("/api/v1/runs/"),
    Question("/api/v1/me/records/", is_student=True),
    Question("/me/", is_student=True),
]


class Taken(NamedTuple):
    milliseconds: float
    plan: plans.Plan


def test_what_is_asked_after_many_years() -> None:
    small = _measure(PART * SHARE)
    empty(connection)
    large, many = _measure(SHARE), sizes(SHARE)
    for question in QUESTIONS:
        before, after = small[question].milliseconds, large[question].milliseconds
        note(
            Figure(
                f"`{question.address}`{' of a student' if question.is_student else ''}, "
                f"{many['lessons']:,} lessons and {many['lessons'] * many['each']:,} marks "
                "against a twentieth of them",
                f"≤ {question.goal} ms" if question.goal else "none set",
                f"{after / before:.2f} ×",
                f"{after:.0f} ms and {before:.0f} ms",
            )
        )
        plans.note(question.address, large[question].plan)


def _measure(share: int) -> dict[Question, Taken]:
    """Milliseconds of every answer, the median of the rounds, in a school of that age."""
    seconds = load(sizes(share))
    print(f"{sizes(share)} loaded in {seconds:.0f} s", flush=True)
    staff, student = signed_in(STAFF), signed_in(SOMEBODY)
    found = {}
    for question in QUESTIONS:
        client = student if question.is_student else staff
        plan = plans.dearest(partial(ask, client, question))
        found[question] = Taken(
            middle(ask(client, question) for _ in range(ROUNDS)),
            plan,
        )
    return found


def load(values: dict[str, int]) -> float:
    """Fill the tables; the seconds that it takes."""
    begun = time.perf_counter()
    with connection.cursor() as cursor:
        for each in LOAD.split(";"):
            cursor.execute(each, values if "%(" in each else None)
    return time.perf_counter() - begun


def ask(client: Client, question: Question) -> float:
    begun = time.perf_counter()
    answer = client.get(question.address)
    assert answer.status_code == 200, (question, answer.content)
    return (time.perf_counter() - begun) * 1_000
