"""Everybody to whom the rows of lessons point: each is a user before the rows are written."""

from collections.abc import Iterable

from attendance.live.payloads import LiveEvent, LiveLesson, LiveRecord
from attendance.services.persistence.row_values import Readable
from users.identity import Person, Role


def of_lessons(lessons: Iterable[Readable]) -> Iterable[Person]:
    """Everybody to whom a row of these lessons points; a student of many lessons mostly once."""
    seen: set[str] = set()
    for lesson in lessons:
        yield from of_lesson(lesson.lesson)
        for record in lesson.records:
            if record.school_number not in seen or record.actor is not None:
                seen.add(record.school_number)
                yield from of_record(record)
        for event in lesson.events:
            yield from of_event(event)


def numbers_of(lessons: Iterable[Readable]) -> set[str]:
    """The numbers of everybody in `of_lessons`, without a person made of each."""
    found: set[str] = set()
    for lesson in lessons:
        found.update([record.school_number for record in lesson.records])
        found.update([who.school_number for who in of_lesson(lesson.lesson)])
        found.update([x.actor.school_number for x in lesson.records if x.actor is not None])
        found.update([p.school_number for event in lesson.events for p in of_event(event)])
    return found


def _teacher_of(lesson: LiveLesson) -> Person:
    """The teacher of a lesson, as somebody who may have to be made a user."""
    teacher = lesson.data.teacher
    return Person(teacher.school_number, teacher.full_name, Role.TEACHER)


def of_lesson(lesson: LiveLesson) -> Iterable[Person]:
    """The teacher of a lesson, and whoever said that it was not held."""
    yield _teacher_of(lesson)
    if lesson.data.not_held is not None:
        yield lesson.data.not_held.actor


def of_record(record: LiveRecord) -> Iterable[Person]:
    """The student of a record, and whoever corrected it."""
    yield Person(record.school_number, record.full_name)
    if record.actor is not None:
        yield record.actor


def of_event(event: LiveEvent) -> Iterable[Person]:
    """The actor of an event, and the student it is about."""
    yield event.data.actor
    if event.data.student is not None:
        yield event.data.student
