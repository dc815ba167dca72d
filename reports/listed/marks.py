"""Every mark with all that is known of it; those that wait, and those of walk-ins."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from attendance.models import AttendanceRecord
from attendance.selectors.counts import CAME
from attendance.vocabulary import Source, Status
from reports.listed.lessons import LESSON_COLUMNS, lesson_cells, lesson_fields
from reports.report import Cell, CellKind, Report, ReportColumn
from reports.scope import Scope

ORDER: Final = ("attendance__starts_at", "attendance_id", "student_id")
COLUMNS: Final = (
    *LESSON_COLUMNS,
    ReportColumn("school_number", _("Number")),
    ReportColumn("full_name", _("Name")),
    ReportColumn("status", _("Status")),
    ReportColumn("checked_in_at", _("Came at"), CellKind.INSTANT),
    ReportColumn("source", _("Marked by")),
    ReportColumn("reason", _("Reason"), CellKind.LONG),
    ReportColumn("changed_at", _("Marked at"), CellKind.INSTANT, is_on_pages=False),
    ReportColumn("was_expected", _("Was expected"), is_on_pages=False),
)
_FIELDS: Final = (
    *lesson_fields("attendance__"),
    *("school_number", "full_name", "status", "checked_in_at", "source", "reason"),
    *("changed_at", "is_expected", "attendance_id", "student_id"),
)
"""Of the cells, and of the order. Rows of values: to make objects takes longer than the reading."""


def _marks(scope: Scope) -> QuerySet[Any]:
    """Marks that count: none that is flagged as deleted, and none of a lesson not held."""
    rows = AttendanceRecord.objects.filter(
        scope.marks(), deleted_at=None, attendance__not_held_at=None
    )
    return rows.values_list(*_FIELDS, named=True)


def _cells(rows: Sequence[Any], _scope: Scope) -> Iterable[Sequence[Cell]]:
    for row in rows:
        yield [
            *lesson_cells(row),
            row.school_number,
            row.full_name,
            Status(row.status),
            row.checked_in_at,
            Source(row.source),
            row.reason,
            row.changed_at,
            row.is_expected,
        ]


MARKS: Final = Report(
    key="marks",
    title=_("All marks"),
    what=_("One line for each student in each lesson: who marked them, when, and why."),
    columns=COLUMNS,
    query=_marks,
    order=ORDER,
    cells=_cells,
    nothing=_("Nobody has a mark in a lesson of these days."),
)

PENDING: Final = Report(
    key="pending",
    title=_("Waiting for a decision"),
    what=_("Check-ins that count nowhere until somebody accepts or rejects them."),
    columns=COLUMNS,
    query=lambda scope: _marks(scope).filter(status=Status.PENDING),
    order=ORDER,
    cells=_cells,
    nothing=_("Nothing waits: every check-in of these days is decided."),
)

WALK_INS: Final = Report(
    key="walk-ins",
    title=_("Walk-ins"),
    what=_("Students who came and were not on the roster of the lesson."),
    columns=COLUMNS,
    query=lambda scope: _marks(scope).filter(is_expected=False, status__in=CAME),
    order=ORDER,
    cells=_cells,
    nothing=_("Everybody who came was on the roster."),
)
