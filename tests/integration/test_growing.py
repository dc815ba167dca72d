"""Lists among many lessons: what is asked all the time reads few rows, by indexes."""

from datetime import datetime, timedelta
from functools import partial
from itertools import product
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import Count, Min, Q
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from knox.models import AuthToken

from attendance.admin.register import AttendanceAdmin
from attendance.models import Attendance, AttendanceRecord, LessonLedger
from attendance.models.books import INCOMPLETE, LOST, REWOUND, _state_at
from attendance.selectors import health, operations
from attendance.vocabulary import LessonState
from tests.support.callers import Api, signed_in
from tests.support.factories import (
    AttendanceFactory,
    AttendanceRecordFactory,
    LessonLedgerFactory,
    RefusedCheckInFactory,
    UserFactory,
)
from tests.support.members import STAFF
from tests.support.people import merge
from tests.support.rows_read import rows_read
from users import admin_lists, caller_rows, lookups
from users.models import FormerNumber, User

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


def test_what_is_asked_all_the_time_reads_few_of_many_lessons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admin_lists, "MOST_LISTED", 1_000)
    monkeypatch.setattr(operations, "COUNTED", 1_000)
    monkeypatch.setattr(lookups, "MOST_SEARCHED", 1_000)
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
    assert rows_read(partial(staff.get, "/lessons/?search=chemistry"), ledger) < 1_200
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


def test_a_newcomer_is_found_among_many_former_numbers() -> None:
    user = UserFactory.create()
    digest = AuthToken.objects.create(user=user)[0].digest
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO users_user (school_number, full_name, role, email, password, is_active,"
            " is_superuser, session_version, must_change_password, created_at)"
            " SELECT 'G-' || n, 'Person', 'student', '', '!', true, false, 0, false, now()"
            " FROM generate_series(1, %s) AS n",
            [MANY],
        )
        cursor.execute(
            "INSERT INTO users_formernumber (number, user_id, changed_at)"
            " SELECT 'OLD-' || id, id, now() FROM users_user WHERE school_number LIKE 'G-%%'"
        )
        FormerNumber.objects.create(user=user, number="OLD-ONE")
        cursor.execute("VACUUM ANALYZE users_user, users_formernumber")
    found = caller_rows.find_token(digest)
    assert found is not None
    assert found[1].other_numbers == ("OLD-ONE",)
    for table in (FormerNumber._meta.db_table, User._meta.db_table):
        assert rows_read(partial(caller_rows.find_token, digest), table) < 10, table
        assert rows_read(partial(caller_rows.find_caller, user.pk), table) < 10, table


def test_records_are_counted_for_the_page_only(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = AttendanceFactory.create_batch(3)
    AttendanceRecordFactory.create_batch(2, attendance=rows[0])
    staff: Client = signed_in(STAFF)
    page = staff.get("/admin/attendance/attendance/")
    shown = {row.pk: row.record_total for row in page.context["cl"].result_list}
    assert shown == {rows[0].pk: 2, rows[1].pk: 0, rows[2].pk: 0}
    monkeypatch.setattr(AttendanceAdmin, "list_per_page", 1)
    with CaptureQueriesContext(connection) as captured:
        second = staff.get("/admin/attendance/attendance/", {"p": "2"})
    (listed,) = second.context["cl"].result_list
    table = Attendance._meta.db_table
    skipping = [q["sql"] for q in captured if table in q["sql"] and "OFFSET" in q["sql"]]
    assert skipping
    assert not any("COUNT" in sql.upper().partition(" FROM ")[0] for sql in skipping)
    counting = [q["sql"] for q in captured if "record_total" in q["sql"]]
    assert len(counting) == 1
    assert listed.pk.hex in counting[0]


@pytest.fixture
def many_marks() -> Client:
    """Thirty thousand marks of three hundred students in a hundred lessons."""
    staff, now = signed_in(STAFF), timezone.now()
    teacher = User.objects.get(school_number=STAFF.school_number)
    people = User.objects.bulk_create(
        UserFactory.build(school_number=f"S-{n}", full_name=f"Student {n}")
        for n in range(1_000, 1_300)
    )
    ends = [now - timedelta(hours=n) for n in range(1, 101)]
    lessons = Attendance.objects.bulk_create(
        AttendanceFactory.build(
            teacher=teacher,
            lesson_name=f"Lesson {n}",
            starts_at=at - timedelta(minutes=45),
            ends_at=at,
        )
        for n, at in enumerate(ends, 1)
    )
    AttendanceRecordFactory.create(attendance=lessons[0], student=people[0])
    own = "student_id, school_number, full_name"
    same = ", ".join(
        field.column
        for field in AttendanceRecord._meta.concrete_fields
        if field.column and field.column not in {"id", "attendance_id", *own.split(", ")}
    )
    copied = "record." + same.replace(", ", ", record.")
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO attendance_attendancerecord (attendance_id, {own}, {same})"
            f" SELECT lesson.id, student.id, student.school_number, student.full_name, {copied}"
            " FROM attendance_attendancerecord AS record, attendance_attendance AS lesson,"
            " users_user AS student"
            " WHERE student.role = 'student' AND (lesson.id, student.id) <> (%s, %s)"
            # As lessons are stored one after the other.
            " ORDER BY lesson.id",
            [lessons[0].pk, people[0].pk],
        )
        cursor.execute("VACUUM ANALYZE attendance_attendancerecord, attendance_attendance")
    return staff


