"""What became of marks after the fact: who changed them, when, from what to what, and why."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from attendance.models import AttendanceEvent
from attendance.vocabulary import EventKind, Source, Status
from reports.listed.lessons import LESSON_COLUMNS, lesson_cells, lesson_fields
from reports.report import Cell, CellKind, Report, ReportColumn
from reports.scope import Scope

_FIELDS: Final = (
    *lesson_fields("attendance__"),
    *("kind", "student__school_number", "student__full_name", "old", "new", "reason"),
    *("actor_name", "source", "happened_at", "attendance_id", "revision"),
)
"""Of the cells, and of the order."""


def _events(scope: Scope) -> QuerySet[Any]:
    rows = AttendanceEvent.objects.filter(scope.marks(), student__isnull=False)
    return rows.values_list(*_FIELDS, named=True)


def _cells(rows: Sequence[Any], _scope: Scope) -> Iterable[Sequence[Cell]]:
    for row in rows:
        yield [
            *lesson_cells(row),
            EventKind(row.kind),
            row.student__school_number,
            row.student__full_name,
            status_or_word(row.old),
            status_or_word(row.new),
            row.reason,
            row.actor_name,
            Source(row.source),
            row.happened_at,
        ]


def status_or_word(text: str) -> Status | str:
    """Where there was no mark, or is none any more, the event says something else."""
    return Status(text) if text in Status.values else text


CORRECTIONS: Final = Report(
    key="corrections",
    title=_("Corrections"),
    what=_("Every change of a mark: from what to what, by whom, and why."),
    columns=(
        *LESSON_COLUMNS,
        ReportColumn("kind", _("What happened")),
        ReportColumn("school_number", _("Number")),
        ReportColumn("full_name", _("Name")),
        ReportColumn("old", _("Before")),
        ReportColumn("new", _("After")),
        ReportColumn("reason", _("Reason"), CellKind.LONG),
        ReportColumn("actor", pgettext_lazy("who did it", "By")),
        ReportColumn("source", _("As")),
        ReportColumn("happened_at", _("When"), CellKind.INSTANT),
    ),
    query=_events,
    order=("attendance__starts_at", "attendance_id", "revision"),
    cells=_cells,
    nothing=_("No mark of these days was changed."),
)
