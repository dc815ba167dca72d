"""The students of a course with their figures, by what is asked: share, row, or days away."""

from collections.abc import Sequence
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from attendance.selectors.paging import Page
from attendance.web.callers import signed_in
from attendance.wording import policies
from reports.asking import check_has_register
from reports.pages import reading
from reports.people import COLUMNS, SORTS, PersonFigures, cells_of, people_of_section
from reports.query import FilterForm
from reports.report import PEOPLE, PER_PAGE
from reports.wording import shown

FIRST: Final = "rate"


@never_cache
@require_safe
@signed_in()
def people(request: HttpRequest) -> HttpResponse:
    """A page of those of a course in the order that is asked for; most courses have one."""
    form = FilterForm(request.GET)
    found, status = reading.find(request, form)
    if found.section is None:
        # Figures are of one course: without one, the lists of all are shown.
        return redirect(reverse("reports"))
    check_has_register(found)
    sort, part = sort_of(request), Page[PersonFigures]([], None, None)
    if form.is_valid():
        part = _part(
            people_of_section(found.scope, found.section, at=timezone.now(), sort=sort),
            before=request.GET.get("before", ""),
            after=request.GET.get("after", ""),
        )
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
        page=part,
        people=[
            (row, shown(COLUMNS, COLUMNS, cells_of(row), found.scope.zone)) for row in part.items
        ],
        rules=policies.of_figures(found.section.policy) if found.section.policy else [],
    )


def _part(people: Sequence[PersonFigures], *, before: str, after: str) -> Page[PersonFigures]:
    """Those behind the number `before`, or in front of `after`: the first ones for a wrong one.

    All are at hand, because the order is by what their marks add up to.
    """
    places = {person.school_number: place for place, person in enumerate(people)}
    begin = places[before] + 1 if before in places else 0
    if after in places:
        begin = max(0, places[after] - PER_PAGE)
    items = people[begin : begin + PER_PAGE]
    return Page(
        items,
        items[-1].school_number if begin + PER_PAGE < len(people) else None,
        items[0].school_number if begin and items else None,
    )


def sort_of(request: HttpRequest) -> str:
    """The order that an address names; by the share where it names none."""
    sort = request.GET.get("sort", "")
    return sort if sort in SORTS else FIRST