RECORDS = "/admin/attendance/attendancerecord/"


@pytest.mark.parametrize("asked", ["S-1234", "Student 1234", "1234 student"])
def test_marks_of_one_person_are_found_without_reading_those_of_others(
    asked: str, many_marks: Client
) -> None:
    page = many_marks.get(RECORDS, {"q": asked})
    assert page.context["cl"].result_count == 100
    assert {row.school_number for row in page.context["cl"].result_list} == {"S-1234"}
    table = AttendanceRecord._meta.db_table
    assert rows_read(partial(many_marks.get, RECORDS, {"q": asked}), table) <= 100


def test_a_name_of_too_many_says_so_and_shows_the_first(many_marks: Client) -> None:
    page = many_marks.get(RECORDS, {"q": "student"})
    assert "the first 200 people only" in page.content.decode()
    found = User.objects.filter(role="student").order_by("school_number")[:200]
    numbers = {row.school_number for row in page.context["cl"].result_list}
    assert numbers <= {user.school_number for user in found}
    assert "people only" not in many_marks.get(RECORDS, {"q": "S-1234"}).content.decode()


@pytest.mark.parametrize("rare", ["status__exact=rejected", "deleted=yes"])
def test_what_is_rare_is_found_by_its_index(rare: str, many_marks: Client) -> None:
    row = AttendanceRecord.objects.order_by("pk")[15_000]
    deleted = {"deleted_at": timezone.now(), "deleted_by": row.attendance.teacher}
    change: dict[str, Any] = {"status": "rejected"}
    if "deleted" in rare:
        change = {**deleted, "deleted_reason": "twice"}
    AttendanceRecord.objects.filter(pk=row.pk).update(**change)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE attendance_attendancerecord")
    page = many_marks.get(f"{RECORDS}?{rare}")
    assert [found.pk for found in page.context["cl"].result_list] == [row.pk]
    act = partial(many_marks.get, f"{RECORDS}?{rare}")
    assert rows_read(act, AttendanceRecord._meta.db_table) <= 2


@pytest.mark.parametrize("asked", ["status__exact=late", "source__exact=receipt"])
def test_a_filter_without_an_index_is_of_the_newest_rows(
    asked: str, many_marks: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "MOST_SEARCHED", 1_000)
    name, value = asked.split("__exact=")
    newest = AttendanceRecord.objects.order_by("-attendance_id", "pk").first()
    oldest = AttendanceRecord.objects.order_by("attendance_id", "pk").first()
    assert newest
    assert oldest
    rows = AttendanceRecord.objects.filter(pk__in=[newest.pk, oldest.pk])
    rows.update(**{name: value})
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE attendance_attendancerecord")

    page = many_marks.get(f"{RECORDS}?{asked}")
    assert [row.pk for row in page.context["cl"].result_list] == [newest.pk]
    assert "of the newest 1,000 rows" in page.content.decode()
    act = partial(many_marks.get, f"{RECORDS}?{asked}")
    assert rows_read(act, AttendanceRecord._meta.db_table) < 2_500

    # Of a person it is of all their rows.
    page = many_marks.get(
        f"{RECORDS}?{asked}", {"q": oldest.school_number, name + "__exact": value}
    )
    assert oldest.pk in {row.pk for row in page.context["cl"].result_list}


