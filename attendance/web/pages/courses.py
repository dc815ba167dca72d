"""The courses of whoever looks: those that they teach, and those in which they learn."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from attendance.selectors.paging import Slice, page_of_rows
from attendance.selectors.section_lessons import live_lessons, usual_now
from attendance.selectors.shapes import LessonView
from attendance.services import ids
from attendance.web.callers import numbers_of, signed_in, user_of
from attendance.web.keys import number_of
from attendance.web.pages.student import OwnLine, line_of
from attendance.wording import figures
from courses.models import Term
from courses.selectors.listing import (
    SectionFilter,
    SectionView,
    sections_seen_by,
    view_sections,
)
from courses.vocabulary import EnrolmentRole
from reports.own_figures import own_figures
from reports.own_warnings import own_warnings
from users.identity import Role
from users.models import User
from users.searching import clean_search

PER_PAGE = 50
TERMS = 60
"""Newest terms that the filter offers."""


@require_safe
@signed_in()
def courses(request: HttpRequest) -> HttpResponse:
    """One's own courses of today; staff see all, and search."""
    user = user_of(request)
    if user.role == Role.STAFF:
        return render(request, "attendance/pages/courses/all.html", _all(request, user))
    now = timezone.now()
    rows = sections_seen_by(user=user, at=now, criteria=SectionFilter(is_archived=False))
    views = view_sections(rows, user=user, at=now)
    context = {
        "taught": _taught([view for view in views if view.may_run], at=now),
        "attended": _attended(request, [view for view in views if not view.may_run]),
    }
    return render(request, "attendance/pages/courses/own.html", context)


class TaughtCourse(NamedTuple):
    """A course that one teaches, with its live lesson or with what starts one."""

    view: SectionView
    live: LessonView | None
    is_away: bool
    """Whether the live store does not answer: nothing is started then."""
    is_usual: bool
    """Whether its lessons usually begin at about this time of the week."""
    request_id: str


def _taught(views: list[SectionView], *, at: datetime) -> list[TaughtCourse]:
    """What is live comes first, then what is usual at this time, then what runs."""
    sections = [view.section for view in views]
    found = live_lessons(section.pk for section in sections)
    live = found or {}
    usual = usual_now([view.section for view in views if view.is_running], at=at)

    def place(view: SectionView) -> tuple[bool, int, bool, str]:
        pk = view.section.pk
        rank = usual.index(pk) if pk in usual else len(usual)
        return (pk not in live, rank, *_running_first(view))

    return [
        TaughtCourse(
            view,
            live.get(view.section.pk),
            is_away=found is None,
            is_usual=view.section.pk in usual and view.section.pk not in live,
            request_id=ids.new_request_id(),
        )
        for view in sorted(views, key=place)
    ]


class AttendedCourse(NamedTuple):
    """A course to which one belongs; a student's own figures in it."""

    view: SectionView
    figures: Sequence[str]
    """In words; empty for those who do not learn there."""
    misses: Sequence[OwnLine]
    warnings: Sequence[str]
    """Those that are open."""


def _attended(request: HttpRequest, views: list[SectionView]) -> list[AttendedCourse]:
    """What runs comes first. Two queries for the figures of all of them, one for warnings."""
    learnt = [view.section for view in views if view.my_role == EnrolmentRole.STUDENT]
    root = user_of(request).root.pk
    found = own_figures(root, numbers_of(request), learnt) if learnt else {}
    warned = own_warnings(root, [section.pk for section in learnt]) if learnt else {}
    return [
        AttendedCourse(
            view,
            figures.of_figures(own.figures, view.section.policy, ahead=own.ahead) if own else (),
            [line_of(each) for each in own.misses] if own else (),
            warned.get(view.section.pk, ()),
        )
        for view in sorted(views, key=_running_first)
        for own in [found.get(view.section.pk)]
    ]


def _running_first(view: SectionView) -> tuple[bool, str]:
    return not view.is_running, view.section.title.casefold()


def _all(request: HttpRequest, user: User) -> dict[str, Any]:
    now, search = timezone.now(), clean_search(request.GET.get("search", ""))
    term_id, is_archived = number_of(request, "term"), request.GET.get("archived") == "yes"
    criteria = SectionFilter(term_id=term_id, is_archived=is_archived, search=search)
    part = Slice(
        before=number_of(request, "before"), after=number_of(request, "after"), limit=PER_PAGE
    )
    page = page_of_rows(sections_seen_by(user=user, at=now, criteria=criteria), part)
    return {
        "page": page,
        "views": view_sections(page.items, user=user, at=now),
        "search": search,
        "term_id": term_id,
        "is_archived": is_archived,
        "is_filtered": bool(search or term_id or is_archived),
        "terms": Term.objects.all()[:TERMS],
    }
