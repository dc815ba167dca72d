"""The students of a course with their figures, by what is asked: share, row, or days away."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from attendance.web.callers import signed_in
from attendance.wording import policies
from reports.asking import check_has_register
from reports.pages import reading
from reports.people import COLUMNS, SORTS, cells_of, people_of_section
from reports.query import FilterForm
from reports.report import PEOPLE
from reports.wording import shown

FIRST: Final = "rate"


@never_cache
@require_safe
@signed_in()
def people(request: HttpRequest) -> HttpResponse:
    """All of a course on one page: a roster has at most 5,000, and most have sixty."""
    form = FilterForm(request.GET)
    found, status = reading.find(request, form)
    if found.section is None:
        # Figures are of one course: without one, the lists of all are shown.
        return redirect(reverse("reports"))
    check_has_register(found)
    sort = sort_of(request)
    rows = []
    if form.is_valid():
        rows = people_of_section(found.scope, found.section, at=timezone.now(), sort=sort)
    return reading.page(
        request,
        "people",
        form,
        found,
        status=status,
        # Totals are of the whole course.
        has_days=False,
        report=PEOPLE,
        columns=COLUMNS,
        sort=sort,
        sorts=SORTS,
        people=[(row, shown(COLUMNS, COLUMNS, cells_of(row), found.scope.zone)) for row in rows],
        rules=policies.of_figures(found.section.policy) if found.section.policy else [],
    )


def sort_of(request: HttpRequest) -> str:
    """The order that an address names; by the share where it names none."""
    sort = request.GET.get("sort", "")
    return sort if sort in SORTS else FIRST
