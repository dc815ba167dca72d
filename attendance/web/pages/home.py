"""The first page: each role has its own."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from attendance.selectors import beginnings
from attendance.web.callers import person_of, signed_in
from users.demo_numbers import DEMO_STAFF_NUMBER
from users.identity import Role

_FIRST_PAGES = {
    Role.STUDENT: "my-attendance",
    Role.TEACHER: "lessons",
    Role.STAFF: "lessons",
}


@signed_in()
def home(request: HttpRequest) -> HttpResponse:
    """Redirect to the first page of the person's role; staff of a new site see what comes next."""
    person = person_of(request)
    is_setting_up = person.role is Role.STAFF and person.school_number != DEMO_STAFF_NUMBER
    if is_setting_up and not beginnings.look().is_done:
        return redirect("first-steps")
    return redirect(_FIRST_PAGES[person.role])
