"""A student's own attendance."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from attendance.selectors.own import list_own_records
from attendance.selectors.paging import Slice
from attendance.web.callers import person_of, signed_in
from users.identity import Role


@require_safe
@signed_in(Role.STUDENT)
def my_attendance(request: HttpRequest) -> HttpResponse:
    """A student's records, newest first."""
    page = list_own_records(person_of(request).school_number, Slice())
    return render(request, "attendance/pages/my_attendance.html", {"page": page})
