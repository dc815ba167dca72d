"""Four lessons, one teacher after another: check-ins, repeats, corrections, damage."""

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple
from uuid import UUID

from attendance.live import client, envelope, keys, store
from attendance.live.payloads import EventData
from attendance.models import Attendance
from attendance.rules import instants
from attendance.services.corrections import Correction, correct_record
from attendance.services.ids import new_request_key
from attendance.vocabulary import Verdict
from demo.people import SEED, Cast, leave
from demo.site import AcknowledgedCheckIn, SiteApi, check_in, start_lesson
from users.identity import Person

LESSON_NAMES = ("Physics", "Türkçe Edebiyat", "Mathematics", "Νέα Ελληνικά")
THREADS = 16
DAMAGED_LESSON = 2
"""Which lesson, counted from 0, gets three payloads that cannot be read."""


class TaughtLesson(NamedTuple):
    lesson_id: UUID
    lesson_name: str
    teacher: Person
    students: list[Person]
    captured: int
    """The scripts' own count of its records when it ended."""
    acknowledged: list[AcknowledgedCheckIn]
    expected: dict[str, str]
    """The newest status of each student who was corrected."""
    damaged: list[str]
    roster: frozenset[str] = frozenset()
    """Who was to come, of a lesson of a section: whoever did not is marked by the system."""


class Stage(NamedTuple):
    """The site, the people, and the progress of a demo."""

    site: SiteApi
    cast: Cast
    advance: Callable[[int], None]


def are_stored() -> bool:
    """Whether an earlier demo has come as far as to store each of the lessons."""
    stored = Attendance.objects.filter(section=None, lesson_name__in=LESSON_NAMES)
    return stored.values("lesson_name").distinct().count() == len(LESSON_NAMES)


def teach(stage: Stage) -> list[TaughtLesson]:
    """Run the lessons up to their end over HTTP; nothing is persisted yet."""
    cast = stage.cast
    share = len(cast.students) // len(LESSON_NAMES)
    return [
        _teach(stage, i, teacher, cast.students[i * share : (i + 1) * share])
        for i, teacher in enumerate(cast.teachers)
    ]


def _teach(stage: Stage, number: int, teacher: Person, students: list[Person]) -> TaughtLesson:
    name = LESSON_NAMES[number]
    lesson_id = start_lesson(stage.site, stage.cast.tokens[teacher.school_number], name)
    acknowledged = _check_in_all(stage, lesson_id, students)
    expected = _correct(lesson_id, teacher, students)
    damaged = _damage(lesson_id, students[-3:]) if number == DAMAGED_LESSON else []
    leave(stage.cast, [teacher, *students])
    # Before the end: after it, the task of a served site may store and discard it.
    captured = captured_count(lesson_id)
    event = EventData("lesson_finished", teacher, "teacher")
    store.finish(lesson_id, request=new_request_key(), event=event)
    # After the end, while the lesson still waits in Redis.
    expected |= say(lesson_id, teacher, students[5], Verdict.LATE, "arrived with the bus")
    return TaughtLesson(
        lesson_id=lesson_id,
        lesson_name=name,
        teacher=teacher,
        students=students,
        captured=captured,
        acknowledged=acknowledged,
        expected=expected,
        damaged=damaged,
    )


def _check_in_all(
    stage: Stage, lesson_id: UUID, students: list[Person]
) -> list[AcknowledgedCheckIn]:
    """Everybody checks in, every fifth student twice, all at once."""
    arrivals = [*students, *students[::5]]
    random.Random(SEED).shuffle(arrivals)  # noqa: S311 - an order, not a secret

    def arrive(student: Person) -> AcknowledgedCheckIn:
        answer = check_in(stage.site, stage.cast.tokens[student.school_number], lesson_id)
        stage.advance(1)
        return answer

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(arrive, arrivals))


def captured_count(lesson_id: UUID) -> int:
    """How many records the scripts have counted."""
    count = client.command(lambda redis: redis.hget(keys.lesson(lesson_id), "record_count"))
    return int(count or 0)


def _correct(lesson_id: UUID, teacher: Person, students: list[Person]) -> dict[str, str]:
    """Corrections while the lesson is live; returns the newest status of each student."""
    statuses: dict[str, str] = {}
    statuses |= say(lesson_id, teacher, students[0], Verdict.LATE, "arrived with the tram")
    statuses |= say(lesson_id, teacher, students[1], Verdict.REJECT, "was not in the room")
    statuses |= say(lesson_id, teacher, students[2], Verdict.EXCUSE, "left for the infirmary")
    say(lesson_id, teacher, students[3], Verdict.REJECT, "a mistake")
    statuses |= say(lesson_id, teacher, students[3], Verdict.UNDO, "")
    added = Person(f"{teacher.school_number}-GUEST", "Guest of the class")
    statuses |= say(lesson_id, teacher, added, Verdict.ACCEPT, "")
    return statuses


def say(
    lesson_id: UUID, teacher: Person, student: Person, verdict: Verdict, reason: str
) -> dict[str, str]:
    """A correction, through the service; returns the student's status after it."""
    correction = Correction(
        lesson_id=lesson_id,
        school_number=student.school_number,
        verdict=verdict,
        actor=teacher,
        reason=reason,
        full_name=student.full_name,
    )
    return {student.school_number: correct_record(correction).status}


def correct_afterwards(taught: TaughtLesson) -> None:
    """A correction when the lesson is in PostgreSQL only, through the same function."""
    student = taught.students[7]
    taught.expected.update(
        say(taught.lesson_id, taught.teacher, student, Verdict.EXCUSE, "was at a contest")
    )


def _damage(lesson_id: UUID, students: list[Person]) -> list[str]:
    """Bad JSON, a NUL in a name, and a flipped byte, in place of three real records."""
    redis, key = client.connection(), keys.records(lesson_id)
    bad_json, nul, flipped = (student.school_number for student in students)
    at = instants.milliseconds(store.now())
    stamp = f"2,{at},{at},present,,kept"
    redis.hset(key, bad_json, envelope.seal(lesson_id, "record", bad_json, stamp, b'{"full_name'))
    person = {"school_number": nul, "full_name": "A\0da", "source": "student"}
    redis.hset(
        key, nul, envelope.seal(lesson_id, "record", nul, stamp, json.dumps(person).encode())
    )
    raw = bytearray(client.command(lambda redis: redis.hget(key, flipped)))
    raw[len(raw) // 2] ^= 1
    redis.hset(key, flipped, bytes(raw))
    return [bad_json, nul, flipped]
