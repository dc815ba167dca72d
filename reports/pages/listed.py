"""The reports that are lists: one of them, with its filters, and each as a file."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from attendance.web.callers import signed_in
from reports import rows
from reports.asking import ReportView, find_report, reports_of
from reports.pages import reading
from reports.pages.drawing import drawn
from reports.pages.people import sort_of
from reports.query import FilterForm
from reports.report import Report
from reports.rows import ReportPage
from reports.tables import table_for
from reports.wording import chart_of_rows, columns_of, shown


@never_cache
@require_safe
@signed_in()
def index(request: HttpRequest) -> HttpResponse:
    """The first report that the reader has, with what was chosen."""
    found, _status = reading.find(request, FilterForm(request.GET))
    address = reverse("report", args=[reports_of(found)[0].key])
    query = request.GET.urlencode()
    return redirect(f"{address}?{query}" if query else address)


@never_cache
@require_safe
@signed_in()
def report(request: HttpRequest, key: str) -> HttpResponse:
    """One page of a list. With wrong fields the form says what to change, and nothing is listed."""
    form = FilterForm(request.GET)
    found, status = reading.find(request, form)
    chosen = find_report(key, found)
    columns, zone = columns_of(chosen, found), found.scope.zone
    page = _page_of(request, chosen, found) if form.is_valid() else None
    shown_rows = (
        [shown(chosen.columns, columns, cells, zone) for cells in page.rows] if page else []
    )
    return reading.page(
        request,
        "listed",
        form,
        found,
        status=status,
        report=chosen,
        columns=columns,
        page=page,
        rows=shown_rows,
        body=drawn(shown_rows, has_links=not found.is_own),
        chart=chart_of_rows(chosen, page.rows, zone) if page else None,
        has_days=chosen.has_days,
        has_person=chosen.has_person,
    )


@never_cache
@require_safe
@signed_in()
def file(request: HttpRequest, key: str, ending: str) -> HttpResponseBase:
    """All rows in the reader's language: nothing is cut, and a workbook has at most 50,000."""
    found = reading.find_for_file(request)
    table = table_for(key, found, at=timezone.now(), sort=sort_of(request))
    return reading.file_of(table, found, ending)


def _page_of(request: HttpRequest, chosen: Report, found: ReportView) -> ReportPage:
    before, after = request.GET.get("before", ""), request.GET.get("after", "")
    return rows.page_of(chosen, found.scope, limit=chosen.per_page, before=before, after=after)
