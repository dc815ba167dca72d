"""Staff see every register: that they have looked at one which they do not run is written down.

A GET that writes: the log of reads is the one exception. Once in an hour for each lesson.
"""

from attendance.rules import permissions
from attendance.rules.permissions import Ownership
from attendance.selectors import access
from attendance.selectors.shapes import LessonBrief
from users import security_log
from users.identity import Person
from users.security_log import Read
from users.selectors import account_ids


def note_register(person: Person, lesson: LessonBrief) -> None:
    """Somebody has opened the register of a lesson, or a part of it."""
    _note(person, lesson, what="register")


def note_record(person: Person, lesson: LessonBrief, school_number: str) -> None:
    """Somebody has opened what one student's record says and how it came about."""
    _note(person, lesson, what="record", number=school_number)


def note_absences(person: Person, *, of: int | None = None) -> None:
    """Staff have opened absences: a list, or those of a user."""
    if person.role in permissions.MAY_OPERATE:
        security_log.write_read("absences", place=str(of or ""), find=lambda: Read(of))


def _note(person: Person, lesson: LessonBrief, *, what: str, number: str = "") -> None:
    if person.role not in permissions.MAY_OPERATE:
        return
    if permissions.is_own(person, Ownership(lesson.teacher.school_number)):
        return

    def find() -> Read | None:
        if access.runs_it(person, lesson):
            return None
        return Read(account_ids([number]).get(number) if number else None, str(lesson.id))

    security_log.write_read(what, place=f"{lesson.id}|{number}", find=find)
