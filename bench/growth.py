"""Lists of the administration at the size of many years, each beside the first page of its list.

ATTN_WRITE_FIGURES=yes ./attn test bench/growth.py -s
"""

import os
import time
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from bench.figures import ROUNDS, Figure, middle, note
from tests.support.callers import signed_in
from tests.support.members import STAFF

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(3_000)]

SHARE = int(os.environ.get("ATTN_GROWTH_SHARE", "1"))
"""To try the bench itself: one part in so many of each size."""
SIZES = {
    "people": 20_000 // SHARE,
    "lessons": 200_000 // SHARE,
    "each": 25,
    "ledger": 1_000_000 // SHARE,
    "runs": 500_000 // SHARE,
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

ASKED: dict[str, list[tuple[str, int | None]]] = {
    "attendance": [("?p=100", 100), ("?deleted=yes", 100), ("?q=Lesson 77", None)],
    "attendancerecord": [
        ("?q=G-77", 50),
        ("?q=Person 777", 50),
        ("?q=Ada", 50),
        ("?p=100", 100),
        ("?status__exact=late", 100),
        ("?deleted=yes", 100),
    ],
    "lessonledger": [("?p=100", 150), ("?now=lost", 150), ("?now=discarded", 150), ("?q=Ada", 150)],
    "persistencerun": [("?p=100", 100), ("?trigger__exact=admin", 100)],
}
"""Of each list, what is asked of it, and the most milliseconds that are the goal."""


def load() -> float:
    """Fill the tables; the seconds that it takes."""
    begun = time.perf_counter()
    with connection.cursor() as cursor:
        for each in LOAD.split(";"):
            cursor.execute(each, SIZES if "%(" in each else None)
    return time.perf_counter() - begun


def milliseconds(client: Client, address: str) -> float:
    begun = time.perf_counter()
    assert client.get(address).status_code == 200, address
    return (time.perf_counter() - begun) * 1_000


def test_lists_after_many_years() -> None:
    seconds = load()
    print(f"loaded in {seconds:.0f} s", flush=True)
    staff = signed_in(STAFF)
    for name, questions in ASKED.items():
        page = f"/admin/attendance/{name}/"
        for query, goal in questions:
            _measure(partial(milliseconds, staff), page, query, goal)


def _measure(ask: Any, page: str, query: str, goal: int | None) -> None:
    ask(page)
    ask(page + query)
    pairs = [(ask(page), ask(page + query)) for _ in range(ROUNDS)]
    first, asked = (middle(each) for each in zip(*pairs, strict=True))
    name = page.split("/")[-2]
    note(
        Figure(
            f"`{name}` in the administration, `{query}`, against its first page",
            f"≤ {goal} ms" if goal else "none set",
            f"{asked / first:.2f} ×",
            f"{asked:.0f} ms and {first:.0f} ms",
        )
    )
