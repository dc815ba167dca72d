"""How far a new site has come: people, a course, a lesson, and the first one that is stored."""

from typing import NamedTuple

from attendance.models import Attendance, LessonLedger
from courses.models import Section
from users.models import RoleChoices, User


class Beginnings(NamedTuple):
    has_people: bool
    """Somebody beside staff has an account."""
    has_course: bool
    has_lesson: bool
    """One was started, whatever became of it."""
    is_done: bool
    """A lesson is stored: the whole way has been gone once."""


def look() -> Beginnings:
    """Ask no more than one question where a lesson is stored."""
    if Attendance.objects.exists():
        return Beginnings(has_people=True, has_course=True, has_lesson=True, is_done=True)
    return Beginnings(
        has_people=User.objects.exclude(role=RoleChoices.STAFF).exists(),
        has_course=Section.objects.exists(),
        has_lesson=LessonLedger.objects.exists(),
        is_done=False,
    )
