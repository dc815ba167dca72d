"""A report as a file has it: columns, and all rows in parts of constant size."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.utils.functional import Promise

from reports.report import Cell, Report, ReportColumn
from reports.rows import batches
from reports.scope import Scope


class ReportTable(NamedTuple):
    key: str
    title: str | Promise
    columns: Sequence[ReportColumn]
    zone: ZoneInfo
    """By whose clock instants are written."""
    count: Callable[[int], int]
    """How many rows there are, counted up to a bound."""
    parts: Callable[[], Iterator[Sequence[Sequence[Cell]]]]


def table_of(report: Report, scope: Scope) -> ReportTable:
    """All rows of a list."""
    return ReportTable(
        key=report.key,
        title=report.title,
        columns=report.columns,
        zone=scope.zone,
        count=lambda most: report.query(scope).order_by()[:most].count(),
        parts=lambda: (list(report.cells(part, scope)) for part in batches(report, scope)),
    )
