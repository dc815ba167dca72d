"""Staff make a course on one page; the administration knows everything else about one."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from attendance.http_status import STATUS
from attendance.web import course_forms
from attendance.web.callers import signed_in, user_of
from attendance.web.course_forms import CourseForm
from courses.errors import CourseError, InvalidDates, UnknownTimeZone, UserNotFound
from courses.models import Section
from courses.services.new_courses import CoursePlan, make_course
from users.identity import Role
from users.models import RoleChoices, User
from users.wording import in_words

FIELDS = {
    InvalidDates.code: "starts_on",
    UnknownTimeZone.code: "time_zone",
    UserNotFound.code: "teacher",
}
"""The field that an error is about."""
MOST_ENROLLED = 300
"""Students whom one press may enrol; a larger roster comes from a file."""


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(Role.STAFF)
def new_course(request: HttpRequest) -> HttpResponse:
    """Title, days, teacher; on request everybody who is a student here."""
    students = User.objects.filter(role=RoleChoices.STUDENT, is_active=True, merged_into=None)
    ids = list(students.order_by("pk").values_list("pk", flat=True)[: MOST_ENROLLED + 1])
    form, status = CourseForm(initial=course_forms.initial(timezone.localdate())), 200
    if request.method == "POST":
        form, status = CourseForm(request.POST), 400
        try:
            if form.is_valid():
                return _made(request, _make(request, form.cleaned_data, ids))
        except CourseError as error:
            status = STATUS.get(error.code, 400)
            form.add_error(FIELDS.get(error.code), in_words(error))
    if not 0 < len(ids) <= MOST_ENROLLED:
        del form.fields["everybody"]
    context = {"form": form, "students": len(ids)}
    return render(request, "attendance/pages/new_course.html", context, status=status)


def _make(request: HttpRequest, fields: dict[str, Any], ids: list[int]) -> Section:
    is_wanted = fields["everybody"] and len(ids) <= MOST_ENROLLED
    plan = CoursePlan(
        title=fields["title"],
        code=fields["code"],
        time_zone=fields["time_zone"],
        starts_on=fields["starts_on"],
        ends_on=fields["last_on"] + timedelta(days=1),
        teacher=fields["teacher"],
        student_ids=tuple(ids) if is_wanted else (),
    )
    return make_course(plan=plan, actor=user_of(request))


def _made(request: HttpRequest, section: Section) -> HttpResponse:
    words = _("%(title)s is there. Upload its roster, or start a lesson.")
    messages.success(request, words % {"title": section.title})
    return redirect("course", section_id=section.pk)
