"""Who looks at pages, what they read there, and a lesson that they look at."""

from typing import Any

from django.test import Client

from attendance.live.payloads import LiveLesson
from attendance.services.lessons import LessonPlan, start_lesson
from tests.support.callers import account
from tests.support.lessons import TEACHER
from users.identity import Person, Role

STUDENT = Person("S-014", "Student 014")
STAFF = Person("STAFF-1", "Staff 1", Role.STAFF)


def signed_in(person: Person) -> Client:
    client = Client()
    client.force_login(account(person), "django.contrib.auth.backends.ModelBackend")
    return client


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def started_lesson(*checks: str, lesson_name: str = "Physics", **plan: Any) -> LiveLesson:
    """A live lesson of the teacher that asks for these checks."""
    return start_lesson(LessonPlan(lesson_name, minutes=45, checks=checks, **plan), teacher=TEACHER)
