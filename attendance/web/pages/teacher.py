"""A teacher's lessons."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from attendance.selectors.lessons import LessonFilter, list_lessons
from attendance.selectors.paging import Slice
from attendance.web.callers import person_of, signed_in
from users.identity import Role


@require_safe
@signed_in(Role.TEACHER, Role.STAFF)
def lessons(request: HttpRequest) -> HttpResponse:
    """A teacher's own lessons; staff see all."""
    person = person_of(request)
    number = "" if person.role is Role.STAFF else person.school_number
    page = list_lessons(LessonFilter(number), Slice())
    return render(request, "attendance/pages/lessons.html", {"page": page})
