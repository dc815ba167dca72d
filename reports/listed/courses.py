"""Courses with what their registers add up to: one line for each, from totals."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db.models import Count, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from attendance.models import Attendance
from courses.models import Section
from courses.vocabulary import EnrolmentRole
from reports.listed.lessons import nobody_spoke
from reports.report import Cell, CellKind, ChartPlan, Report, ReportColumn, linked
from reports.scope import Scope
from reports.sums import NO_SUMS, on_roster, sums_of_sections
from users.selectors import root_id


class _Lessons(NamedTuple):
    held: int = 0
    not_taken: int = 0


def _sections(scope: Scope) -> QuerySet[Any]:
    return Section.objects.filter(scope.sections()).select_related("term", "course", "policy")


def _cells(sections: Sequence[Section], scope: Scope) -> Iterable[Sequence[Cell]]:
    ids = [section.pk for section in sections]
    sums = sums_of_sections({each.pk: each.policy for each in sections}, at=scope.at)
    teachers, students = _teachers(ids, scope.at), _students(ids, scope.at)
    lessons = _lessons(ids)
    for section in sections:
        pk = section.pk
        held, not_taken = lessons.get(pk, _Lessons())
        rate, below = sums.get(pk, NO_SUMS)
        yield [
            pk,
            section.code,
            linked(section.title, "people", f"section={pk}"),
            rate,
            _below(below, has_rules=section.policy is not None),
            not_taken,
            held,
            students.get(pk, 0),
            ", ".join(teachers[pk]),
            section.term.title,
            section.course.code if section.course else "",
        ]


def _below(below: int | None, *, has_rules: bool) -> int | None:
    """Where nothing counts yet nobody is below; without rules nobody is judged."""
    return below or 0 if has_rules else None


def _teachers(ids: Sequence[int], at: datetime) -> dict[int, list[str]]:
    """The names of those who teach each section, whoever is in charge first."""
    rows = on_roster(EnrolmentRole.TEACHER, at=at)
    rows = rows.filter(section__in=ids).order_by("-is_primary", "user__full_name", "pk")
    found: dict[int, list[str]] = defaultdict(list)
    for pk, name in rows.values_list("section_id", "user__full_name"):
        if name not in found[pk]:
            found[pk].append(name)
    return found


def _students(ids: Sequence[int], at: datetime) -> dict[int, int]:
    rows = on_roster(EnrolmentRole.STUDENT, at=at)
    counted = rows.filter(section__in=ids).order_by().values("section_id")
    counted = counted.annotate(n=Count(root_id("user"), distinct=True))
    return {row["section_id"]: row["n"] for row in counted}


def _lessons(ids: Sequence[int]) -> dict[int, _Lessons]:
    """How many were held in each section, and of how many nobody took the register."""
    rows = Attendance.objects.kept().filter(section__in=ids, not_held_at=None)
    counted = rows.order_by().values("section_id")
    counted = counted.annotate(held=Count("pk"), not_taken=Count("pk", filter=nobody_spoke()))
    return {row["section_id"]: _Lessons(row["held"], row["not_taken"]) for row in counted}


COURSES: Final = Report(
    key="courses",
    title=_("Courses"),
    what=_("Each course with its lessons, its share, and how many people are below its rules."),
    columns=(
        ReportColumn("section", _("Number of the course"), CellKind.NUMBER, is_on_pages=False),
        ReportColumn("section_code", _("Code")),
        ReportColumn("section_title", _("Course")),
        ReportColumn("rate", _("Share"), CellKind.SHARE),
        ReportColumn("below", pgettext_lazy("how many people", "Too little"), CellKind.NUMBER),
        ReportColumn("not_taken", pgettext_lazy("registers", "Not taken"), CellKind.NUMBER),
        ReportColumn("held", pgettext_lazy("lessons", "Held"), CellKind.NUMBER),
        ReportColumn("students", _("Students"), CellKind.NUMBER),
        ReportColumn("teachers", pgettext_lazy("of a course", "Teachers")),
        ReportColumn("term", _("Term")),
        ReportColumn("course_code", _("Code in the catalogue"), is_on_pages=False),
    ),
    query=_sections,
    order=("starts_on", "id"),
    cells=_cells,
    nothing=_("There is no course here. Choose another term, or show all."),
    chart=ChartPlan(
        share="rate",
        named_by=("section_code", "section_title"),
        words=_("Share of those who came, course by course: from %(least)s to %(most)s."),
    ),
    has_days=False,
    has_person=False,
    per_page=50,
)
