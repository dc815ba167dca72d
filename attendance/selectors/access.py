"""Who may see and change a lesson: whoever started it, staff, and who runs its section that day.

The roles in a section are read from PostgreSQL only for those whom nothing else lets in, so a
teacher's own lesson and staff cost no query. Whoever has several accounts runs the lessons of all.
"""

from collections.abc import Callable, Collection
from typing import TypeVar

from attendance.rules import permissions
from attendance.rules.permissions import NO_ROLES, Ownership
from attendance.selectors.shapes import LessonBrief
from courses.models import Enrolment
from users.identity import Person
from users.selectors import accounts_of_number, roots_of_numbers

T = TypeVar("T")


def check_may_see(person: Person, lesson: LessonBrief) -> None:
    """Raises LessonNotFound for whoever does not run the lesson."""
    _ask(permissions.check_may_see, person, lesson)


def check_may_change(person: Person, lesson: LessonBrief) -> str:
    """Returns as whom somebody changes a lesson: `teacher` or `staff`. Raises NotYourLesson."""
    return _ask(permissions.check_may_change, person, lesson)


def check_may_delete(person: Person, lesson: LessonBrief) -> str:
    """As `check_may_change`, for deleting and exporting: assistants may not."""
    roles = _roles(person, lesson)
    return permissions.check_may_delete(person, _ownership(person, lesson, roles), roles)


def _ask(
    check: Callable[[Person, Ownership, Collection[str]], T], person: Person, lesson: LessonBrief
) -> T:
    started = _started(lesson)
    if _is_let_in(person, started):
        return check(person, started, NO_ROLES)
    roles = _roles(person, lesson)
    return check(person, _ownership(person, lesson, roles), roles)


def _started(lesson: LessonBrief) -> Ownership:
    return Ownership(lesson.teacher.school_number, is_of_section=lesson.section is not None)


def _is_let_in(person: Person, ownership: Ownership) -> bool:
    return person.role in permissions.MAY_OPERATE or permissions.is_own(person, ownership)


def _ownership(person: Person, lesson: LessonBrief, roles: Collection[str]) -> Ownership:
    """Whose lesson it is; where nothing else lets somebody in, by the root of who started it."""
    started = _started(lesson)
    if _is_let_in(person, started) or not permissions.TEACHES.isdisjoint(roles):
        return started
    number = started.teacher_number
    return started._replace(teacher_number=roots_of_numbers([number])[number])


def _roles(person: Person, lesson: LessonBrief) -> Collection[str]:
    """The roles that a person has in the section on the day of the lesson; at most one query."""
    if lesson.section is None:
        return NO_ROLES
    rows = Enrolment.objects.on(lesson.section.held_on).filter(
        section_id=lesson.section.id, user__in=accounts_of_number(person.school_number)
    )
    return frozenset(rows.values_list("role", flat=True))


def runs_it(person: Person, lesson: LessonBrief) -> bool:
    """Whether a lesson is somebody's own, or of a section that they teach on its day; queries."""
    roles = _roles(person, lesson)
    started = lesson.teacher.school_number
    own = {started, roots_of_numbers([started])[started]}
    return person.school_number in own or not permissions.TEACHES.isdisjoint(roles)


def sections_ever_run(person: Person) -> frozenset[int]:
    """The sections whose lessons somebody runs on some day; one query."""
    rows = Enrolment.objects.came_about().filter(
        user__in=accounts_of_number(person.school_number), role__in=permissions.TEACHES
    )
    return frozenset(rows.values_list("section_id", flat=True))


def runs_lessons(person: Person) -> bool:
    """Whether somebody may run lessons at all: teachers, staff, and assistants of any section."""
    if person.role in permissions.MAY_TEACH:
        return True
    rows = Enrolment.objects.filter(
        user__in=accounts_of_number(person.school_number), role__in=permissions.TEACHES
    )
    return rows.exists()
