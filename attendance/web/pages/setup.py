"""A new site: the first account by a link that is good once, and what comes next."""

from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from attendance.http_status import STATUS
from attendance.selectors import beginnings
from attendance.selectors.beginnings import Beginnings
from attendance.web.callers import signed_in
from attendance.web.people_forms import SetupForm
from users.errors import InvalidFullName, InvalidSchoolNumber, SignInBusy
from users.identity import Role
from users.proofs import PASSWORD_BACKEND
from users.services import first_staff
from users.wording import in_words

FIELDS = {InvalidSchoolNumber.code: "school_number", InvalidFullName.code: "full_name"}
"""The field that an error is about."""


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: HttpRequest, token: str) -> HttpResponse:
    """Make the first member of staff and sign them in; without a good token nothing is here."""
    if not first_staff.is_open_to(token):
        raise Http404
    form, status = SetupForm(request.POST or None), 200
    if request.method == "POST":
        status = 400
        try:
            if form.is_valid():
                return _make(request, token, form)
        except (InvalidSchoolNumber, InvalidFullName, SignInBusy) as error:
            status = STATUS[error.code]
            form.add_error(FIELDS.get(error.code), in_words(error))
    context = {"form": form}
    return render(request, "attendance/pages/setup.html", context, status=status)


def _make(request: HttpRequest, token: str, form: SetupForm) -> HttpResponse:
    user = first_staff.make_first_staff(token=token, **form.cleaned_data)
    if user is None:
        raise Http404
    login(request, user, backend=PASSWORD_BACKEND)
    return redirect("first-steps")


@never_cache
@require_safe
@signed_in(Role.STAFF)
def first_steps(request: HttpRequest) -> HttpResponse:
    """What a new site lacks, each with the page where it is made."""
    found = beginnings.look()
    context = {"steps": _steps(found), "is_done": found.is_done}
    return render(request, "attendance/pages/first_steps.html", context)


def _steps(found: Beginnings) -> list[dict[str, object]]:
    steps = [
        {
            "is_done": found.has_people,
            "title": _("People"),
            "what": _("Teachers and students, with their numbers. Upload a file, or type them."),
            "links": [
                (reverse("people-import"), _("Upload a file of people")),
                (reverse("people-add"), _("Type one person")),
                (reverse("invite"), _("First passwords")),
            ],
        },
        {
            "is_done": found.has_course,
            "title": _("A course"),
            "what": _("Its title, its days and its teacher."),
            "links": [(reverse("new-course"), _("Make a course"))],
        },
        {
            "is_done": found.has_lesson,
            "title": _("A lesson"),
            "what": _("Start it, show its screen, and students check in with their phones."),
            "links": [(reverse("lessons"), _("Start a lesson"))],
        },
        {
            "is_done": found.is_done,
            "title": _("The first lesson is saved"),
            "what": _("Finish the lesson. It is saved at once, or within minutes."),
            "links": [(reverse("lessons"), _("Go to the lessons"))],
        },
    ]
    now = next((step for step in steps if not step["is_done"]), None)
    return [{**step, "is_next": step is now} for step in steps]