def test_lessons_are_searched_among_the_newest_that_the_filters_leave(
    many_marks: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "MOST_SEARCHED", 10)
    page = "/admin/attendance/attendance/"

    def found(**asked: Any) -> list[str]:
        rows = many_marks.get(page, asked).context["cl"].result_list
        return [row.lesson_name for row in rows]

    assert found(q="lesson 7") == ["Lesson 7"]
    assert found(q="lesson 70") == []
    old = Attendance.objects.get(lesson_name="Lesson 70")
    assert found(q=f" {old.pk} ") == ["Lesson 70"]
    assert found(q="lesson 70", starts_at__lt=str(old.ends_at)) == ["Lesson 70"]


def test_whoever_changed_their_number_is_found_by_both_and_by_merged_accounts() -> None:
    root, other = UserFactory.create(full_name="Ada Lovelace"), UserFactory.create()
    rows = [AttendanceRecordFactory.create(student=user) for user in (root, other)]
    FormerNumber.objects.create(user=root, number="OLD-7")
    merge(other, root)
    staff = signed_in(STAFF)
    for asked in ("OLD-7", "old", "lovelace ADA", root.school_number):
        shown = staff.get(RECORDS, {"q": asked}).context["cl"].result_list
        assert {row.pk for row in shown} == {row.pk for row in rows}, asked


def test_staff_search_the_newest_lessons_that_the_other_filters_leave(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lookups, "MOST_SEARCHED", 10)
    now = timezone.now()
    for n in range(1, 31):
        at = now - timedelta(days=31 - n)
        LessonLedgerFactory.create(
            lesson_id=UUID(int=n << 64),
            lesson_name=f"Lesson {n}",
            starts_at=at,
            ends_at=at + timedelta(minutes=45),
            state=LessonState.LOST,
        )
    api = Api(STAFF)

    def found(**asked: str) -> list[str]:
        told = api.get("lessons/?" + urlencode(asked)).json()
        return [each["lesson_name"] for each in told["results"]]

    assert found(search="lesson 25") == ["Lesson 25"]
    assert found(search="lesson 21") == ["Lesson 21"]
    assert found(search="lesson 20") == []
    to = (now - timedelta(days=10, hours=-1)).isoformat()
    assert found(search="lesson 20", to=to) == ["Lesson 20"]
    assert len(found(search="lesson", page_size="100")) == 10
    page = signed_in(STAFF).get("/lessons/", {"search": "lesson 20"}).content.decode()
    assert "None of the newest 20,000 lessons" in page


def test_a_refused_number_that_is_nobodys_is_found() -> None:
    row = RefusedCheckInFactory.create(school_number="X-404")
    shown = signed_in(STAFF).get("/admin/attendance/refusedcheckin/", {"q": "x-404"})
    assert [found.pk for found in shown.context["cl"].result_list] == [row.pk]


def test_an_address_sorts_no_list_without_an_index_and_counts_no_filter() -> None:
    staff = signed_in(STAFF)
    growing = ("attendance", "attendancerecord", "attendanceevent", "refusedcheckin")
    for name in (*growing, "lessonledger", "persistencerun"):
        page = f"/admin/attendance/{name}/"
        plain = staff.get(page).context["cl"].queryset.query.order_by
        # Counts beside each filter would be of all rows.
        assert not staff.get(page, {"_facets": "True"}).context["cl"].add_facets
        assert "_facets" not in staff.get(page).content.decode()
        for order in ("0", "1", "-4", "5.-6", "99", "9999999999", "x", ""):
            asked = staff.get(page, {"o": order})
            assert asked.status_code == 200
            assert asked.context["cl"].queryset.query.order_by == plain, (name, order)
    for order in ("2", "1.2"):
        served = staff.get("/admin/attendance/attendance/", {"o": order}).context["cl"]
        assert served.queryset.query.order_by == ("starts_at", "-pk")
