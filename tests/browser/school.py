"""A small school for pictures of pages and for looks at all of them."""

from typing import NamedTuple
from uuid import UUID

from attendance.errors import AttendanceError
from attendance.services.check_in import check_in
from attendance.services.lessons import LessonPlan, finish_lesson, start_lesson
from attendance.services.records import Correction, correct_record
from attendance.vocabulary import Verdict
from users.identity import Person, Role

TEACHER = Person("T-2", "Teacher 2", Role.TEACHER)
OTHER = Person("T-3", "Teacher 3", Role.TEACHER)
STAFF = Person("STAFF-1", "Staff 1", Role.STAFF)
STUDENT = Person("S-014", "Student 014")
NEWCOMER = Person("S-031", "Student 031")


class School(NamedTuple):
    past: UUID
    """A lesson that is saved, with a correction."""
    live: UUID
    """A live one that asks for its code: refused students wait."""
    open: UUID
    """A live one of another teacher, without a code."""


def made_school() -> School:
    """A past lesson, a live one with refused students, and one that anybody may join."""
    past = start_lesson(LessonPlan("Chemistry", minutes=45), teacher=TEACHER).id
    _fill(past, 24)
    finish_lesson(past, actor=TEACHER)
    live = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER).id
    _fill(live, 18)
    open_one = start_lesson(LessonPlan("Geometry", minutes=45, checks=("code",)), teacher=OTHER).id
    for number in range(20, 23):
        try:
            check_in(open_one, student=Person(f"S-{number:03}", f"Student {number:03}"))
        except AttendanceError:
            continue
    return School(past, live, open_one)


def _fill(lesson_id: UUID, students: int) -> None:
    for number in range(1, students + 1):
        check_in(lesson_id, student=Person(f"S-{number:03}", f"Student {number:03}"))
    for number, verdict, reason in (
        (3, Verdict.LATE, "arrived with the tram"),
        (7, Verdict.EXCUSE, "a letter from the parents"),
        (9, Verdict.REJECT, "somebody else's phone"),
    ):
        correct_record(Correction(lesson_id, f"S-{number:03}", verdict, TEACHER, reason))
