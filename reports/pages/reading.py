"""What a page of reports is asked for: its filters, who reads, and a file where one is wanted."""

from typing import Any, Final

from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header

from attendance.errors import InvalidInput
from attendance.http_status import STATUS
from attendance.web.callers import user_of
from reports.asking import (
    ReportFilter,
    ReportView,
    ask,
    check_may_take_files,
    groups_of,
    reports_of,
)
from reports.files.csv import lines_for_people
from reports.files.names import file_name
from reports.files.xlsx import MEDIA_TYPE, workbook
from reports.query import FilterForm
from reports.table import ReportTable
from users import security_log
from users.errors import AttnError, gettext_noop
from users.models import SecurityKind
from users.security_log import Details
from users.wording import in_words

PLACES: Final = ("before", "after", "older", "newer")
"""What an address says of the part that is shown."""
ENDINGS: Final = frozenset({"csv", "xlsx"})
_FIELDS: Final = {
    "person_not_found": "person",
    "invalid_school_number": "person",
    "invalid_days": "to",
    "course_not_found": "course",
}
"""Errors that are told beside the field that has to be changed."""


def find(request: HttpRequest, form: FilterForm) -> tuple[ReportView, int]:
    """What the form asks for, and 200; with an error in it the whole course, and its status.

    Raises SectionNotFound and NotYourSection.
    """
    user, now = user_of(request), timezone.now()
    status = 400
    if form.is_valid():
        try:
            return ask(form.asked(), user=user, at=now), 200
        except AttnError as error:
            if error.code not in _FIELDS:
                raise
            form.add_error(_FIELDS[error.code], in_words(error))
            status = STATUS[error.code]
    data = form.cleaned_data
    section_id, group_id = data.get("section"), data.get("group")
    whole = ReportFilter(section_id=section_id, group_id=group_id if section_id else None)
    return ask(whole, user=user, at=now), status


def find_for_file(request: HttpRequest) -> ReportView:
    """Raises what a page would show in its form, for which a file has no place."""
    form = FilterForm(request.GET)
    if not form.is_valid():
        raise InvalidInput(gettext_noop("Something in the filters is wrong. Choose them again."))
    found = ask(form.asked(), user=user_of(request), at=timezone.now())
    check_may_take_files(found)
    return found


def page(
    request: HttpRequest, template: str, form: FilterForm, found: ReportView, **values: Any
) -> HttpResponse:
    """A page with the filters and the other reports of the reader; `status` is its own."""
    status: int = values.pop("status")
    form.leave_out(
        has_section=found.section is not None,
        is_own=found.is_own,
        has_days=values.pop("has_days", True),
        has_person=values.pop("has_person", True),
    )
    form.offer_groups(groups_of(found, user=user_of(request), at=timezone.now()))
    query = request.GET.copy()
    for name in PLACES:
        query.pop(name, None)
    shared = {
        "found": found,
        "form": form,
        "chosen": form.chosen(),
        "reports": reports_of(found),
        "query": query.urlencode(),
    }
    return render(request, f"reports/{template}.html", shared | values, status=status)


def file_of(
    table: ReportTable, found: ReportView, ending: str, *, subject_id: int | None = None
) -> HttpResponseBase:
    """The report to be saved, as `csv` or `xlsx`; that it was taken stands in the security log.

    `subject_id` is whose account it is about, where it is about one person.

    Raises Http404 for another ending, TooManyRows and TooManyColumns.
    """
    if ending not in ENDINGS:
        raise Http404
    answer: HttpResponseBase
    if ending == "xlsx":
        answer = FileResponse(workbook(table), content_type=MEDIA_TYPE)
    else:
        lines = lines_for_people(table)
        answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    details = Details(what=f"report:{table.key}")
    security_log.write(SecurityKind.EXPORTED, subject_id=subject_id, details=details)
    name = file_name(table.key, found.section, found.scope.zone, ending)
    answer["Content-Disposition"] = content_disposition_header(True, name)
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
