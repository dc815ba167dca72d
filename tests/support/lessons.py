"""Lessons for tests, made through the public functions, and damaged by hand."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import redis

from attendance.live import client, codes, envelope, keys, store
from attendance.live.codes import Code
from attendance.live.payloads import EventData, LiveLesson, RequestKey
from attendance.rules import instants
from attendance.services.check_in import check_in
from attendance.services.lessons import LessonPlan, start_lesson
from users.identity import Person, Role

TEST_SERVER = b"attn:test-server"
TEACHER = Person("T-1", "Ayşe Yılmaz", Role.TEACHER)


def student(number: int) -> Person:
    return Person(f"S-{number:04}", f"Student {number:04}")


def live_lesson(
    students: int = 3, *, teacher: Person = TEACHER, lesson_name: str = "Physics", first: int = 1
) -> LiveLesson:
    """A live lesson in which `students` have checked in, numbered from `first`."""
    lesson = start_lesson(LessonPlan(lesson_name, minutes=30), teacher=teacher)
    for number in range(first, first + students):
        check_in(lesson.id, student=student(number))
    return lesson


def code_of(lesson: LiveLesson, *, steps_ago: int = 0) -> Code:
    """What a lesson's screen shows, or showed some steps ago."""
    data = lesson.data
    at = store.now() - timedelta(seconds=steps_ago * data.code_seconds)
    return codes.code_at(data.secret, data.code_seconds, at)


def end(lesson_id: UUID, *, teacher: Person = TEACHER) -> None:
    """End a lesson without persisting it."""
    event = EventData("lesson_finished", teacher, "teacher")
    store.finish(lesson_id, request=RequestKey(str(uuid4()), ""), event=event)


def ended_lesson(students: int = 3, **options: Any) -> LiveLesson:
    lesson = live_lesson(students, **options)
    end(lesson.id, teacher=options.get("teacher", TEACHER))
    return lesson


def ended_lessons(count: int, students: int = 3) -> list[LiveLesson]:
    """Lessons of as many teachers, each with the same students."""
    return [
        ended_lesson(
            students,
            teacher=Person(f"T-{number}", f"Teacher {number}", Role.TEACHER),
            lesson_name=f"Lesson {number}",
        )
        for number in range(1, count + 1)
    ]


def keys_in_redis(lesson_id: UUID) -> list[str]:
    """The keys of a lesson that exist."""
    return [key for key in keys.of_lesson(lesson_id) if client.connection().exists(key)]


_PUT_RECORD = """
local lesson, _, starting = read_lesson(KEYS[1])
lesson = lesson or starting
local added = redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
save_counts(KEYS[1], lesson,
  {revision = lesson.revision + 1, record_count = lesson.record_count + added})
"""


def put_record(
    lesson_id: UUID, field: str | bytes, raw: bytes, *, redis: redis.Redis | None = None
) -> None:
    """Write bytes where a record should be, and count them as a script would."""
    prelude = client.parts("peek")[:-1]
    script = "\n".join(part.read_text() for part in prelude) + _PUT_RECORD
    names = keys.lesson(lesson_id), keys.records(lesson_id)
    (redis or client.connection()).eval(script, len(names), *names, field, raw)


def put_counts(lesson_id: UUID, **counts: int) -> None:
    """Change what a lesson has counted, under a right checksum, as an older copy would have it."""
    held_by: Any = client.connection()
    names = ("revision", "record_count", "event_count", "phase", "clock")
    held = dict(zip(names, held_by.hmget(keys.lesson(lesson_id), *names), strict=True))
    held |= {name: b"%d" % count for name, count in counts.items()}
    checksum = envelope.counts_checksum(lesson_id, **held)
    held_by.hset(keys.lesson(lesson_id), mapping={**held, "checksum": checksum})


def sealed_record(
    lesson_id: UUID, number: str, json: bytes, *, parts: Sequence[str] | None = None
) -> bytes:
    """An envelope with a right checksum over whatever a test wants in it."""
    at = str(instants.milliseconds(store.now() - timedelta(minutes=1)))
    stamp = ",".join(parts or ["2", at, at, "present", "", "kept"])
    return envelope.seal(lesson_id, "record", number, stamp, json)


def redis_state() -> dict[Any, Any]:
    """Every key of the live store, byte for byte."""
    return {
        name: server.dump(name)
        for server in client.servers()
        for name in cast(list[bytes], server.keys())
        if name != TEST_SERVER
    }


def put_back(state: dict[Any, Any]) -> None:
    """Restore what `redis_state` gave."""
    for name, value in state.items():
        client.connection().restore(name, 0, value, replace=True)


def forget_everything() -> None:
    """Empty the live store, as if it had come back without its files."""
    for server in client.servers():
        server.flushdb()
    client.connection().set(TEST_SERVER, "1")
