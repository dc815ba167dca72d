"""The register of a course as a table: its students down, its lessons across, a part at a time.

Students are those who are or were on the roster, each once whatever accounts they have; lessons are
those that are stored, also those that were not held. Four queries, whatever the part.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from attendance.models import Attendance, AttendanceRecord
from attendance.rules.effective import effective
from attendance.selectors import shapes
from attendance.selectors.paging import Page, Slice, rising_page
from attendance.vocabulary import Status
from courses.models import Enrolment, Section
from courses.vocabulary import EnrolmentRole
from reports.figures import figures_of
from reports.listed.lessons import ORDER
from reports.report import REGISTER, Cell, CellKind, ReportColumn
from reports.rows import ReportPage, part_of
from reports.scope import Scope
from reports.table import ReportTable
from users.models import User
from users.selectors import root_id

PEOPLE: Final = 60
LESSONS: Final = 40
Marks = Mapping[tuple[UUID, int], "MatrixCell"]


class MatrixCell(NamedTuple):
    """What one student's mark in one lesson is."""

    status: str = ""
    """'' for no mark."""
    is_expected: bool = False


class MatrixRow(NamedTuple):
    """One student, by the account that stands for all of theirs."""

    user_id: int
    school_number: str
    full_name: str
    rate: Fraction | None
    """Of the whole course so far, whatever part is shown."""
    cells: Sequence[MatrixCell]
    """One for each lesson of the part."""


class Matrix(NamedTuple):
    lessons: Sequence[Attendance]
    """The oldest first, as a register is read."""
    people: Page[MatrixRow]
    older_key: str
    """Of the lessons before these; '' where there are none."""
    newer_key: str


def matrix_of(
    scope: Scope, section: Section, *, people: Slice, before: str = "", after: str = ""
) -> Matrix:
    """One part of the register of the section of a scope.

    `people` by school number; lessons before or after a key, the newest ones where there is none.
    """
    lessons = _lessons(scope, before=before, after=after)
    students = rising_page(students_of(scope), "school_number", people)
    shown = list(reversed(lessons.rows))
    rows = _rows(section, shown, students.items)
    return Matrix(shown, students._replace(items=rows), lessons.next_key, lessons.previous_key)


def _rows(
    section: Section, lessons: Sequence[Attendance], students: Sequence[User]
) -> list[MatrixRow]:
    ids = [student.pk for student in students]
    marks, figures = _marks(lessons, ids), figures_of(section.pk, ids, section.policy)
    return [
        MatrixRow(
            user_id=student.pk,
            school_number=student.school_number,
            full_name=student.full_name,
            rate=figures[student.pk].rate,
            cells=[marks.get((lesson.pk, student.pk), MatrixCell()) for lesson in lessons],
        )
        for student in students
    ]


def students_of(scope: Scope) -> QuerySet[User]:
    """Who is or was on a roster of the sections, by the account that stands for the person."""
    enrolled = Enrolment.objects.came_about().filter(role=EnrolmentRole.STUDENT)
    if scope.section_ids is not None:
        enrolled = enrolled.filter(section__in=scope.section_ids)
    if scope.account_ids is not None:
        enrolled = enrolled.filter(user__in=scope.account_ids)
    return User.objects.filter(pk__in=enrolled.values(root=root_id("user")))


def _lessons(scope: Scope, *, before: str, after: str) -> ReportPage:
    found = Attendance.objects.filter(scope.lessons())
    return part_of(found, ORDER, limit=LESSONS, before=before, after=after)


def _marks(lessons: Sequence[Attendance], user_ids: Sequence[int]) -> Marks:
    """By lesson and student, the mark that counts."""
    rows = AttendanceRecord.objects.filter(attendance__in=[lesson.pk for lesson in lessons])
    rows = rows.annotate(person=root_id("student")).filter(person__in=user_ids)
    found: dict[tuple[UUID, int], MatrixCell] = {}
    twice = set()
    # No models: a part has 2,400 marks.
    for lesson_id, person, status, is_expected, deleted_at in rows.values_list(
        "attendance_id", "person", "status", "is_expected", "deleted_at"
    ):
        key = lesson_id, person
        if key in found:
            twice.add(key)
        found[key] = MatrixCell("" if deleted_at else status, bool(is_expected))
    return {**found, **_of_two_accounts(rows, twice)}


def _of_two_accounts(rows: QuerySet[Any], keys: Collection[tuple[UUID, int]]) -> Marks:
    """Of each of these persons, the mark that counts in the lesson; hardly anybody is one."""
    if not keys:
        return {}
    lessons, people = {lesson for lesson, _ in keys}, {person for _, person in keys}
    own: dict[tuple[UUID, int], list[AttendanceRecord]] = defaultdict(list)
    for row in rows.filter(attendance__in=lessons, person__in=people).select_related("student"):
        own[row.attendance_id, row.person].append(row)
    return {key: _effective(own[key]) for key in keys}


def _effective(rows: Sequence[AttendanceRecord]) -> MatrixCell:
    record = effective(shapes.record_of_stored(row) for row in rows)
    is_expected = any(row.is_expected for row in rows)
    return MatrixCell("" if record.is_deleted else record.status, is_expected)


def register_table(scope: Scope, section: Section) -> ReportTable:
    """The whole register: a row for each student, read in parts, a column for each lesson."""
    lessons = list(Attendance.objects.filter(scope.lessons()).order_by(*ORDER))
    students = students_of(scope)
    return ReportTable(
        key=REGISTER.key,
        title=REGISTER.title,
        columns=[
            ReportColumn("school_number", _("Number")),
            ReportColumn("full_name", _("Name")),
            ReportColumn("rate", _("Share"), CellKind.SHARE),
            *(ReportColumn(_head(lesson, scope), _head(lesson, scope)) for lesson in lessons),
        ],
        zone=scope.zone,
        count=lambda most: students[:most].count(),
        parts=lambda: _register_parts(section, lessons, students),
    )


def _head(lesson: Attendance, scope: Scope) -> str:
    return f"{lesson.starts_at.astimezone(scope.zone):%Y-%m-%d %H:%M}"


def _register_parts(
    section: Section, lessons: Sequence[Attendance], students: QuerySet[User]
) -> Iterator[Sequence[Sequence[Cell]]]:
    part = Slice(limit=PEOPLE)
    while True:
        page = rising_page(students, "school_number", part)
        yield [
            [row.school_number, row.full_name, row.rate, *map(_status, row.cells)]
            for row in _rows(section, lessons, page.items)
        ]
        if page.next_key is None:
            return
        part = Slice(before=page.next_key, limit=PEOPLE)


def _status(cell: MatrixCell) -> Status | None:
    return Status(cell.status) if cell.status else None
