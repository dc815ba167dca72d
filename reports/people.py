"""The people of a course with what their marks add up to: who is in trouble comes first."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Final, NamedTuple

from django.db.models import Min
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from attendance.rules.figures import NOTHING, Figures, days_without
from attendance.rules.judging import Judgement, Needed, document_by, needed_by
from courses.models import Enrolment, Policy, Section
from courses.vocabulary import EnrolmentRole
from reports.figures import figures_of, held_weights
from reports.matrix import students_of
from reports.report import PEOPLE, Cell, CellKind, ReportColumn, tenths
from reports.scope import Scope
from reports.signs import last_attended, missed_in_a_row
from reports.table import ReportTable
from reports.vocabulary import JudgementInWords
from users.models import User
from users.selectors import root_id

_LAST: Final = Fraction(2)
"""Behind every share."""

COLUMNS: Final = (
    ReportColumn("school_number", _("Number")),
    ReportColumn("full_name", _("Name")),
    ReportColumn("rate", _("Share"), CellKind.SHARE),
    ReportColumn("standing", _("By the rules")),
    ReportColumn("lessons", pgettext_lazy("report", "Lessons"), CellKind.NUMBER),
    ReportColumn("here", pgettext_lazy("how many lessons", "Here"), CellKind.NUMBER),
    ReportColumn("missed", _("Missed"), CellKind.NUMBER),
    ReportColumn("can_miss", _("May miss"), CellKind.NUMBER),
    ReportColumn("in_a_row", _("Missed in a row"), CellKind.NUMBER),
    ReportColumn("last_attended_on", _("Last seen"), CellKind.DAY),
    ReportColumn("days_without", _("Days without"), CellKind.NUMBER),
    ReportColumn("days_left", _("Days left"), CellKind.NUMBER),
)


class PersonFigures(NamedTuple):
    """One student of a course."""

    user_id: int
    school_number: str
    full_name: str
    figures: Figures
    standing: Judgement | None
    """None where the course has no rules."""
    can_miss: Fraction | None
    in_a_row: int
    last_attended_on: date | None
    """In whatever course."""
    days_without: int
    days_left: int | None
    """Until the rules want it written down, or somebody warned; below 0: over."""


class _Course(NamedTuple):
    """What is the same for everybody."""

    policy: Policy | None
    needed: Needed | None
    ahead: Fraction
    today: date


def people_of_section(
    scope: Scope, section: Section, *, at: datetime, sort: str = "rate"
) -> list[PersonFigures]:
    """Everybody who is or was on the roster; at most ten queries, whatever their number.

    The share is of the whole course so far. `sort`: one of SORTS; who is in trouble comes first.
    """
    students = list(students_of(scope))
    ids = [student.pk for student in students]
    course = _course(section, at)
    figures, seen = figures_of(section.pk, ids, course.policy), last_attended(ids)
    rows, since = missed_in_a_row(section.pk, ids), _first_days(section, ids)
    found = [
        _person(
            student,
            course,
            figures[student.pk],
            in_a_row=rows[student.pk],
            last_on=seen.get(student.pk),
            since=since.get(student.pk, course.today),
        )
        for student in students
    ]
    return sorted(found, key=SORTS[sort])


def _course(section: Section, at: datetime) -> _Course:
    policy = section.policy
    needed, ahead = None, NOTHING
    if policy is not None:
        needed = needed_by(policy)
        ahead = needed.ahead(held_weights({section.pk: policy}).get(section.pk, NOTHING))
    return _Course(policy, needed, ahead, section.local_date(at))


def _person(
    student: User,
    course: _Course,
    figures: Figures,
    *,
    in_a_row: int,
    last_on: date | None,
    since: date,
) -> PersonFigures:
    without = days_without(last_on=last_on, since=since, today=course.today)
    return PersonFigures(
        user_id=student.pk,
        school_number=student.school_number,
        full_name=student.full_name,
        figures=figures,
        standing=course.needed.judge(figures, ahead=course.ahead) if course.needed else None,
        can_miss=course.needed.can_miss(figures, ahead=course.ahead) if course.needed else None,
        in_a_row=in_a_row,
        last_attended_on=last_on,
        days_without=without,
        days_left=_days_left(course, last_on, without),
    )


def _days_left(course: _Course, last_on: date | None, without: int) -> int | None:
    policy = course.policy
    if policy is None:
        return None
    left = []
    if policy.days_without is not None:
        left.append(policy.days_without - without)
    if policy.document_days is not None and last_on is not None:
        by = document_by(last_on, within_days=policy.document_days)
        left.append((by - course.today).days)
    return min(left, default=None)


def _first_days(section: Section, user_ids: Sequence[int]) -> dict[int, date]:
    """The day from which each person was on the roster, but not before the course began."""
    rows = Enrolment.objects.came_about().filter(section=section, role=EnrolmentRole.STUDENT)
    owned = rows.annotate(person=root_id("user")).values("person").order_by()
    first = owned.filter(person__in=user_ids).annotate(first=Min("begins_on"))
    return {
        user_id: max(day, section.starts_on)
        for user_id, day in first.values_list("person", "first")
    }


Key = Callable[[PersonFigures], tuple[Any, ...]]


def _by_rate(person: PersonFigures) -> tuple[Any, ...]:
    rate = person.figures.rate
    return (_LAST if rate is None else rate, person.school_number)


SORTS: Final[Mapping[str, Key]] = {
    "rate": _by_rate,
    "in_a_row": lambda person: (-person.in_a_row, person.school_number),
    "days_without": lambda person: (-person.days_without, person.school_number),
    "school_number": lambda person: (person.school_number,),
}
"""By the columns of these names."""


def cells_of(person: PersonFigures) -> list[Cell]:
    """In the order of COLUMNS."""
    return [
        person.school_number,
        person.full_name,
        person.figures.rate,
        person.standing and JudgementInWords(person.standing.value),
        person.figures.lessons,
        person.figures.here,
        tenths(person.figures.missed),
        tenths(person.can_miss),
        person.in_a_row,
        person.last_attended_on,
        person.days_without,
        person.days_left,
    ]


def people_table(scope: Scope, section: Section, *, at: datetime, sort: str) -> ReportTable:
    """The same as a file."""
    return ReportTable(
        key=PEOPLE.key,
        title=PEOPLE.title,
        columns=COLUMNS,
        zone=scope.zone,
        count=lambda most: students_of(scope)[:most].count(),
        parts=lambda: _parts(people_of_section(scope, section, at=at, sort=sort)),
    )


def _parts(people: Sequence[PersonFigures]) -> Iterator[Sequence[Sequence[Cell]]]:
    yield [cells_of(person) for person in people]
