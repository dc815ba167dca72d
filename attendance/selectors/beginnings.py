"""How far a new site has come: people, a course, a lesson, and the first one that is stored."""

from typing import NamedTuple

from attendance.models import Attendance, LessonLedger
from courses.models import Section
from users.demo_numbers import DEMO_SYSTEM, OF_A_DEMO
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
    """Ask no more than one question where a lesson is stored. A demo's remains are no beginning."""
    if Attendance.objects.exclude(teacher__school_number__regex=OF_A_DEMO).exists():
        return Beginnings(has_people=True, has_course=True, has_lesson=True, is_done=True)
    own = User.objects.exclude(school_number__regex=OF_A_DEMO)
    return Beginnings(
        has_people=own.exclude(role=RoleChoices.STAFF).exists(),
        has_course=Section.objects.exclude(system__code=DEMO_SYSTEM).exists(),
        has_lesson=LessonLedger.objects.exclude(teacher_number__regex=OF_A_DEMO).exists(),
        is_done=False,
    )
