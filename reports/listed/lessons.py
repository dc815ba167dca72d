"""Lessons with their rates, those whose register nobody took, and those that were not held."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from attendance.models import Attendance, AttendanceRecord
from attendance.selectors.counts import roster_counts, status_counts
from attendance.selectors.shapes import NO_ROSTER, RosterCounts
from attendance.vocabulary import Source, Status
from reports.report import Cell, CellKind, ChartPlan, Report, ReportColumn
from reports.scope import Scope

ORDER: Final = ("starts_at", "id")
LESSON_COLUMNS: Final = (
    ReportColumn("starts_at", pgettext_lazy("of a lesson", "Begins"), CellKind.INSTANT),
    ReportColumn(
        "ends_at", pgettext_lazy("of a lesson", "Ends"), CellKind.INSTANT, is_on_pages=False
    ),
    ReportColumn("section_code", _("Code")),
    ReportColumn("lesson_name", _("Lesson")),
    ReportColumn("teacher_number", _("Teacher's number"), is_on_pages=False),
    ReportColumn("teacher_name", _("Teacher")),
)


def lesson_fields(lesson: str = "") -> list[str]:
    """What is read for the cells of a lesson; `lesson` leads to it, with "__"."""
    names = ("starts_at", "ends_at", "section__code", "lesson_name", "teacher__school_number")
    return [f"{lesson}{name}" for name in (*names, "teacher_name")]


def lesson_cells(values: Sequence[Any]) -> list[Cell]:
    """What every list says of a lesson, in the order of `LESSON_COLUMNS`: of `lesson_fields`."""
    starts_at, ends_at, code, *others = values[: len(LESSON_COLUMNS)]
    # A lesson of no course has no code.
    return [starts_at, ends_at, code or "", *others]


def _lessons(scope: Scope, *others: str) -> QuerySet[Any]:
    """Rows of values, `others` behind those of the lesson."""
    rows = Attendance.objects.filter(scope.lessons())
    return rows.values_list(*lesson_fields(), "id", *others, named=True)


def _held(scope: Scope) -> QuerySet[Any]:
    return _lessons(scope).filter(not_held_at=None)


def _not_held(scope: Scope) -> QuerySet[Any]:
    others = ("not_held_reason", "not_held_by__full_name", "not_held_at")
    return _lessons(scope, *others).filter(not_held_at__isnull=False)


def _not_taken(scope: Scope) -> QuerySet[Any]:
    return _held(scope).filter(nobody_spoke(), section__isnull=False)


def nobody_spoke() -> Q:
    """The condition for a lesson at which nobody checked in and nobody was marked by a person."""
    spoken = AttendanceRecord.objects.filter(attendance=OuterRef("pk"), deleted_at=None)
    return Q(~Exists(spoken.exclude(source=Source.SYSTEM)))


def _with_rates(lessons: Sequence[Any], _scope: Scope) -> Iterable[Sequence[Cell]]:
    ids = [lesson.id for lesson in lessons]
    counts, rosters = status_counts(ids), roster_counts(ids)
    for lesson in lessons:
        by_status, roster = counts.get(lesson.id, {}), rosters.get(lesson.id, NO_ROSTER)
        yield [
            *lesson_cells(lesson),
            roster.expected,
            *_share(roster),
            *(by_status.get(status, 0) for status in Status),
        ]


def _share(roster: RosterCounts) -> tuple[int | None, Fraction | None]:
    """How many came of those expected, and their share; None where nobody knows the roster."""
    if roster.expected is None or roster.missing is None:
        return None, None
    came = roster.expected - roster.missing
    return came, Fraction(came, roster.expected) if roster.expected else None


LESSONS: Final = Report(
    key="lessons",
    title=pgettext_lazy("report", "Lessons"),
    what=_("How many came to each lesson that was held, of those who were expected."),
    columns=(
        *LESSON_COLUMNS,
        ReportColumn("expected", _("Expected"), CellKind.NUMBER),
        ReportColumn("came", pgettext_lazy("how many of those expected", "Came"), CellKind.NUMBER),
        ReportColumn("rate", _("Share"), CellKind.SHARE),
        *(ReportColumn(status.value, status.label, CellKind.NUMBER) for status in Status),
    ),
    query=_held,
    order=ORDER,
    cells=_with_rates,
    nothing=_("No lesson of these days is saved yet."),
    chart=ChartPlan(
        share="rate",
        named_by=("starts_at",),
        words=_("Share of those who came, lesson by lesson: from %(least)s to %(most)s."),
        begins_with_last=True,
    ),
)

NOT_TAKEN: Final = Report(
    key="not-taken",
    title=_("Registers not taken"),
    what=_("Lessons of courses at which nobody checked in and nobody was marked by a person."),
    columns=LESSON_COLUMNS,
    query=_not_taken,
    order=ORDER,
    cells=lambda lessons, _scope: map(lesson_cells, lessons),
    nothing=_("Every register of these days was taken."),
)

NOT_HELD: Final = Report(
    key="not-held",
    title=_("Lessons not held"),
    what=_("Lessons that count for nobody, with the reason and who said so."),
    columns=(
        *LESSON_COLUMNS,
        ReportColumn("reason", _("Reason"), CellKind.LONG),
        ReportColumn("said_by", _("Said by")),
        ReportColumn("said_at", _("Said at"), CellKind.INSTANT),
    ),
    query=_not_held,
    order=ORDER,
    cells=lambda lessons, _scope: (
        [
            *lesson_cells(lesson),
            lesson.not_held_reason,
            lesson.not_held_by__full_name,
            lesson.not_held_at,
        ]
        for lesson in lessons
    ),
    nothing=_("No lesson of these days was called off."),
)
