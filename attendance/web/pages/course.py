"""One course, for those who teach it and staff: its roster and its lessons."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from attendance.selectors.paging import Slice, rising_page
from attendance.selectors.section_lessons import lessons_of_section, live_lessons
from attendance.selectors.shapes import LessonView
from attendance.services import ids
from attendance.vocabulary import LessonState, Status
from attendance.web.callers import signed_in, user_of
from attendance.web.keys import day_of, key_of, place_of
from attendance.wording.lessons import STATES
from courses.selectors.listing import SectionView, people_of, view_section
from courses.selectors.sections import section_run_by
from courses.vocabulary import EnrolmentRole
from users.models import User
from users.searching import clean_search

PER_PAGE = 100
LESSONS_PER_PAGE = 30


@require_safe
@signed_in()
def roster(request: HttpRequest, section_id: int) -> HttpResponse:
    """Who belongs to a course on a day, today where none is asked for; searched on the server."""
    view = visible_course(section_id, user_of(request))
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
    return course_page(request, view, "roster", context)


@require_safe
@signed_in()
def lessons(request: HttpRequest, section_id: int) -> HttpResponse:
    """The lessons of a course, live and stored, the newest first."""
    user = user_of(request)
    view = visible_course(section_id, user)
    part = Slice(
        before=key_of(request, "before"), after=key_of(request, "after"), limit=LESSONS_PER_PAGE
    )
    page = lessons_of_section(view.section, user=user, part=part)
    rows = [(lesson, STATES[LessonState(lesson.state)], _counts(lesson)) for lesson in page.items]
    return course_page(request, view, "lessons", {"page": page, "rows": rows})


def _counts(lesson: LessonView) -> list[tuple[str, int]]:
    return [(str(s.label), lesson.counts[s]) for s in Status if lesson.counts.get(s)]


def visible_course(section_id: int, user: User) -> SectionView:
    """The course, for whoever runs it. Raises SectionNotFound and NotYourSection."""
    now = timezone.now()
    section = section_run_by(section_id, user=user, at=now)
    return view_section(section, user=user, at=now)


def course_page(
    request: HttpRequest, view: SectionView, tab: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """One part of a course, under what all of its parts show."""
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
