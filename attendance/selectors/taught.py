"""The sections that somebody teaches: those of today, the likely one, and those whose lessons
they see."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from attendance.rules.permissions import TEACHES
from attendance.selectors.lessons import LessonFilter, list_lessons
from attendance.selectors.paging import Page, Slice
from attendance.selectors.section_lessons import usual_now
from attendance.selectors.shapes import LessonView
from courses.models import Enrolment, Section
from courses.selectors.sections import DaysRun, sections_at
from users.identity import Person, Role
from users.selectors import accounts_of_number, find_account


class Taught(NamedTuple):
    """What somebody may start a lesson of now."""

    sections: Sequence[Section] = ()
    likely_id: int | None = None
    """The one that is meant where nothing is said; None where that is not clear."""


def taught_now(person: Person, *, at: datetime) -> Taught:
    """The sections that somebody teaches or assists in today; archived ones are left out.

    The likely one is the only one, or else the one whose lessons of the last weeks began nearest
    to this time of the week. At most five queries.
    """
    user = find_account(person.school_number)
    held = sections_at(user_id=user.pk, at=at) if user else ()
    sections = [each.section for each in held if each.role in TEACHES and _runs(each.section, at)]
    if len(sections) == 1:
        return Taught(sections, sections[0].pk)
    usual = usual_now(sections, at=at) if sections else []
    return Taught(sections, usual[0] if usual else None)


def _runs(section: Section, at: datetime) -> bool:
    return section.starts_on <= section.local_date(at) < section.ends_on


def lessons_seen_by(
    person: Person, part: Slice, *, numbers: tuple[str, ...], search: str = ""
) -> Page[LessonView]:
    """The lessons that somebody started, and those of their sections on days when they ran them.

    `numbers` are all that the person has or had, as `Caller.numbers`. Staff see all. Raises
    LiveStoreUnavailable.
    """
    if person.role is Role.STAFF:
        return list_lessons(LessonFilter(search=search), part)
    days = _days_run(person)
    criteria = LessonFilter(numbers, section_ids=frozenset(days), search=search)
    page = list_lessons(criteria, part)
    return page._replace(items=[x for x in page.items if _is_seen(x, numbers, days)])


def _days_run(person: Person) -> Mapping[int, Sequence[DaysRun]]:
    rows = Enrolment.objects.came_about().filter(
        user__in=accounts_of_number(person.school_number), role__in=TEACHES
    )
    days: dict[int, list[DaysRun]] = defaultdict(list)
    for section_id, begins_on, ends_on in rows.values_list("section_id", "begins_on", "ends_on"):
        days[section_id].append(DaysRun(begins_on, ends_on))
    return days


def _is_seen(
    lesson: LessonView, numbers: tuple[str, ...], days: Mapping[int, Sequence[DaysRun]]
) -> bool:
    if lesson.teacher.school_number in numbers or lesson.section is None:
        return True
    spans = days.get(lesson.section.id, ())
    return any(span.covers(lesson.section.held_on) for span in spans)
