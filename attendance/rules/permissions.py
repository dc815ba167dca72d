"""Who may what: the API, the pages and the services ask the same questions."""

from typing import Final

from attendance.errors import LessonNotFound, NotATeacher, NotYourLesson
from users.identity import Person, Role

MAY_CHECK_IN: Final = frozenset({Role.STUDENT})
MAY_TEACH: Final = frozenset({Role.TEACHER, Role.STAFF})
MAY_OPERATE: Final = frozenset({Role.STAFF})
"""Whoever may look at runs, settle the quarantine and persist by hand."""


def check_may_start(person: Person) -> None:
    """Teachers and staff start lessons. Raises NotATeacher."""
    if person.role not in MAY_TEACH:
        raise NotATeacher


def check_may_see(person: Person, *, teacher_number: str) -> None:
    """Its teacher and staff see a lesson; to others it is not there. Raises LessonNotFound."""
    if person.role in MAY_OPERATE:
        return
    if person.role not in MAY_TEACH or person.school_number != teacher_number:
        raise LessonNotFound


def check_may_change(person: Person, *, teacher_number: str) -> str:
    """Its teacher and staff change a lesson. Returns as whom: `teacher` or `staff`.

    Raises NotYourLesson.
    """
    if person.role in MAY_TEACH and person.school_number == teacher_number:
        return "teacher"
    if person.role in MAY_OPERATE:
        return "staff"
    raise NotYourLesson
