"""A backlog of lessons that are over, written into the live store as the scripts would have.

`tests/integration/test_backlog.py` compares one with what the scripts write.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from attendance.live import client, envelope, keys, records, store
from attendance.live.records import EventData, LessonData, RecordData
from attendance.services import ids
from users.identity import Person, Role

TEACHERS, STUDENTS = 500, 20_000
PIPELINED = 50
LESSON_MS = 1_800_000


class Backlog(NamedTuple):
    """How much waits: `lessons` with `share` records each."""

    lessons: int
    share: int = 200

    @property
    def records(self) -> int:
        return self.lessons * self.share


def teacher(number: int) -> Person:
    number %= TEACHERS
    return Person(f"T-{number:05}", f"Teacher {number:05}", Role.TEACHER)


def student(number: int) -> Person:
    number %= STUDENTS
    return Person(f"S-{number:05}", f"Öğrenci {number:05}")


def students_of(lesson: int, share: int) -> Iterator[Person]:
    """Each lesson has its own part of the school; parts overlap."""
    return (student(lesson * 37 + i) for i in range(share))


def fill(backlog: Backlog) -> list[UUID]:
    """Write lessons that ended a minute ago, each with its finish. Returns their ids."""
    ends_at = records.milliseconds(store.now() - timedelta(minutes=1))
    lesson_ids: list[UUID] = []
    pipe = client.connection().pipeline(transaction=False)
    for number in range(backlog.lessons):
        lesson_id = ids.new_lesson_id(records.instant(ends_at))
        lesson_ids.append(lesson_id)
        share = backlog.share
        pipe.hset(keys.lesson(lesson_id), mapping=_lesson(lesson_id, number, share, ends_at))
        pipe.hset(keys.records(lesson_id), mapping=_records(lesson_id, number, share, ends_at))
        pipe.rpush(keys.events(lesson_id), _finish(lesson_id, number, share + 2, ends_at))
        pipe.zadd(keys.DUE, {str(lesson_id): ends_at})
        if number % PIPELINED == PIPELINED - 1:
            pipe.execute()
    pipe.execute()
    return lesson_ids


def _lesson(lesson_id: UUID, number: int, share: int, ends_at: int) -> dict[Any, Any]:
    starts_at, revision = ends_at - LESSON_MS, share + 2
    data = LessonData(f"Lesson {number}", teacher(number), 10, f"request-{lesson_id}")
    stamp = f"{revision},{ends_at},{starts_at},{ends_at}"
    return {
        "data": envelope.seal(lesson_id, "lesson", "data", stamp, records.encode(data)),
        "revision": revision,
        "record_count": share,
        "event_count": 1,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "late_at": starts_at + 600_000,
        "phase": "live",
    }


def _records(lesson_id: UUID, number: int, share: int, ends_at: int) -> dict[Any, Any]:
    marks: dict[Any, Any] = {}
    for i, who in enumerate(students_of(number, share)):
        at = ends_at - LESSON_MS + 1_000 + i
        json = records.encode(RecordData(who.school_number, who.full_name, "student"))
        stamp = f"{i + 2},{at},{at},present,,kept"
        marks[who.school_number] = envelope.seal(
            lesson_id, "record", who.school_number, stamp, json
        )
    return marks


def _finish(lesson_id: UUID, number: int, revision: int, ends_at: int) -> bytes:
    json = records.encode(EventData("lesson_finished", teacher(number), "teacher"))
    stamp = f"{revision},{ends_at},finish-{lesson_id},{ends_at + 900_000},{ends_at}"
    return envelope.seal(lesson_id, "event", str(revision), stamp, json)
