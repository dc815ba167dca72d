"""Lists among many lessons: what is asked all the time reads few rows, by indexes."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count, Min, Q
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from attendance.models import Attendance, LessonLedger
from attendance.models.books import INCOMPLETE, LOST, REWOUND, _state_at
from attendance.selectors import health, operations
from attendance.vocabulary import LessonState
from tests.support.callers import signed_in
from tests.support.factories import AttendanceFactory, AttendanceRecordFactory, LessonLedgerFactory
from tests.support.members import STAFF
from users import admin_lists

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 30_000
_LEDGER = """
    INSERT INTO attendance_lessonledger (lesson_id, lesson_name, teacher_number, teacher_name,
           starts_at, ends_at, state, record_count, seen_revision, missing_count,
           quarantined_count, attempts, last_error, digest, first_seen_at, persisted_at,
           discarded_at, settled_reason)
    SELECT gen_random_uuid(), 'Lesson ' || n, 'T-1', 'Ada', at, at + interval '45 minutes',
           'discarded', 3, 1, 0, 0, 0, '', '', at, at, at, ''
      FROM (SELECT n, now() - interval '1 day' - n * interval '30 minutes' AS at
              FROM generate_series(1, %s) AS n) AS lessons"""


def rows_read(act: Callable[[], Any], table: str) -> int:
    """The most rows of a table that one query of an act reads, also those that it throws away."""
    with CaptureQueriesContext(connection) as captured:
        act()
    asked = [q["sql"] for q in captured if table in q["sql"] and q["sql"].startswith("SELECT")]
    assert asked
    most = 0
    for sql in asked:
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + sql)
            (plan,) = cursor.fetchone()
        plan = json.loads(plan) if isinstance(plan, str) else plan
        read = [n for n in _nodes(plan[0]["Plan"]) if n.get("Relation Name") == table]
        most = max(most, sum(map(_rows, read)))
    return most


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def _rows(node: dict[str, Any]) -> int:
    seen = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return int(seen * node["Actual Loops"])


def test_what_is_asked_all_the_time_reads_few_of_many_lessons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admin_lists, "MOST_LISTED", 1_000)
    monkeypatch.setattr(operations, "COUNTED", 1_000)
    with connection.cursor() as cursor:
        cursor.execute(_LEDGER, [MANY])
        LessonLedgerFactory.create_batch(3, state=LessonState.LOST)
        cursor.execute("VACUUM ANALYZE attendance_lessonledger")
    now, staff, ledger = timezone.now(), signed_in(STAFF), LessonLedger._meta.db_table
    assert rows_read(lambda: health.waiting(at=now), ledger) < 50
    books = operations.read_books(at=now)
    assert books.is_about
    assert abs(books.states[LessonState.DISCARDED] - MANY) <= 1_000
    assert rows_read(lambda: operations.read_books(at=now), ledger) < 1_100
    page = "/admin/attendance/lessonledger/"
    filters = [f"?now={state}" for state in LessonState] + ["", "?period=2020", "?p=10"]
    for asked in filters:
        assert staff.get(page + asked).status_code == 200, asked
        assert rows_read(partial(staff.get, page + asked), ledger) < 1_200, asked
    assert "There are more" in staff.get(page).content.decode()


def test_indexed_questions_have_the_answers_of_the_whole_ledger() -> None:
    now = timezone.now()
    instants = (None, now - timedelta(hours=2), now, now + timedelta(hours=2))
    errors = ("", "rewound to 3", "OperationalError 53100: no space")
    for n, (state, starts, ends) in enumerate(product(LessonState, instants, instants)):
        LessonLedgerFactory.create(
            state=state,
            starts_at=starts,
            ends_at=ends,
            last_error=errors[n % 3],
            attempts=n % 2,
            incomplete_since=now if n % 5 == 0 else None,
            persisted_at=now,
        )
    _asserts_equal_answers(now)


def _asserts_equal_answers(now: datetime) -> None:
    everything = LessonLedger.objects.all()
    for state in LessonState:
        by_case = everything.annotate(now=_state_at(now)).filter(now=state)
        assert set(LessonLedger.objects.in_state(state, now)) == set(by_case), state
    counted = everything.aggregate(
        oldest_at=Min("ends_at", filter=Q(pk__in=LessonLedger.objects.waiting(now).values("pk"))),
        lost=Count("pk", filter=LOST),
        quarantined=Count("pk", filter=health.UNREADABLE),
        rewound=Count("pk", filter=REWOUND),
        failed=Count("pk", filter=health.FAILED),
        incomplete=Count("pk", filter=INCOMPLETE),
    )
    assert health.waiting(at=now)._asdict() == counted
    rows: Any = everything.order_by().annotate(now=_state_at(now)).values_list("now")
    states = dict(rows.annotate(n=Count("pk")))
    assert operations.read_books(at=now).states == states


def test_records_are_counted_for_the_page_only() -> None:
    rows = AttendanceFactory.create_batch(3)
    AttendanceRecordFactory.create_batch(2, attendance=rows[0])
    staff: Client = signed_in(STAFF)
    page = staff.get("/admin/attendance/attendance/")
    shown = {row.pk: row.record_total for row in page.context["cl"].result_list}
    assert shown == {rows[0].pk: 2, rows[1].pk: 0, rows[2].pk: 0}
    with CaptureQueriesContext(connection) as captured:
        staff.get("/admin/attendance/attendance/", {"period": "2020"})
    listed = [q["sql"] for q in captured if Attendance._meta.db_table in q["sql"]]
    assert listed
    assert not any("OFFSET" in sql and "record_total" in sql for sql in listed)
