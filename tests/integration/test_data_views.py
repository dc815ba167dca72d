"""The views for a data team: what they say, to whom, and that their words are in the docs."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import InternalError, ProgrammingError, connection, transaction

from attendance.models import AttendanceEvent, AttendanceRecord
from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import unified_persistence_task
from attendance.vocabulary import Verdict
from courses.models import Section
from tests.support.lessons import TEACHER, student
from tests.support.members import STAFF
from tests.support.sections import ended_section_lesson, section_of_today, user_of
from users.models import User
from users.services.merging import merge_people

pytestmark = pytest.mark.django_db(transaction=True)

DOCS = Path(settings.BASE_DIR) / "docs"
VIEWS = {
    *("dim_person", "dim_person_names", "dim_section", "dim_lesson"),
    *("fct_record", "fct_event", "fct_daily"),
}
USED = [
    ("users_user", "role"),
    ("users_user", "merged_into_id"),
    ("courses_section", "code"),
    ("courses_term", "title"),
    ("attendance_attendance", "held_on"),
    ("attendance_attendancerecord", "changed_at"),
    ("attendance_attendanceevent", "kind"),
]
DICTIONARY = """
    SELECT c.relname, obj_description(c.oid, 'pg_class'), a.attname,
           format_type(a.atttypid, a.atttypmod), col_description(c.oid, a.attnum)
      FROM pg_class AS c
      JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
     WHERE c.relnamespace = 'attn_v1'::regnamespace ORDER BY c.relname, a.attnum"""


@pytest.fixture
def section() -> Section:
    """One came, one did not and was excused afterwards."""
    made = section_of_today((1, 2), code="M-1")
    lesson = ended_section_lesson(made, [1])
    unified_persistence_task()
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number=student(2).school_number,
            verdict=Verdict.EXCUSE,
            actor=TEACHER,
            reason="a broken leg",
        )
    )
    return made


def told(sql: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def sql_in(path: Path) -> Iterator[str]:
    """The statements of a page of the docs, as somebody would copy them."""
    return iter(re.findall(r"```sql\n(.*?)```", path.read_text(), re.DOTALL))


def test_each_view_and_column_has_its_words_and_the_docs_have_the_same() -> None:
    text = (DOCS / "reference" / "data.md").read_text()
    rows = told(DICTIONARY)
    assert {row["relname"] for row in rows} == VIEWS
    for row in rows:
        part = text.partition(f"## attn_v1.{row['relname']}\n\n")[2].partition("\n## ")[0]
        line = f"| `{row['attname']}` | {row['format_type']} | {row['col_description']} |"
        assert part.startswith(str(row["obj_description"])), row["relname"]
        assert line in part.splitlines(), row
    assert len(rows) == len(re.findall(r"^\| `\w+` \|", text, re.MULTILINE))


def test_facts_have_what_is_stored_and_no_word_of_anybody(section: Section) -> None:
    roles = {row["account_key"]: row["role"] for row in told("SELECT * FROM attn_v1.dim_person")}
    assert roles == {user.pk: user.role for user in User.objects.all()}
    (taught,) = told("SELECT * FROM attn_v1.dim_section")
    (lesson,) = told("SELECT * FROM attn_v1.dim_lesson")
    assert (taught["code"], lesson["section_key"], lesson["is_held"]) == ("M-1", section.pk, True)
    marks = told("SELECT * FROM attn_v1.fct_record ORDER BY account_key")
    assert [(mark["status"], mark["source"], mark["has_reason"]) for mark in marks] == [
        ("present", "student", False),
        ("excused", "teacher", True),
    ]
    (event,) = told("SELECT * FROM attn_v1.fct_event WHERE account_key IS NOT NULL")
    assert (event["old"], event["new"]) == ("absent", "excused")
    assert event["actor_account_key"] == user_of(TEACHER).pk
    days = told("SELECT * FROM attn_v1.fct_daily ORDER BY account_key")
    assert [(day["expected"], day["present"], day["excused"]) for day in days] == [
        (1, 1, 0),
        (1, 0, 1),
    ]
    everything = [row for name in VIEWS - {"dim_person_names"} for row in told(_all(name))]
    names = (TEACHER.school_number, student(1).full_name, student(1).school_number)
    known = str(told(_all("dim_person_names")))
    assert all(name in known for name in names)
    assert not [word for word in ("broken leg", *names) if word in str(everything)]


def _all(name: str) -> str:
    return f"SELECT * FROM attn_v1.{name}"


def test_accounts_of_one_person_share_their_key() -> None:
    one, two = (user_of(student(number)) for number in (1, 2))
    merge_people(
        duplicate=two.school_number,
        into=one.school_number,
        actor=user_of(STAFF),
        reason="typed twice",
    )
    rows = told("SELECT * FROM attn_v1.dim_person WHERE role = 'student'")
    people = {row["account_key"]: row["person_key"] for row in rows}
    assert people == {one.pk: one.pk, two.pk: one.pk}


def test_the_roles_of_the_docs_see_the_views_and_nothing_else(section: Section) -> None:
    def sees(role: str, relation: str) -> bool:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL ROLE {role}")
                cursor.execute(f"SELECT * FROM {relation} LIMIT 1")
        except ProgrammingError:
            return False
        return True

    names, others = "dim_person_names", VIEWS - {"dim_person_names"}
    with transaction.atomic():
        with connection.cursor() as cursor:
            for statements in sql_in(DOCS / "how-to" / "data.md"):
                cursor.execute(statements)
        for role, seen in (("attn_reader", others), ("attn_names", {names}), ("warehouse", others)):
            assert {name for name in VIEWS if sees(role, f"attn_v1.{name}")} == seen
            for table in ("users_user", "attendance_attendancerecord", "reports_touchedlesson"):
                assert not sees(role, table)
        # Roles are of the whole server.
        transaction.set_rollback(True)


@pytest.mark.usefixtures("section")
def test_a_view_is_read_by_the_index_of_its_table() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        # The tables of a test are small: whether an index can serve is asked, not whether it pays.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT r.status FROM attn_v1.dim_lesson AS l JOIN attn_v1.fct_record AS r"
            " USING (lesson_key) WHERE l.lesson_key = %s",
            [AttendanceRecord.objects.all()[0].attendance_id],
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "attendance_record_once_per" in plan
    assert "Seq Scan" not in plan


def test_a_column_that_a_view_has_cannot_be_dropped_unnoticed() -> None:
    for table, column in USED:
        with (
            pytest.raises(InternalError, match="attn_v1"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    assert not AttendanceEvent.objects.exists()
