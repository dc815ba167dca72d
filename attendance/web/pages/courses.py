"""The courses of whoever looks: those that they teach, and those in which they learn."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from attendance.selectors.paging import Slice, page_of_rows
from attendance.services import ids
from attendance.web.callers import signed_in, user_of
from attendance.web.keys import number_of
from courses.models import Term
from courses.selectors.listing import (
    SectionFilter,
    SectionView,
    sections_seen_by,
    view_sections,
)
from users.identity import Role
from users.models import User

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
        "taught": [Startable(view) for view in _running_first(views) if view.may_run],
        "attended": [view for view in _running_first(views) if not view.may_run],
    }
    return render(request, "attendance/pages/courses/own.html", context)


class Startable:
    """A course with the id of the request that may start a lesson of it."""

    def __init__(self, view: SectionView) -> None:
        self.view = view
        self.request_id = ids.new_request_id()


def _running_first(views: list[SectionView]) -> list[SectionView]:
    return sorted(views, key=lambda view: (not view.is_running, view.section.title.casefold()))


def _all(request: HttpRequest, user: User) -> dict[str, Any]:
    now, search = timezone.now(), request.GET.get("search", "").strip()[:100]
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
