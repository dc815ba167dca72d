"""What a student's stored marks add up to in each of their courses, with one query for all."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, Final, NamedTuple

from attendance.models import AttendanceRecord
from attendance.rules.effective import effective
from attendance.rules.figures import WHOLE, Counting, Figures, add_up, share
from attendance.selectors import shapes
from attendance.selectors.own import Numbers, OwnRecord
from attendance.vocabulary import Status
from courses.models import Section
from courses.vocabulary import Counted

SHOWN_MISSES: Final = 3
_HOUR_SECONDS: Final = 3_600
_MISSED: Final = frozenset({Status.ABSENT, Status.EXCUSED, Status.REJECTED})


class OwnFigures(NamedTuple):
    """One student in one course so far."""

    figures: Figures
    misses: Sequence[OwnRecord]
    """The last lessons to which they did not come, newest first."""


def own_figures(numbers: Numbers, sections: Iterable[Section]) -> dict[int, OwnFigures]:
    """By section: lessons that were held and stored, and at which the student was expected.

    `numbers` are those of one person; of several marks in one lesson the effective one counts.
    The sections' policies must have been selected with them. One query.
    """
    by_id = {section.pk: section for section in sections}
    rows = AttendanceRecord.objects.filter(
        student__school_number__in=numbers,
        attendance__section__in=by_id,
        attendance__deleted_at=None,
        attendance__not_held_at=None,
    ).select_related(
        "student",
        "absence__reason",
        "attendance__teacher",
        "attendance__section",
        "attendance__policy",
    )
    marks: dict[int, list[AttendanceRecord]] = defaultdict(list)
    for row in _one_a_lesson(rows.order_by("-attendance__starts_at", "-attendance_id")):
        marks[row.attendance.section_id or 0].append(row)
    return {pk: _of_section(section, marks[pk]) for pk, section in by_id.items()}


def _one_a_lesson(rows: Iterable[AttendanceRecord]) -> Iterable[AttendanceRecord]:
    """The effective row of each lesson at which the student was expected, in the order of rows."""
    by_lesson: dict[Any, list[AttendanceRecord]] = defaultdict(list)
    for row in rows:
        by_lesson[row.attendance_id].append(row)
    for own in by_lesson.values():
        shown = [(shapes.record_of_stored(row), row) for row in own]
        chosen = effective(record for record, _ in shown)
        if any(row.is_expected for row in own) and not chosen.is_deleted:
            yield next(row for record, row in shown if record is chosen)


def _of_section(section: Section, rows: Sequence[AttendanceRecord]) -> OwnFigures:
    by_hours = section.policy is not None and section.policy.counted == Counted.HOURS
    missed = [row for row in rows if row.status in _MISSED][:SHOWN_MISSES]
    return OwnFigures(
        figures=add_up(_counting(row, by_hours=by_hours) for row in rows),
        misses=[
            OwnRecord(shapes.brief_of_stored(row.attendance), shapes.record_of_stored(row))
            for row in missed
        ],
    )


def _counting(row: AttendanceRecord, *, by_hours: bool) -> Counting:
    lesson = row.attendance
    seconds = Fraction(round((lesson.ends_at - lesson.starts_at).total_seconds()))
    return Counting(
        status=row.status,
        effect=row.absence.reason.effect if row.absence else "neutral",
        weight=seconds / _HOUR_SECONDS if by_hours else WHOLE,
        late_credit=share(lesson.policy.late_credit_permille) if lesson.policy else WHOLE,
    )
