"""Sections as lists show them: what somebody is in each, who teaches it, how many learn there."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import reduce
from operator import or_

import msgspec
from django.db.models import CharField, Count, Q, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, Concat, LPad

from courses import rules
from courses.models import Enrolment, Section
from courses.selectors.rosters import STRONGEST_FIRST, RosterEntry
from courses.selectors.sections import ids_by_day, roles_in_each, sections_at
from courses.vocabulary import EnrolmentRole
from users.identity import Role, search_pattern
from users.models import User
from users.selectors import root_id


class SectionView(msgspec.Struct, frozen=True, kw_only=True):
    """A section on a day, as one of its people sees it."""

    section: Section
    my_role: EnrolmentRole | None
    """The strongest one that the reader has; None for staff without any."""
    teachers: Sequence[RosterEntry]
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
    pattern = search_pattern(criteria.search)
    if pattern:
        rows = rows.filter(
            Q(title__regex=pattern) | Q(code__regex=pattern) | Q(course__code__regex=pattern)
        )
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


def people_of(*, section_id: int, on: date, search: str = "") -> QuerySet[Enrolment]:
    """Who belongs to a section on a day, in every role, with `place` to page by.

    By school number; `search` is a part of a number or of a name.
    """
    rows = Enrolment.objects.on(on).filter(section_id=section_id).select_related("user")
    pattern = search_pattern(search)
    if pattern:
        rows = rows.filter(
            Q(user__school_number__regex=pattern) | Q(user__full_name__regex=pattern)
        )
    return rows.annotate(place=_place()).order_by("place")


def _place() -> Concat:
    """No two rows have the same: somebody can be in a section in two roles."""
    row_id = LPad(Cast("pk", CharField()), 19, Value("0"))
    return Concat("user__school_number", Value(" "), row_id, output_field=CharField())


def _teachers(days: Mapping[date, list[int]]) -> dict[int, list[RosterEntry]]:
    """Each teacher once, those in charge first."""
    found: dict[int, dict[int, RosterEntry]] = defaultdict(dict)
    rows = (
        Enrolment.objects.filter(_of_the_day(days), role=EnrolmentRole.TEACHER)
        .order_by("-is_primary", "user__full_name", "user_id")
        .values_list(
            "section_id", root_id("user"), _of_root("school_number"), _of_root("full_name")
        )
    )
    for section_id, person_id, number, name in rows:
        entry = RosterEntry(person_id, number, name, (number,), (person_id,))
        found[section_id].setdefault(person_id, entry)
    return defaultdict(list, {pk: list(people.values()) for pk, people in found.items()})


def _of_root(field: str) -> Coalesce:
    return Coalesce(f"user__merged_into__{field}", f"user__{field}")


def _student_totals(days: Mapping[date, list[int]]) -> dict[int, int]:
    rows = Enrolment.objects.filter(_of_the_day(days), role=EnrolmentRole.STUDENT)
    people = Count(root_id("user"), distinct=True)
    counted = rows.order_by().values_list("section_id").annotate(n=people)
    return dict(counted)


def _of_the_day(days: Mapping[date, list[int]]) -> Q:
    covering = (
        Q(section_id__in=ids, begins_on__lte=day) & (Q(ends_on=None) | Q(ends_on__gt=day))
        for day, ids in days.items()
    )
    return reduce(or_, covering, Q(pk__in=()))
