"""How much room a lesson takes: in Redis while it lives, in PostgreSQL afterwards.

    ./attn test bench/sizes.py -s

Lessons of 200 students with names of 18 letters; every user exists once. Redis
counts what it really holds (MEMORY USAGE of every field, and what the server
grew by); PostgreSQL counts tables with their indexes after VACUUM FULL, and the
write-ahead log that persisting has made.
"""

from uuid import UUID

import pytest
from django.db import connection

from attendance.live import client, keys
from attendance.services.check_in import check_in
from attendance.services.lessons import LessonPlan, start_lesson
from attendance.services.persistence import unified_persistence_task
from tests.support.lessons import end
from users.identity import Person, Role

LESSONS, STUDENTS = 300, 200
TABLES = {
    "users_user": "user",
    "attendance_attendance": "lesson",
    "attendance_attendancerecord": "record",
    "attendance_attendanceevent": "event",
    "attendance_lessonledger": "lesson",
}


@pytest.mark.timeout(900)
@pytest.mark.django_db(transaction=True)
def test_sizes() -> None:
    redis = client.connection()
    used, written = redis.info("memory")["used_memory"], aof()
    lesson_ids = [live(number) for number in range(LESSONS)]
    grown, appended = redis.info("memory")["used_memory"] - used, aof() - written
    of_keys = [redis.memory_usage(key, samples=0) or 0 for key in keys.of_lesson(lesson_ids[0])]
    outside = grown / LESSONS - sum(of_keys)
    print(f"\nRedis: a lesson of {STUDENTS} takes {sum(of_keys):,} bytes in its keys")
    print(f"       and {outside:,.0f} bytes elsewhere (due, teacher, code, key names)")
    print(f"       {grown / LESSONS / STUDENTS:,.0f} bytes of memory a record, all counted")
    print(f"       {appended / LESSONS / STUDENTS:,.0f} bytes of append-only file a check-in")
    for lesson_id in lesson_ids:
        end(lesson_id)
    before = number_of("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
    report = unified_persistence_task()
    wal = number_of("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn") - before
    assert report.totals.counts.inserted == LESSONS * STUDENTS
    print(f"PostgreSQL: {wal / LESSONS / STUDENTS:,.0f} bytes of write-ahead log a record")
    for table, what in TABLES.items():
        run(f"VACUUM FULL {table}")
        rows = number_of(f"SELECT count(*) FROM {table}")
        heap = number_of(f"SELECT pg_table_size('{table}')") / rows
        indexes = number_of(f"SELECT pg_indexes_size('{table}')") / rows
        print(f"       {table}: {heap:,.0f} + {indexes:,.0f} of indexes, a {what}")


def live(number: int) -> UUID:
    teacher = Person(f"T-{number:05}", f"Teacher {number:010}", Role.TEACHER)
    lesson = start_lesson(LessonPlan("Physics for engineers", minutes=45), teacher=teacher)
    for student in range(STUDENTS):
        check_in(lesson.id, student=Person(f"S-{student:08}", f"Student {student:010}"))
    return lesson.id


def aof() -> int:
    return int(client.connection().info("persistence")["aof_current_size"])


def number_of(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
