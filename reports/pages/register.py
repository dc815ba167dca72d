"""The register of a course as a table, on a page, to be printed, and as files."""

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from attendance.selectors.paging import Slice
from attendance.vocabulary import Status
from attendance.web.callers import signed_in
from attendance.wording.letters import SIGNS
from courses.models import Section
from reports.asking import ReportView, check_has_register
from reports.matrix import PEOPLE, Matrix, MatrixRow, matrix_of
from reports.pages import reading
from reports.query import FilterForm
from reports.report import REGISTER
from reports.wording import share_in_words
from users.identity import SCHOOL_NUMBER_PATTERN

_NUMBER: Final = re.compile(SCHOOL_NUMBER_PATTERN)


class DrawnCell(NamedTuple):
    """A cell as it is drawn."""

    status: str
    letter: str | Promise
    word: str | Promise


@never_cache
@require_safe
@signed_in()
def register(request: HttpRequest) -> HttpResponse:
    """Students down, lessons across; both are paged, the newest lessons first."""
    form = FilterForm(request.GET)
    found, status = reading.find(request, form)
    if found.section is None:
        # A register is of one course: without one, the lists of all are shown.
        return redirect(reverse("reports"))
    check_has_register(found)
    matrix = None
    if form.is_valid():
        matrix = _matrix(request, found, found.section)
    return reading.page(
        request,
        "register",
        form,
        found,
        status=status,
        report=REGISTER,
        matrix=matrix,
        rows=_rows(matrix) if matrix else [],
        signs=[DrawnCell(status, letter, Status(status).label) for status, letter in SIGNS.items()],
        zone=found.section.time_zone,
    )


def _matrix(request: HttpRequest, found: ReportView, section: Section) -> Matrix:
    before, after = _number(request, "before"), _number(request, "after")
    return matrix_of(
        found.scope,
        section,
        people=Slice(before=before, after=after, limit=PEOPLE),
        before=request.GET.get("older", ""),
        after=request.GET.get("newer", ""),
    )


def _rows(matrix: Matrix) -> list[tuple[MatrixRow, str, SafeString]]:
    """Each student with their share and their marks, drawn once for each kind of mark.

    A template would go through each of 2,400 cells, which takes as long as all queries together.
    """
    cells = {status: _cell(status) for status in ("", *SIGNS)}
    return [
        (row, share_in_words(row.rate), format_html_join("", "{}", _drawn(row, cells)))
        for row in matrix.people.items
    ]


def _drawn(row: MatrixRow, cells: Mapping[str, SafeString]) -> Iterable[tuple[SafeString]]:
    return ((cells[cell.status],) for cell in row.cells)


def _cell(status: str) -> SafeString:
    """A dot stands for a lesson at which nobody was waited for."""
    if status:
        return format_html('<td class="{}">{}</td>', status, SIGNS[status])
    return format_html("<td>{}</td>", "·")


def _number(request: HttpRequest, name: str) -> str | None:
    text = request.GET.get(name, "")
    return text if _NUMBER.fullmatch(text) else None
