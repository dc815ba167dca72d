"""Open and closed cases of warnings, and what is done about one."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from attendance.services.access import limits
from attendance.web.callers import person_of, signed_in, user_of
from reports import rows
from reports.cases import LONGEST_NOTE, ORDER, add_step, cases_of
from reports.own_warnings import said
from reports.pages import reading
from reports.query import FilterForm
from reports.report import CASES
from reports.vocabulary import CaseEnding

PER_PAGE = 50


@never_cache
@require_safe
@signed_in()
def cases(request: HttpRequest) -> HttpResponse:
    """The newest first; with wrong fields the form says what to change, and nothing is listed."""
    form = FilterForm(request.GET)
    found, status = reading.find(request, form)
    is_open = request.GET.get("state") != "closed"
    query = cases_of(found, is_open=is_open)
    before, after = request.GET.get("before", ""), request.GET.get("after", "")
    shown = rows.part_of(query, ORDER, limit=PER_PAGE, before=before, after=after)
    return reading.page(
        request,
        "cases",
        form,
        found,
        status=status,
        has_days=False,
        report=CASES,
        page=shown,
        cases=[(each, said(each)) for each in shown.rows] if form.is_valid() else [],
        is_open=is_open,
        endings=CaseEnding.choices,
        longest=LONGEST_NOTE,
    )


@never_cache
@require_POST
@signed_in()
def add(request: HttpRequest, warning_id: int) -> HttpResponse:
    """One step of a case, and back to those of its course."""
    limits.count_change(person_of(request).school_number)
    warning = add_step(
        warning_id,
        kind=request.POST.get("step", ""),
        ending=request.POST.get("ending", ""),
        text=request.POST.get("text", ""),
        actor=user_of(request),
    )
    query = {"section": warning.section_id} if request.POST.get("section") else {}
    address = reverse("report-cases")
    return redirect(f"{address}?{urlencode(query)}" if query else address)
