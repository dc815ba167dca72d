"""The evidence of one person on a page to print, and as files."""

from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from attendance.web.callers import signed_in, user_of
from reports.pages import reading
from reports.pages.drawing import drawn
from reports.person import COLUMNS, NOBODY, evidence_of, person_table
from reports.query import FilterForm
from reports.report import PERSON
from reports.wording import shown
from users import security_log
from users.security_log import Read

MOST_LINES: Final = 1_000
"""What a page has, and what somebody prints; a file has all of them."""


@never_cache
@require_safe
@signed_in()
def person(request: HttpRequest) -> HttpResponse:
    """All that the reader may see of a person, the oldest first."""
    form = FilterForm(request.GET)
    found, status = reading.find(request, form)
    evidence, now = NOBODY, timezone.now()
    if form.is_valid():
        evidence = evidence_of(found, reader=user_of(request), at=now)
    if evidence.lines and not found.is_own:
        place = f"{evidence.subject_id}|{found.section and found.section.pk}"
        security_log.write_read("evidence", place=place, find=lambda: Read(evidence.subject_id))
    columns = [column for column in COLUMNS if column.is_on_pages]
    lines = evidence.lines[-MOST_LINES:]
    rows = [shown(COLUMNS, columns, line.cells(), found.scope.zone) for line in lines]
    return reading.page(
        request,
        "person",
        form,
        found,
        status=status,
        report=PERSON,
        columns=columns,
        evidence=evidence,
        rows=rows,
        body=drawn(rows, has_links=False),
        left_out=len(evidence.lines) - len(lines),
        drawn_up_at=now,
    )


@never_cache
@require_safe
@signed_in()
def file(request: HttpRequest, ending: str) -> HttpResponseBase:
    """The same, whole."""
    found = reading.find_for_file(request)
    evidence = evidence_of(found, reader=user_of(request), at=timezone.now())
    table = person_table(found, evidence)
    return reading.file_of(table, found, ending, subject_id=evidence.subject_id)
