"""One course, for those who teach it and staff: its roster, and its rules."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from attendance.http_status import STATUS
from attendance.selectors.paging import Slice, rising_page
from attendance.selectors.section_lessons import lessons_of_section, live_lessons
from attendance.selectors.shapes import LessonView
from attendance.services import ids
from attendance.vocabulary import LessonState, Status
from attendance.web import minutes
from attendance.web.callers import signed_in, user_of
from attendance.web.keys import day_of, key_of, place_of
from attendance.wording import policies
from attendance.wording.lessons import STATES
from courses.errors import CourseError
from courses.forms import PolicyForm, initial_policy
from courses.models import Policy
from courses.selectors.listing import SectionView, people_of, view_section
from courses.selectors.sections import section_run_by
from courses.services.policies import set_policy
from courses.vocabulary import EnrolmentRole
from users.models import User
from users.searching import clean_search
from users.wording import in_words

PER_PAGE = 100
LESSONS_PER_PAGE = 30
VERSIONS = 50


@require_safe
@signed_in()
def roster(request: HttpRequest, section_id: int) -> HttpResponse:
    """Who belongs to a course on a day, today where none is asked for; searched on the server."""
    view = _visible(section_id, user_of(request))
    today = view.section.local_date(timezone.now())
    on = day_of(request, "on") or today
    search = clean_search(request.GET.get("search", ""))
    everybody = people_of(section_id=section_id, on=on)
    students = people_of(section_id=section_id, on=on, search=search).filter(
        role=EnrolmentRole.STUDENT
    )
    part = Slice(
        before=place_of(request, "before"), after=place_of(request, "after"), limit=PER_PAGE
    )
    context = {
        "others": everybody.exclude(role=EnrolmentRole.STUDENT),
        "page": rising_page(students, "place", part),
        "total": students.count(),
        "on": on,
        "is_today": on == today,
        "search": search,
    }
    return _page(request, view, "roster", context)


@require_safe
@signed_in()
def lessons(request: HttpRequest, section_id: int) -> HttpResponse:
    """The lessons of a course, live and stored, the newest first."""
    user = user_of(request)
    view = _visible(section_id, user)
    part = Slice(
        before=key_of(request, "before"), after=key_of(request, "after"), limit=LESSONS_PER_PAGE
    )
    page = lessons_of_section(view.section, user=user, part=part)
    rows = [(lesson, STATES[LessonState(lesson.state)], _counts(lesson)) for lesson in page.items]
    return _page(request, view, "lessons", {"page": page, "rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in()
def rules(request: HttpRequest, section_id: int) -> HttpResponse:
    """The rules in words and as a drawing, their versions, and a form for a new one."""
    user = user_of(request)
    view = _visible(section_id, user)
    initial = initial_policy(view.section.policy)
    form, status = PolicyForm(request.POST or None, label_suffix="", initial=initial), 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                set_policy(section_id=section_id, plan=form.plan(), actor=user)
                messages.success(request, _("These rules hold for lessons that start from now on."))
                return redirect("course-rules", section_id=section_id)
            except CourseError as error:
                status = STATUS[error.code]
                form.add_error(None, in_words(error))
    return _page(request, view, "rules", _rules(view, form), status=status)


def _counts(lesson: LessonView) -> list[tuple[str, int]]:
    return [(str(s.label), lesson.counts[s]) for s in Status if lesson.counts.get(s)]


def _rules(view: SectionView, form: PolicyForm) -> dict[str, Any]:
    rows = view.section.policies.select_related("set_by")[:VERSIONS]
    current = view.section.policy
    shown = current or Policy()
    return {
        "form": form,
        "current": current,
        "drawing": minutes.draw(shown),
        "arrivals": policies.of_arrivals(shown),
        "figures": policies.of_figures(current) if current else [],
        "versions": [(row, policies.of_arrivals(row), policies.of_figures(row)) for row in rows],
        "may_change": view.may_set_policy and not view.section.is_archived,
    }


def _visible(section_id: int, user: User) -> SectionView:
    """The course, for whoever runs it. Raises SectionNotFound and NotYourSection."""
    now = timezone.now()
    section = section_run_by(section_id, user=user, at=now)
    return view_section(section, user=user, at=now)


def _page(
    request: HttpRequest, view: SectionView, tab: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    live = live_lessons([view.section.pk])
    shared = {
        "view": view,
        "section": view.section,
        "tab": tab,
        "live": (live or {}).get(view.section.pk),
        "is_away": live is None,
        "request_id": ids.new_request_id(),
    }
    template = f"attendance/pages/courses/{tab}.html"
    return render(request, template, shared | context, status=status)
