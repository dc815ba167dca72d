"""Who may read which report, and what of it: from what was asked to a scope.

    staff              every lesson, or one course, or one person
    teacher            the courses that they teach today, or one of them; people in these
    assistant          the pages of one course that they run today, and no files
    student            their own marks, in all courses or in one

Whoever runs a course today sees the whole of it: who takes a course over has to know what was
before. The lessons themselves stay with those who ran them.
"""

from collections.abc import Collection
from datetime import date, datetime
from typing import Final, NamedTuple

from django.conf import settings

from attendance.rules.permissions import TEACHES
from courses import rules
from courses.errors import CourseNotFound, NotYourSection, SectionNotFound
from courses.models import Course, Section
from courses.selectors.sections import find_section_by_id, roles_in_each, sections_at
from reports.errors import InvalidDays, ReportNotFound, SectionNeeded
from reports.listed import LISTED
from reports.listed.courses import COURSES
from reports.listed.missed import MISSED
from reports.report import CASES, PEOPLE, PERSON, REGISTER, Heading, Report
from reports.scope import Scope
from users.errors import PersonNotFound
from users.errors import gettext_noop as _
from users.identity import Role, canonical_school_number
from users.models import User
from users.selectors import accounts_of, accounts_of_number

FIRST_DAY: Final = date(1970, 1, 2)
LAST_DAY: Final = date(9998, 12, 30)
"""Days around which every clock on earth still has a day before and a day after."""

OWN = "marks"
"""The one report that students have: of themselves."""


class ReportFilter(NamedTuple):
    """What a reader chooses; nothing is checked yet."""

    section_id: int | None = None
    group_id: int | None = None
    """A group of this section, which is a section of its own: it is read in its place."""
    person: str = ""
    """A school number."""
    term_id: int | None = None
    component: str | None = None
    course: str = ""
    """The code of an entry of the catalogue; letter case does not matter."""
    first_on: date | None = None
    last_on: date | None = None


class ReportView(NamedTuple):
    """What a reader gets."""

    scope: Scope
    section: Section | None
    """The group, where one is chosen."""
    is_own: bool
    """Whether a student reads about themselves."""
    may_take_files: bool
    lecture_id: int | None = None
    """The section whose groups can be chosen, also where one of them is."""


def groups_of(found: ReportView, *, user: User, at: datetime) -> list[Section]:
    """The groups of a course that its reader may see as well; at most four queries."""
    if found.is_own or found.lecture_id is None:
        return []
    groups = list(Section.objects.filter(parent=found.lecture_id).order_by("code", "title", "pk"))
    roles = roles_in_each(groups, user=user, at=at) if groups else {}
    person = user.as_person()
    return [each for each in groups if rules.may_teach(person, roles[each.pk])]


def reports_of(found: ReportView) -> list[Report | Heading]:
    """The reports that a reader can choose from: of one course none that puts several together."""
    if found.is_own:
        return [LISTED[OWN], PERSON]
    if found.section is None:
        return [*LISTED.values(), CASES, PERSON]
    of_many = (COURSES.key, MISSED.key)
    listed = [report for key, report in LISTED.items() if key not in of_many]
    return [REGISTER, PEOPLE, *listed, CASES, PERSON]


def ask(asked: ReportFilter, *, user: User, at: datetime) -> ReportView:
    """What somebody sees in reports.

    Raises SectionNotFound, SectionNeeded for a group of none, NotYourSection, InvalidDays,
    InvalidSchoolNumber, PersonNotFound and CourseNotFound.
    """
    if asked.first_on and asked.last_on and asked.first_on > asked.last_on:
        raise InvalidDays
    section, roles = _section(asked, user, at)
    is_own = user.role == Role.STUDENT and TEACHES.isdisjoint(roles)
    if not is_own and section is not None:
        rules.check_may_see_roster(user.as_person(), roles)
    return ReportView(
        scope=Scope(
            section_ids=_section_ids(section, user, at, is_own=is_own),
            account_ids=accounts_of(user.pk) if is_own else accounts_of_person(asked.person),
            term_id=asked.term_id,
            component=asked.component,
            course_id=_course_id(asked.course),
            first_on=asked.first_on,
            last_on=asked.last_on,
            at=at,
            time_zone=section.time_zone if section else settings.TIME_ZONE,
        ),
        section=section,
        is_own=is_own,
        lecture_id=asked.section_id,
        may_take_files=is_own or section is None or rules.may_delete(user.as_person(), roles),
    )


def find_report(key: str, found: ReportView) -> Report:
    """Raises ReportNotFound, also for a report that the reader does not have."""
    if key not in LISTED or (found.is_own and key != OWN):
        raise ReportNotFound
    return LISTED[key]


def check_has_register(found: ReportView) -> Section:
    """The course. Raises ReportNotFound for a student, and SectionNeeded where none is chosen."""
    if found.is_own:
        raise ReportNotFound
    if found.section is None:
        raise SectionNeeded
    return found.section


def check_may_take_files(found: ReportView) -> None:
    """Raises NotYourSection for an assistant."""
    if not found.may_take_files:
        raise NotYourSection(_("An assistant takes no files. Ask the teacher of the course."))


def _section(
    asked: ReportFilter, user: User, at: datetime
) -> tuple[Section | None, Collection[str]]:
    if asked.section_id is None:
        if asked.group_id is not None:
            raise SectionNeeded
        return None, ()
    section = find_section_by_id(asked.group_id or asked.section_id)
    if asked.group_id is not None and section.parent_id != asked.section_id:
        raise SectionNotFound
    return section, roles_in_each([section], user=user, at=at)[section.pk]


def _section_ids(
    section: Section | None, user: User, at: datetime, *, is_own: bool
) -> frozenset[int] | None:
    if section is not None:
        return frozenset({section.pk})
    if is_own or user.role == Role.STAFF:
        return None
    held = sections_at(user_id=user.pk, at=at)
    return frozenset(each.section.pk for each in held if each.role in rules.MAY_DELETE)


def _course_id(code: str) -> int | None:
    """The entry of the catalogue with a code; None where none is given. Raises CourseNotFound."""
    if not code:
        return None
    found: int | None = (
        Course.objects.filter(code__iexact=code)
        .order_by("code")
        .values_list("pk", flat=True)
        .first()
    )
    if found is None:
        raise CourseNotFound(
            _("No course of the catalogue has this code. Change it, or leave it out.")
        )
    return found


def accounts_of_person(person: str) -> frozenset[int] | None:
    """All accounts of whoever has or had a number; None where none is given.

    Raises InvalidSchoolNumber and PersonNotFound.
    """
    if not person:
        return None
    number = canonical_school_number(person)
    found = frozenset(accounts_of_number(number).values_list("pk", flat=True))
    if not found:
        raise PersonNotFound(number=number)
    return found
