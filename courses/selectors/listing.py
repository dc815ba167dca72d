"""Sections as lists show them: what somebody is in each, who teaches it, how many learn there."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

import msgspec
from django.db.models import CharField, Count, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, Concat, LPad

from courses import rules
from courses.models import Enrolment, Section
from courses.selectors.rosters import STRONGEST_FIRST
from courses.selectors.sections import ids_by_day, roles_in_each, sections_at
from courses.vocabulary import EnrolmentRole
from users.identity import Role
from users.models import User
from users.selectors import root_id


class Teacher(NamedTuple):
    school_number: str
    full_name: str


class SectionView(msgspec.Struct, frozen=True, kw_only=True):
    """A section on a day, as one of its people sees it."""

    section: Section
    my_role: EnrolmentRole | None
    """The strongest one that the reader has; None for staff without any."""
    teachers: Sequence[Teacher]
    student_total: int | None
    """None for those who do not see its roster."""
    may_run: bool
    may_set_policy: bool
    may_import: bool
    """Whether a roster may be uploaded; an archived section takes none."""
    is_running: bool
    """Whether the day is one of the section's."""

    @property
    def teacher_total(self) -> int:
        return len(self.teachers)


class SectionFilter(msgspec.Struct, frozen=True, kw_only=True):
    term_id: int | None = None
    is_archived: bool | None = None
    search: str = ""


def sections_seen_by(*, user: User, at: datetime, criteria: SectionFilter) -> QuerySet[Section]:
    """The sections that somebody finds in their list: staff all, others those of their day."""
    rows = Section.objects.select_related("term", "course", "policy")
    if user.role != Role.STAFF:
        own = sections_at(user_id=user.pk, at=at)
        rows = rows.filter(pk__in=[held.section.pk for held in own])
    if criteria.term_id is not None:
        rows = rows.filter(term_id=criteria.term_id)
    if criteria.is_archived is not None:
        rows = rows.filter(archived_at__isnull=not criteria.is_archived)
    if text := criteria.search:
        rows = rows.filter(Q(title__found=text) | Q(code__found=text) | Q(course__code__found=text))
    return rows


def view_sections(sections: Iterable[Section], *, user: User, at: datetime) -> list[SectionView]:
    """Each section with its people on its local day: a fixed number of queries for all."""
    rows = list(sections)
    days = ids_by_day(rows, at=at)
    held = roles_in_each(rows, user=user, at=at)
    teachers, students = _teachers(days), _student_totals(days)
    person = user.as_person()
    views = []
    for section in rows:
        roles = held[section.pk]
        may_run = rules.may_teach(person, roles)
        views.append(
            SectionView(
                section=section,
                my_role=next((role for role in STRONGEST_FIRST if role in roles), None),
                teachers=teachers[section.pk],
                student_total=students.get(section.pk, 0) if may_run else None,
                may_run=may_run,
                may_set_policy=rules.may_delete(person, roles),
                may_import=rules.may_import(person, roles) and not section.is_archived,
                is_running=section.starts_on <= section.local_date(at) < section.ends_on,
            )
        )
    return views


def view_section(section: Section, *, user: User, at: datetime) -> SectionView:
    """One section, as `view_sections` shows it."""
    return view_sections([section], user=user, at=at)[0]


def people_of(*, section_id: int, on: date, search: str = "") -> QuerySet[Any]:
    """Who belongs to a section on a day, once in each role, with `place` to page by.

    `number` and `name` are those of the person, whichever of their accounts is enrolled. By
    number; `search` is a part of a number or of a name.
    """
    rows = _with_person(Enrolment.objects.on(on).filter(section_id=section_id))
    twin = _with_person(Enrolment.objects.on(on).filter(section_id=section_id)).filter(
        _comes_before(), person=OuterRef("person"), role=OuterRef("role")
    )
    rows = rows.filter(~Exists(twin))
    if search:
        rows = rows.filter(Q(number__found=search) | Q(name__found=search))
    found: QuerySet[Any] = rows.annotate(place=_place()).order_by("place")
    return found


def _with_person(rows: QuerySet[Any]) -> QuerySet[Any]:
    found: QuerySet[Any] = rows.annotate(
        person=root_id("user"),
        number=Coalesce("user__merged_into__school_number", "user__school_number"),
        name=Coalesce("user__merged_into__full_name", "user__full_name"),
    )
    return found


def _comes_before() -> Q:
    """Of two enrolments in one role: the one in charge, else the first."""
    return Q(is_primary=True) & ~Q(is_primary=OuterRef("is_primary")) | Q(
        is_primary=OuterRef("is_primary"), pk__lt=OuterRef("pk")
    )


def _place() -> Concat:
    """No two rows have the same: somebody can be in a section in two roles."""
    row_id = LPad(Cast("pk", CharField()), 19, Value("0"))
    return Concat("number", Value(" "), row_id, output_field=CharField())


def _teachers(days: Mapping[date, list[int]]) -> dict[int, list[Teacher]]:
    """Each teacher once, those in charge first."""
    found: dict[int, dict[int, Teacher]] = defaultdict(dict)
    rows = _with_person(Enrolment.objects.filter(_of_the_day(days), role=EnrolmentRole.TEACHER))
    rows = rows.order_by("-is_primary", "name", "person")
    for section_id, person, *who in rows.values_list("section_id", "person", "number", "name"):
        found[section_id].setdefault(person, Teacher(*who))
    return defaultdict(list, {pk: list(people.values()) for pk, people in found.items()})


def _student_totals(days: Mapping[date, list[int]]) -> dict[int, int]:
    rows = Enrolment.objects.filter(_of_the_day(days), role=EnrolmentRole.STUDENT)
    people = Count(root_id("user"), distinct=True)
    return dict(rows.order_by().values_list("section_id").annotate(n=people))


def _of_the_day(days: Mapping[date, list[int]]) -> Q:
    covering = (
        Q(section_id__in=ids, begins_on__lte=day) & (Q(ends_on=None) | Q(ends_on__gt=day))
        for day, ids in days.items()
    )
    return reduce(or_, covering, Q(pk__in=()))
