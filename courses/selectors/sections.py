"""Which sections somebody belongs to now, and which of them is meant."""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from courses import rules
from courses.errors import SectionAmbiguous, SectionArchived, SectionNotFound
from courses.models import Enrolment, Section
from courses.selectors.rosters import SectionOfUser, roles_in, sections_of
from users.identity import Role, folded
from users.models import User
from users.selectors import accounts_query

_ID: Final = re.compile(r"(?P<mark>#?)(?P<id>[1-9][0-9]{0,17})", re.ASCII)
_FARTHEST: Final = (timedelta(hours=-12), timedelta(0), timedelta(hours=14))
"""From UTC: no clock on earth shows another day than with one of these."""


class DaysRun(NamedTuple):
    """Days on which somebody runs a section; the end is exclusive, None where it is open."""

    begins_on: date
    ends_on: date | None

    def covers(self, day: date) -> bool:
        return self.begins_on <= day and (self.ends_on is None or day < self.ends_on)


def sections_at(*, user_id: int, at: datetime) -> list[SectionOfUser]:
    """The sections to which somebody belongs at an instant, as `sections_of` gives them.

    The day is the local one of each section. At most three queries.
    """
    days = {(at.astimezone(UTC) + offset).date() for offset in _FARTHEST}
    return [
        held
        for day in sorted(days)
        for held in sections_of(user_id=user_id, on=day)
        if held.section.local_date(at) == day
    ]


def roles_at(section_id: int, *, user: User, at: datetime) -> set[str]:
    """The roles that somebody has in a section on its local day. Raises SectionNotFound."""
    return roles_in_each([find_section_by_id(section_id)], user=user, at=at)[section_id]


def roles_in_each(sections: Iterable[Section], *, user: User, at: datetime) -> dict[int, set[str]]:
    """The roles that somebody has in each section on its local day; at most three queries."""
    held: dict[int, set[str]] = {}
    for day, ids in ids_by_day(sections, at=at).items():
        held |= roles_in(user_id=user.pk, section_ids=ids, on=day)
    return held


def section_of(section_id: int, *, user: User, at: datetime) -> Section:
    """The section, for whoever belongs to it now and for staff. Raises SectionNotFound."""
    section = find_section_by_id(section_id)
    roles = roles_in_each([section], user=user, at=at)[section.pk]
    if not roles and user.role != Role.STAFF:
        raise SectionNotFound
    return section


def section_run_by(section_id: int, *, user: User, at: datetime) -> Section:
    """The section, for whoever may see its roster now; archived ones too.

    Raises SectionNotFound, and NotYourSection for those who belong to it and do not teach it.
    """
    section = find_section_by_id(section_id)
    roles = roles_in_each([section], user=user, at=at)[section.pk]
    rules.check_may_see_roster(user.as_person(), roles)
    return section


def section_ruled_by(section_id: int, *, user: User, at: datetime) -> Section:
    """The section, for whoever may set its rules now. Raises as `section_run_by`."""
    section = find_section_by_id(section_id)
    roles = roles_in_each([section], user=user, at=at)[section.pk]
    rules.check_may_set_policy(user.as_person(), roles)
    return section


def days_run(*, section_id: int, user: User) -> list[DaysRun]:
    """The days on which somebody has run a section or will, by their enrolments; one query."""
    rows = Enrolment.objects.came_about().filter(
        section_id=section_id, user__in=accounts_query(user.pk), role__in=rules.TEACHES
    )
    days = rows.order_by("begins_on").values_list("begins_on", "ends_on")
    return [DaysRun(*each) for each in days]


def ids_by_day(sections: Iterable[Section], *, at: datetime) -> dict[date, list[int]]:
    """The ids of sections by the day on which an instant is there: at most three days."""
    days: dict[date, list[int]] = defaultdict(list)
    for section in sections:
        days[section.local_date(at)].append(section.pk)
    return dict(days)


def find_section_by_id(section_id: int) -> Section:
    """The section, whoever asks. Raises SectionNotFound."""
    rows = Section.objects.select_related("term", "course", "parent", "policy")
    found = rows.filter(pk=section_id).first()
    if found is None:
        raise SectionNotFound
    return found


def find_section(*, key: str, user: User, on: date) -> Section:
    """The section that somebody means by its id or its code, of those that they may run.

    Teachers and assistants run what they are enrolled in on the day, staff all that
    is not archived. `on` is that day, or an instant: then the day on which it is
    where each section is taught. Letter case does not matter in a code. `#` before
    an id says that it is no code. Where several have the code, those whose days
    include this one come first.

    Raises SectionNotFound, SectionArchived where it was archived meanwhile, and
    SectionAmbiguous where it is not clear which one is meant.
    """
    found = [section for section in _sections_run(user, on) if _is_named(section, key)]
    if not found and any(_is_named(section, key) for section in _archived_of(user)):
        raise SectionArchived
    running = [section for section in found if _has_day(section, on)]
    return _only(key, running or found)


def _archived_of(user: User) -> Iterable[Section]:
    """The archived sections that somebody has run: asked for only where nothing else is found."""
    archived = Section.objects.exclude(archived_at=None)
    if user.role == Role.STAFF:
        return archived.iterator()
    mine = Enrolment.objects.filter(user__in=accounts_query(user.pk), role__in=rules.TEACHES)
    return archived.filter(pk__in=mine.values("section"))


def _sections_run(user: User, on: date) -> Iterable[Section]:
    if user.role == Role.STAFF:
        # Compared in Python: what a server takes for the same letter depends on its locale.
        return Section.objects.kept().select_related("term", "policy").order_by("pk").iterator()
    held = (
        sections_at(user_id=user.pk, at=on)
        if isinstance(on, datetime)
        else sections_of(user_id=user.pk, on=on)
    )
    person = user.as_person()
    return [mine.section for mine in held if rules.may_teach(person, [mine.role])]


def _is_named(section: Section, key: str) -> bool:
    wanted = folded(key)
    match = _ID.fullmatch(wanted)
    if match and int(match["id"]) == section.pk:
        return True
    return bool(wanted) and not (match and match["mark"]) and folded(section.code) == wanted


def _has_day(section: Section, on: date) -> bool:
    day = section.local_date(on) if isinstance(on, datetime) else on
    return section.starts_on <= day < section.ends_on


def _only(key: str, found: list[Section]) -> Section:
    if not found:
        raise SectionNotFound
    if len(found) > 1:
        ids = sorted(section.pk for section in found)
        raise SectionAmbiguous(key=key, ids=", ".join(f"#{pk}" for pk in ids))
    return found[0]


def term_end(section_id: int) -> datetime | None:
    """The instant at which the term of a section is over, by its own clock; None without one."""
    found = Section.objects.filter(pk=section_id).values_list("term__ends_on", "time_zone").first()
    if found is None:
        return None
    ends_on, zone = found
    return datetime.combine(ends_on, time(), ZoneInfo(zone))
