"""What ATTN is measured against: row by row, and the algorithm of the service it replaces.

That one kept a key for each record, found them by SCAN for each lesson, saved users,
attendance and records in three transactions, and then deleted the keys.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django_redis import get_redis_connection

from attendance.models import Attendance, AttendanceRecord
from attendance.rules.instants import instant
from attendance.services.ids import new_lesson_id
from tests.support.backlog import Backlog, students_of, teacher
from users.models import User

PREFIX = "attendance"
ENDED_AT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
STARTED_AT = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def fill(backlog: Backlog) -> list[UUID]:
    """A key for each record, in a database of its own kind: no index, no count."""
    pipe, found = get_redis_connection("live").pipeline(transaction=False), []
    for number in range(backlog.lessons):
        lesson_id = new_lesson_id(ENDED_AT)
        found.append(lesson_id)
        for i, who in enumerate(students_of(number, backlog.share)):
            body = {
                "teacher": teacher(number).school_number,
                "number": who.school_number,
                "name": who.full_name,
                "at": 1_767_600_000_000 + i,
            }
            pipe.set(f"{PREFIX}:{lesson_id}:{who.school_number}", json.dumps(body))
        if number % 10 == 9:
            pipe.execute()
    pipe.execute()
    return found


def persist(lesson_ids: Iterable[UUID]) -> int:
    """Persist lessons as the original did. Returns how many records it stored."""
    stored = 0
    redis = get_redis_connection("live")
    for lesson_id in lesson_ids:
        names = list(redis.scan_iter(match=f"{PREFIX}:{lesson_id}:*"))
        bodies = [json.loads(raw) for raw in redis.mget(names)]
        stored += _save(lesson_id, bodies)
        redis.delete(*names)
    return stored


def _save(lesson_id: UUID, bodies: list[dict[str, Any]]) -> int:
    with transaction.atomic():
        people = {body["number"]: body["name"] for body in bodies}
        people |= {body["teacher"]: body["teacher"] for body in bodies}
        User.objects.bulk_create(
            [User(school_number=number, full_name=name) for number, name in people.items()],
            ignore_conflicts=True,
        )
    with transaction.atomic():
        by = User.objects.get(school_number=bodies[0]["teacher"])
        attendance = Attendance.objects.create(
            id=lesson_id,
            teacher=by,
            teacher_name=by.full_name,
            lesson_name="Lesson",
            starts_at=STARTED_AT,
            ends_at=ENDED_AT,
            revision=1,
        )
    with transaction.atomic():
        users = User.objects.in_bulk(people, field_name="school_number")
        rows = [_record(attendance, users[body["number"]], body) for body in bodies]
        return len(AttendanceRecord.objects.bulk_create(rows))


def persist_row_by_row(attendance: Attendance, bodies: Iterable[dict[str, Any]]) -> int:
    """The least that one would write: get_or_create for each user and each record."""
    stored = 0
    for body in bodies:
        user, _ = User.objects.get_or_create(
            school_number=body["number"], defaults={"full_name": body["name"]}
        )
        record = _record(attendance, user, body)
        _, is_new = AttendanceRecord.objects.get_or_create(
            attendance=attendance,
            student=user,
            defaults={
                name: getattr(record, name)
                for name in (
                    *("school_number", "full_name", "status", "source", "checked_in_at"),
                    *("revision", "changed_at"),
                )
            },
        )
        stored += is_new
    return stored


def _record(attendance: Attendance, user: User, body: dict[str, Any]) -> AttendanceRecord:
    at = instant(body["at"])
    return AttendanceRecord(
        attendance=attendance,
        student=user,
        school_number=user.school_number,
        full_name=body["name"],
        status="present",
        source="student",
        checked_in_at=at,
        revision=1,
        changed_at=at,
    )
