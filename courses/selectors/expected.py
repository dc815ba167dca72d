"""Who had to come to many lessons at once: rosters, closures and approved absences.

A fixed number of queries for any number of lessons.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from django.db.models import Q
from django.db.models.functions import Coalesce

from courses.models import Absence, Closure, Enrolment
from courses.selectors.covering import AbsentSpan, cover
from courses.vocabulary import AbsenceState, EnrolmentRole
from users.selectors import accounts_of_number, accounts_of_people, merged_ids, root_id

_FEW = 200
"""For more people, all absences of that time are read: fewer than the people who are asked for."""


class Meeting(NamedTuple):
    """A lesson of a section."""

    section_id: int
    on: date
    """The local day of its start, in the section's time zone."""
    starts_at: datetime
    ends_at: datetime


class Excuse(NamedTuple):
    """An approved absence, as far as a register tells of it."""

    absence_id: int
    label: str


class OnRoster(NamedTuple):
    """Somebody who is expected, under the number of their root account."""

    school_number: str
    full_name: str


def find_on_roster(*, section_id: int, on: date, school_number: str) -> OnRoster | None:
    """Who of a section's roster has this number on a day, or None; one query."""
    rows = Enrolment.objects.on(on).filter(
        section_id=section_id,
        role=EnrolmentRole.STUDENT,
        user__in=accounts_of_number(school_number),
    )
    number = Coalesce("user__merged_into__school_number", "user__school_number")
    name = Coalesce("user__merged_into__full_name", "user__full_name")
    found = rows.annotate(number=number, name=name).values_list("number", "name").first()
    return OnRoster(*found) if found else None


def closed_among(meetings: Iterable[Meeting]) -> set[Meeting]:
    """Those that fall into a closure, of their section or of the organisation; one query."""
    wanted = list(meetings)
    if not wanted:
        return set()
    days = [meeting.on for meeting in wanted]
    rows = Closure.objects.filter(
        Q(section=None) | Q(section_id__in={meeting.section_id for meeting in wanted}),
        starts_on__lte=max(days),
        ends_on__gt=min(days),
        reopened_at=None,
    )
    closures = list(rows.values_list("section_id", "starts_on", "ends_on"))
    return {
        meeting
        for meeting in wanted
        if any(
            section_id in {None, meeting.section_id} and starts_on <= meeting.on < ends_on
            for section_id, starts_on, ends_on in closures
        )
    }


def excuses_at(
    meetings: Mapping[Meeting, Sequence[int]],
) -> dict[tuple[Meeting, int], Excuse]:
    """The approved absence that covers each meeting for each of its users, the oldest one.

    `meetings` maps a meeting to the ids of the users in question; an absence of one account
    of a person covers every other. One query for all of them and one for the sections that
    the absences name.
    """
    user_ids = {user_id for ids in meetings.values() for user_id in ids}
    if not user_ids:
        return {}
    who = {"user__in": accounts_of_people(user_ids)} if len(user_ids) <= _FEW else {}
    rows = (
        Absence.objects.filter(
            **who,
            state=AbsenceState.APPROVED,
            starts_at__lt=max(meeting.ends_at for meeting in meetings),
            ends_at__gt=min(meeting.starts_at for meeting in meetings),
        )
        .select_related("reason")
        .prefetch_related("sections")
        .annotate(person=root_id("user"), merged=merged_ids("person"))
        .order_by("pk")
    )
    by_user: dict[int, list[Absence]] = defaultdict(list)
    for row in rows:
        for user_id in user_ids.intersection((row.person, *row.merged)):
            by_user[user_id].append(row)
    found = {
        (meeting, user_id): _first_that_covers(meeting, by_user[user_id])
        for meeting, ids in meetings.items()
        for user_id in ids
        if user_id in by_user
    }
    return {key: Excuse(row.pk, row.reason.label) for key, row in found.items() if row is not None}


def _first_that_covers(meeting: Meeting, absences: Iterable[Absence]) -> Absence | None:
    """The absence that holds all of a meeting, or the first of those that do so together."""
    of_section = {row.pk: row for row in absences if _is_of(meeting.section_id, row)}
    covering = cover(
        [AbsentSpan(row.pk, row.starts_at, row.ends_at) for row in of_section.values()],
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
    )
    return of_section[covering[0].absence_id] if covering else None


def _is_of(section_id: int, absence: Absence) -> bool:
    named = (section.pk for section in absence.sections.all())
    return absence.is_for_all_sections or section_id in named
