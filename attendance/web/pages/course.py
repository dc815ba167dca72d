"""One course, for those who teach it and staff: its roster and its lessons."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from attendance.selectors.paging import Slice, rising_page
from attendance.selectors.section_lessons import lessons_of_section, live_lessons
from attendance.selectors.shapes import LessonView
from attendance.services import ids
from attendance.vocabulary import LessonState, Status
from attendance.web.calendars import MOST_LESSONS, CalendarEvent, calendar_file, event_of
from attendance.web.callers import signed_in, user_of
from attendance.web.keys import day_of, key_of, place_of
from attendance.wording.lessons import STATES
from courses.models import Section
from courses.selectors.listing import SectionView, people_of, view_section
from courses.selectors.sections import section_run_by
from courses.vocabulary import EnrolmentRole
from users import security_log
from users.models import SecurityKind, User
from users.searching import clean_search
from users.security_log import Details

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


@require_safe
@signed_in()
def calendar(request: HttpRequest, section_id: int) -> HttpResponse:
    """The newest lessons of a course as a calendar file, for whoever sees them on its page.

    It names no student. A lesson that is not held is one that was cancelled.
    """
    user, now = user_of(request), timezone.now()
    section = section_run_by(section_id, user=user, at=now)
    page = lessons_of_section(section, user=user, part=Slice(limit=MOST_LESSONS))
    events = [_event(lesson, section, now) for lesson in page.items if not lesson.is_deleted]
    security_log.write(SecurityKind.EXPORTED, details=Details(what="calendar"))
    return calendar_file(events, name=f"course-{section_id}.ics")


def _event(lesson: LessonView, section: Section, at: datetime) -> CalendarEvent:
    event = event_of(
        lesson,
        changed_at=at,
        summary=f"{section.code} {lesson.lesson_name}".strip(),
        description=f"{_('Teacher')}: {lesson.teacher.full_name}",
    )
    return event._replace(location=section.location)


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
