"""A student's own absences, on a phone: what became of them, and a form that asks."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from attendance.http_status import STATUS
from attendance.rules.permissions import MAY_CHECK_IN
from attendance.selectors.paging import Page
from attendance.services import ids
from attendance.web.absence_forms import ACCEPTED, AskForm
from attendance.web.callers import person_of, signed_in
from attendance.web.pages.absences import actor_of, page_of_rows, part_of, viewer_for
from attendance.wording.absences import AbsenceLine, line_of
from courses.errors import CourseError
from courses.models import Section
from courses.selectors.absence_lists import absences_of, find_absence
from courses.selectors.rosters import sections_of
from courses.services.absences import attach_evidence, request_absence, withdraw_absence
from courses.services.evidence import read_sent_files
from courses.vocabulary import EnrolmentRole
from users.errors import UserError
from users.models import User
from users.wording import in_words

_FIELDS = {
    "absence_backwards": "last_day",
    "absence_too_long": "last_day",
    "reason_not_for_you": "reason",
    "invalid_text": "note",
}
"""The field that an error is about."""


@never_cache
@require_safe
@signed_in(*MAY_CHECK_IN)
def my_absences(request: HttpRequest) -> HttpResponse:
    """What a student has asked for, the newest first."""
    return render(request, "attendance/pages/my_absences.html", {"page": _own(request)})


def _own(request: HttpRequest) -> Page[AbsenceLine]:
    viewer = viewer_for(request)
    return page_of_rows(absences_of(viewer.user_id), part_of(request), viewer)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(*MAY_CHECK_IN)
def ask(request: HttpRequest) -> HttpResponse:
    """The form; sent twice, it is one absence."""
    actor = actor_of(request)
    sections, today = _sections(actor), timezone.localdate()
    values: dict[str, Any] = {"person": person_of(request), "sections": sections}
    if request.method != "POST":
        initial = {"first_day": today, "last_day": today, "request_id": ids.new_request_id()}
        return _form_page(request, AskForm(initial=initial, **values))
    form, status = AskForm(request.POST, **values), 400
    if form.is_valid():
        try:
            return _ask(request, form, actor)
        except (CourseError, UserError) as error:
            status = STATUS.get(error.code, 500)
            form.add_error(_FIELDS.get(error.code), in_words(error))
    return _form_page(request, form, status=status)


def _sections(user: User) -> list[Section]:
    found = sections_of(user_id=user.pk, on=timezone.localdate())
    return [each.section for each in found if each.role is EnrolmentRole.STUDENT]


def _ask(request: HttpRequest, form: AskForm, actor: User) -> HttpResponse:
    sent = [*request.FILES.getlist("photo"), *request.FILES.getlist("files")]
    request_absence(
        plan=form.plan(user_id=actor.pk),
        actor=actor,
        evidence=read_sent_files(sent),
        request_id=form.cleaned_data["request_id"],
    )
    messages.success(request, _("Asked. You see here what becomes of it."))
    return redirect("my-absences")


def _form_page(request: HttpRequest, form: AskForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "had_files": bool(request.FILES), "accepted": ACCEPTED}
    return render(request, "attendance/pages/ask_absence.html", context, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(*MAY_CHECK_IN)
def add_file(request: HttpRequest, absence_id: int) -> HttpResponse:
    """One file more for an absence that was asked for."""
    view, problem, status = find_absence(absence_id, viewer_for(request)), "", 200
    sent = [*request.FILES.getlist("photo"), *request.FILES.getlist("files")]
    if request.method == "POST" and sent:
        try:
            for file in read_sent_files(sent):
                attach_evidence(absence_id=absence_id, file=file, actor=actor_of(request))
            messages.success(request, _("The file was added."))
            return redirect("my-absences")
        except CourseError as error:
            problem, status = in_words(error), STATUS.get(error.code, 500)
    elif request.method == "POST":
        problem, status = _("Choose a file first."), 400
    context = {"line": line_of(view), "problem": problem, "accepted": ACCEPTED}
    return render(request, "attendance/pages/add_file.html", context, status=status)


@require_POST
@signed_in(*MAY_CHECK_IN)
def withdraw(request: HttpRequest, absence_id: int) -> HttpResponse:
    """Take one's own absence back, until it begins."""
    find_absence(absence_id, viewer_for(request))
    withdraw_absence(absence_id=absence_id, actor=actor_of(request))
    messages.success(request, _("Withdrawn."))
    return redirect("my-absences")
