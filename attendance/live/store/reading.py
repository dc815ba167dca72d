"""Reading lessons without their records."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from attendance.errors import LessonNotFound, LessonUnreadable, LiveStoreClock
from attendance.live import client, decoding, keys
from attendance.live.envelope import Corrupt
from attendance.live.payloads import LiveLesson
from attendance.live.store import queue
from attendance.rules import instants
from users.searching import is_found


class Missing(StrEnum):
    """Why there is no LiveLesson to return."""

    NOT_FOUND = "not_found"
    UNREADABLE = "unreadable"


def now() -> datetime:
    """The instant by the clock of the live store, which decides early, late and over.

    In a cluster it is the clock of the server that holds `due`. Inside a lesson
    the scripts decide, by the clock of the server that holds the lesson. Raises
    LiveStoreUnavailable, and LiveStoreClock where it is outside 2000 to 2100.
    """
    seconds, micros = client.time_at(keys.DUE)
    at = seconds * 1000 + micros // 1000
    if not instants.is_sane(at):
        raise LiveStoreClock
    return instants.instant(at)


def read_lesson(lesson_id: UUID) -> LiveLesson:
    """Read one lesson, also while it is starting.

    Raises LessonNotFound and LessonUnreadable.
    """
    lesson = read_lessons([lesson_id])[lesson_id]
    if lesson is Missing.NOT_FOUND:
        raise LessonNotFound
    if not isinstance(lesson, LiveLesson):
        raise LessonUnreadable
    return lesson


def read_lessons(lesson_ids: Sequence[UUID]) -> dict[UUID, LiveLesson | Missing]:
    """Read many lessons in one round trip; a Missing says why one cannot be returned."""
    replies = queue.peek(lesson_ids)
    return {
        lesson_id: _decode(lesson_id, reply)
        for lesson_id, reply in zip(lesson_ids, replies, strict=True)
    }


def _decode(lesson_id: UUID, reply: list[Any]) -> LiveLesson | Missing:
    if reply[0] in {b"wrong_type", b"headless"}:
        return Missing.UNREADABLE
    if reply[0] == b"not_found":
        return Missing.NOT_FOUND
    try:
        return decoding.decode_lesson(lesson_id, reply[1], reply[2])
    except Corrupt:
        return Missing.UNREADABLE


def teachers_lesson(school_number: str) -> LiveLesson | None:
    """The live or scheduled lesson of a teacher, or None."""
    return _lesson_of_name(keys.teacher(school_number))


def sections_lesson(section_id: int) -> LiveLesson | None:
    """The live or scheduled lesson of a section, or None."""
    return _lesson_of_name(keys.section(section_id))


def lesson_by_code(short_code: str) -> LiveLesson | None:
    """The lesson that these four letters name, unless it is over, or None."""
    return _lesson_of_name(keys.code(short_code))


def _lesson_of_name(key: str) -> LiveLesson | None:
    lesson_id = queue.lesson_id(queue.read_name(key))
    if lesson_id is None:
        return None
    lesson = read_lessons([lesson_id])[lesson_id]
    if not isinstance(lesson, LiveLesson) or lesson.is_starting or lesson.is_over:
        return None
    return lesson


def named_lessons(*, school_numbers: Iterable[str], section_ids: Iterable[int]) -> set[UUID]:
    """The lessons that the names of teachers and sections stand for, in one round trip.

    They may be over, starting or gone. A name that is damaged stands for none. Raises
    LiveStoreUnavailable.
    """
    names = [*map(keys.teacher, school_numbers), *map(keys.section, section_ids)]
    replies = client.run_many([client.Call("read_name", [name]) for name in names]) if names else []
    ids = (queue.lesson_id(reply[1]) for reply in replies if isinstance(reply, list))
    return {each for each in ids if each}


def who_came(lesson_ids: Sequence[UUID]) -> dict[UUID, frozenset[str]]:
    """Who came to each lesson, in one round trip; a hint, not the register."""
    calls = [client.Call("came", [keys.records(i)]) for i in lesson_ids]
    replies = client.run_many(calls) if calls else []
    return {
        lesson_id: frozenset(number.decode("ascii", "replace") for number in reply)
        for lesson_id, reply in zip(lesson_ids, replies, strict=True)
        if isinstance(reply, list)
    }


def find_lessons(*, lesson_name: str = "", teacher_name: str = "") -> list[LiveLesson]:
    """Lessons that are not over, by parts of their name and their teacher's name.

    Compared as `users.searching` does. Newest first.
    """
    lessons = [
        lesson
        for page in queue.due_pages(since=now())
        for lesson in read_lessons([due.lesson_id for due in page]).values()
        if isinstance(lesson, LiveLesson)
        and not (lesson.is_starting or lesson.is_over)
        and is_found(lesson_name, lesson.data.lesson_name)
        and is_found(teacher_name, lesson.data.teacher.full_name)
    ]
    return sorted(lessons, key=lambda lesson: lesson.starts_at, reverse=True)
