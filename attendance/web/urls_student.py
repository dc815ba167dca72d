"""The addresses of a student's pages."""

from django.urls import path, re_path

from attendance.web.pages import check_in, student

urlpatterns = [
    path("me/", student.my_attendance, name="my-attendance"),
    path("me/attendance.ics", student.calendar, name="calendar"),
    path("c/", check_in.type_code, name="type-code"),
    # In upper case, as the QR code has it: a smaller alphabet makes larger dots.
    re_path(
        r"^(?:c|C)/(?P<short>[A-Za-z0-9]{4})/(?P<code>[0-9A-Fa-f]{20})/?$",
        check_in.link,
        name="scanned",
    ),
    path("lessons/<uuid:lesson_id>/here/", check_in.here, name="check-in"),
    path("lessons/<uuid:lesson_id>/mine/", check_in.my_mark, name="my-mark"),
    path("lessons/<uuid:lesson_id>/switch/", check_in.switch, name="switch"),
]
