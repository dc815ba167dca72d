"""Who looks at pages, what they read there, and a lesson that they look at."""

from typing import Any

from django.test import Client

from attendance.live.payloads import LiveLesson
from attendance.services.check_in import check_in
from attendance.services.lessons import LessonPlan, start_lesson
from tests.support.callers import signed_in, text_of
from tests.support.lessons import TEACHER
from users.identity import Person, Role

__all__ = [
    "STAFF",
    "STUDENT",
    "enter",
    "form_of",
    "lesson_with",
    "signed_in",
    "started_lesson",
    "text_of",
]

STUDENT = Person("S-014", "Student 014")
STAFF = Person("STAFF-1", "Staff 1", Role.STAFF)


def started_lesson(*checks: str, lesson_name: str = "Physics", **plan: Any) -> LiveLesson:
    """A live lesson of the teacher that asks for these checks."""
    return start_lesson(LessonPlan(lesson_name, minutes=45, checks=checks, **plan), teacher=TEACHER)


def lesson_with(*students: Person, checks: tuple[str, ...] = ()) -> Any:
    plan = LessonPlan("Physics", minutes=45, checks=checks)
    lesson = start_lesson(plan, teacher=TEACHER)
    for student in students:
        check_in(lesson.id, student=student)
    return lesson


def form_of(page: Any, **changes: Any) -> dict[str, Any]:
    """What the form of a page would send."""
    form = page.context["form"]
    values = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in {**values, **changes}.items() if value is not None}


def enter(client: Client, number: str, password: str) -> Any:
    return client.post("/accounts/login/", {"login": number, "password": password})


def rows_of(page: Any) -> list[dict[str, str]]:
    """The lines of a report, by the keys of its columns."""
    return [{cell.column.key: cell.text for cell in row} for row in page.context["rows"]]
