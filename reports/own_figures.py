"""A student's figures in each of their courses: from totals, with the lessons missed last."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final, NamedTuple

from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber

from attendance.models import AttendanceRecord
from attendance.rules.effective import effective
from attendance.rules.figures import NOTHING, Figures
from attendance.rules.judging import needed_by
from attendance.selectors import shapes
from attendance.selectors.own import Numbers, OwnRecord
from attendance.vocabulary import Status
from courses.models import Policy, Section
from reports.figures import figures_by_section, held_weights

SHOWN_MISSES: Final = 3
_MISSED: Final = frozenset({Status.ABSENT, Status.EXCUSED, Status.REJECTED})


class OwnFigures(NamedTuple):
    """One student in one course so far."""

    figures: Figures
    ahead: Fraction
    """What is planned and still to come, in the unit that is counted."""
    misses: Sequence[OwnRecord]
    """The last lessons to which they did not come, newest first."""


def own_figures(
    user_id: int, numbers: Numbers, sections: Iterable[Section]
) -> dict[int, OwnFigures]:
    """By section: lessons that were held and stored, and at which the student was expected.

    `user_id` is of the root account, `numbers` are those of the same person; of several marks in
    one lesson the effective one counts. The sections' policies must have been selected with
    them. A fixed number of queries.
    """
    by_id = {section.pk: section for section in sections}
    rules = {pk: section.policy for pk, section in by_id.items()}
    found = figures_by_section(user_id, rules)
    held = held_weights(rules)
    misses = _misses(numbers, by_id)
    return {
        pk: OwnFigures(found[pk], _ahead(rules[pk], held.get(pk, NOTHING)), misses[pk])
        for pk in by_id
    }


def _ahead(policy: Policy | None, held: Fraction) -> Fraction:
    return needed_by(policy).ahead(held) if policy else NOTHING


def _misses(numbers: Numbers, by_id: Mapping[int, Section]) -> dict[int, list[OwnRecord]]:
    rows = AttendanceRecord.objects.filter(
        student__school_number__in=numbers,
        attendance__section__in=by_id,
        attendance__deleted_at=None,
        attendance__not_held_at=None,
    )
    newest = ("-attendance__starts_at", "-attendance_id")
    found: dict[int, list[OwnRecord]] = defaultdict(list)
    for row in _of_one(rows, newest) if len(numbers) == 1 else _of_several(rows, newest):
        of_section = found[row.attendance.section_id or 0]
        if len(of_section) < SHOWN_MISSES:
            brief = shapes.brief_of_stored(row.attendance)
            of_section.append(OwnRecord(brief, shapes.record_of_stored(row)))
    return found


def _of_one(
    rows: QuerySet[AttendanceRecord], newest: tuple[str, ...]
) -> Iterable[AttendanceRecord]:
    """Of one account: the last ones of each section, and no other row is read."""
    missed = rows.filter(status__in=_MISSED, is_expected=True, deleted_at=None).annotate(
        place=Window(RowNumber(), partition_by=F("attendance__section"), order_by=list(newest))
    )
    return _with_lessons(missed.filter(place__lte=SHOWN_MISSES).order_by(*newest))


def _of_several(
    rows: QuerySet[AttendanceRecord], newest: tuple[str, ...]
) -> Iterable[AttendanceRecord]:
    """Of several accounts: the effective row of each lesson, in the order of rows."""
    by_lesson: dict[Any, list[AttendanceRecord]] = defaultdict(list)
    for row in _with_lessons(rows.order_by(*newest)):
        by_lesson[row.attendance_id].append(row)
    for own in by_lesson.values():
        shown = [(shapes.record_of_stored(row), row) for row in own]
        chosen = effective(record for record, _ in shown)
        is_missed = chosen.status in _MISSED and not chosen.is_deleted
        if is_missed and any(row.is_expected for row in own):
            yield next(row for record, row in shown if record is chosen)


def _with_lessons(rows: QuerySet[AttendanceRecord]) -> QuerySet[AttendanceRecord]:
    return rows.select_related("student", "attendance__teacher", "attendance__section")
