"""Who may what: the API, the pages and the services ask the same questions."""

from collections.abc import Collection
from typing import Final, NamedTuple

from attendance.errors import LessonNotFound, NotATeacher, NotYourLesson
from users.errors import gettext_noop as _
from users.identity import Person, Role

MAY_CHECK_IN: Final = frozenset({Role.STUDENT})
MAY_TEACH: Final = frozenset({Role.TEACHER, Role.STAFF})
MAY_OPERATE: Final = frozenset({Role.STAFF})
"""Whoever may look at runs, settle the quarantine and persist by hand."""


TEACHES: Final = frozenset({"teacher", "assistant"})
"""Roles in a section of those who start, mark and finish its lessons."""

MAY_DELETE: Final = frozenset({"teacher"})
"""Roles in a section of those who delete and export as well: assistants do not."""

NO_ROLES: Final = frozenset[str]()


class Ownership(NamedTuple):
    """Whose lesson it is."""

    teacher_number: str
    """Of whoever started it."""
    is_of_section: bool = False


def check_may_start(person: Person) -> None:
    """Teachers and staff start lessons without a section. Raises NotATeacher."""
    if person.role not in MAY_TEACH:
        raise NotATeacher


def check_is_staff(person: Person) -> None:
    """Raises NotYourLesson for anybody but staff."""
    if person.role not in MAY_OPERATE:
        raise NotYourLesson(_("Only staff may do this. Ask them."))


def is_own(person: Person, lesson: Ownership) -> bool:
    """Whether somebody has started a lesson, and may teach: an assistant only in a section."""
    may_teach = person.role in MAY_TEACH or lesson.is_of_section
    return may_teach and person.school_number == lesson.teacher_number


def check_may_see(person: Person, lesson: Ownership, roles: Collection[str] = NO_ROLES) -> None:
    """Who runs a lesson sees it, and staff; to others it is not there. Raises LessonNotFound.

    `roles` are those that the person has in the section on the day of the lesson.
    """
    if person.role in MAY_OPERATE or is_own(person, lesson):
        return
    if TEACHES.isdisjoint(roles):
        raise LessonNotFound


def check_may_change(person: Person, lesson: Ownership, roles: Collection[str] = NO_ROLES) -> str:
    """Who runs a lesson changes it, and staff. Returns as whom: `teacher` or `staff`.

    Raises NotYourLesson.
    """
    if is_own(person, lesson):
        return "teacher"
    if person.role in MAY_OPERATE:
        return "staff"
    if TEACHES.isdisjoint(roles):
        raise NotYourLesson
    return "teacher"


def check_may_delete(person: Person, lesson: Ownership, roles: Collection[str] = NO_ROLES) -> str:
    """Who deletes a lesson and exports it; as `check_may_change`, without assistants.

    Raises NotYourLesson.
    """
    source = check_may_change(person, lesson, roles)
    is_assistant = lesson.is_of_section and person.role not in MAY_TEACH
    if source == "teacher" and MAY_DELETE.isdisjoint(roles) and is_assistant:
        raise NotYourLesson(_("An assistant does not delete a lesson. Ask its teacher."))
    return source
