"""A backlog of lessons that are over, written into the live store as the scripts would have.

`tests/integration/test_backlog.py` compares one with what the scripts write.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

from attendance.live import client, envelope, keys, payloads, store
from attendance.live.payloads import EventData, LessonData, RecordData, SectionData
from attendance.rules import instants
from attendance.rules.status import ArrivalRule
from attendance.services import ids
from users.identity import Person, Role

TEACHERS, STUDENTS = 500, 20_000
PIPELINED = 50
LESSON_MS = 1_800_000


class Backlog(NamedTuple):
    """How much waits: `lessons` with `share` records each."""

    lessons: int
    share: int = 200
    series: int = 0
    """Another one is of other lessons: a backlog is the same ones each time."""
    sections: tuple[int, ...] = ()
    """The ids of sections, one for each lesson; none where lessons are of none."""

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


class _Written(NamedTuple):
    lesson_ids: list[UUID]
    packed: list[list[bytes]]
    """Commands as they go over the wire, `PIPELINED` lessons in each list."""


def fill(backlog: Backlog) -> list[UUID]:
    """Write lessons that were over before this process began; the same ones each time.

    Returns their ids.
    """
    written = _written(backlog)
    with _connection() as connection:
        for number, packed in enumerate(written.packed):
            connection.send_packed_command(packed)
            lessons = min(PIPELINED, backlog.lessons - number * PIPELINED)
            for _ in range(lessons * COMMANDS):
                connection.read_response()
    return written.lesson_ids


@cache
def _written(backlog: Backlog) -> _Written:
    """Sealing a million records in Python takes longer than persisting them: do it once."""
    ends_at = instants.milliseconds(store.now() - timedelta(minutes=1))
    lesson_ids = [ids.new_lesson_id(instants.instant(ends_at)) for _ in range(backlog.lessons)]
    packed = []
    with _connection() as connection:
        for first in range(0, backlog.lessons, PIPELINED):
            numbers = range(first, min(first + PIPELINED, backlog.lessons))
            commands = [
                command
                for number in numbers
                for command in _commands(lesson_ids[number], number, backlog, ends_at)
            ]
            packed.append(connection.pack_commands(commands))
    return _Written(lesson_ids, packed)


@contextmanager
def _connection() -> Iterator[Any]:
    pool = client.connection().connection_pool
    connection = pool.get_connection()
    try:
        yield connection
    finally:
        pool.release(connection)


def _commands(
    lesson_id: UUID, number: int, backlog: Backlog, ends_at: int
) -> Iterator[tuple[Any, ...]]:
    share = backlog.share
    yield "HSET", keys.lesson(lesson_id), *_flat(_lesson(lesson_id, number, backlog, ends_at))
    yield "HSET", keys.records(lesson_id), *_flat(_records(lesson_id, number, share, ends_at))
    yield "RPUSH", keys.events(lesson_id), _finish(lesson_id, number, share + 2, ends_at)
    request_id = f"finish-{lesson_id}"
    entry = envelope.seal(lesson_id, "request", request_id, f"{share + 2},", b"")
    yield "HSET", keys.requests(lesson_id), request_id, entry
    yield "ZADD", keys.DUE, ends_at, str(lesson_id)


COMMANDS = 5
"""For each lesson, as `_commands` has them."""


def _flat(mapping: dict[Any, Any]) -> Iterator[Any]:
    return chain.from_iterable(mapping.items())


def _section(backlog: Backlog, number: int) -> SectionData | None:
    if not backlog.sections:
        return None
    return SectionData(
        id=backlog.sections[number],
        code=f"SEC-{number}",
        title=f"Section {number}",
        time_zone="UTC",
        walk_ins="accept",
        policy_id=None,
    )


def _lesson(lesson_id: UUID, number: int, backlog: Backlog, ends_at: int) -> dict[Any, Any]:
    share = backlog.share
    starts_at, revision = ends_at - LESSON_MS, share + 2
    data = LessonData(
        f"Lesson {number}",
        teacher(number),
        f"request-{lesson_id}",
        ArrivalRule(late_after_s=600),
        section=_section(backlog, number),
    )
    stamp = f"{revision},{ends_at},{starts_at},{ends_at}"
    return {
        "data": envelope.seal(lesson_id, "lesson", "data", stamp, payloads.encode(data)),
        "revision": revision,
        "record_count": share,
        "event_count": 1,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "phase": "live",
        "clock": f"{ends_at},",
        "checksum": envelope.counts_checksum(
            lesson_id,
            revision=b"%d" % revision,
            record_count=b"%d" % share,
            event_count=b"1",
            phase=b"live",
            clock=b"%d," % ends_at,
        ),
    }


def _records(lesson_id: UUID, number: int, share: int, ends_at: int) -> dict[Any, Any]:
    marks: dict[Any, Any] = {}
    for i, who in enumerate(students_of(number, share)):
        at = ends_at - LESSON_MS + 1_000 + i
        json = payloads.encode(RecordData(who.school_number, who.full_name, "student"))
        stamp = f"{i + 2},{at},{at},present,,kept"
        marks[who.school_number] = envelope.seal(
            lesson_id, "record", who.school_number, stamp, json
        )
    return marks


def _finish(lesson_id: UUID, number: int, revision: int, ends_at: int) -> bytes:
    json = payloads.encode(EventData("lesson_finished", teacher(number), "teacher"))
    stamp = f"{revision},{ends_at},finish-{lesson_id},,{ends_at + 900_000},{ends_at}"
    return envelope.seal(lesson_id, "event", str(revision), stamp, json)
