"""Whether somebody has to come at all: approved absences, and days without lessons."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

from django.db.models import Q

from courses.models import Absence, Closure
from courses.vocabulary import AbsenceState, Effect
from users.selectors import accounts_of_people, merged_ids, root_id


class CoveringAbsence(NamedTuple):
    absence_id: int
    starts_at: datetime
    ends_at: datetime
    reason_code: str
    reason_label: str
    effect: Effect


def absences_covering(
    *, section_id: int, starts_at: datetime, ends_at: datetime, user_ids: Iterable[int]
) -> dict[int, list[CoveringAbsence]]:
    """The approved absences of each user that cover a lesson of a section.

    Those that hold all of it, [starts_at, ends_at), the oldest first; where there is none,
    those that cover it together, without a gap, in the order of time. One query for all
    users; whoever is not covered is not in the answer. An absence of one account of a person
    is of every account.
    """
    asked = set(user_ids)
    named = Absence.sections.through.objects.filter(section_id=section_id)
    rows = (
        Absence.objects.filter(
            Q(is_for_all_sections=True) | Q(pk__in=named.values("absence_id")),
            state=AbsenceState.APPROVED,
            user__in=accounts_of_people(asked),
            starts_at__lte=ends_at,
            ends_at__gte=starts_at,
        )
        .select_related("reason")
        .annotate(person=root_id("user"), merged=merged_ids("person"))
        .order_by("pk")
    )
    found: dict[int, list[CoveringAbsence]] = defaultdict(list)
    for row in rows:
        for user_id in asked.intersection((row.person, *row.merged)):
            found[user_id].append(as_covering(row))
    covering = {
        user_id: cover(absences, starts_at=starts_at, ends_at=ends_at)
        for user_id, absences in found.items()
    }
    return {user_id: absences for user_id, absences in covering.items() if absences}


def cover(
    absences: Sequence[CoveringAbsence], *, starts_at: datetime, ends_at: datetime
) -> list[CoveringAbsence]:
    """Those of one person's absences that cover a time, as `absences_covering` says."""
    whole = [each for each in absences if each.starts_at <= starts_at and ends_at <= each.ends_at]
    if whole:
        return whole
    parts, covered = [], starts_at
    for each in sorted(absences, key=lambda each: (each.starts_at, each.absence_id)):
        if each.starts_at <= covered < min(each.ends_at, ends_at):
            parts.append(each)
            covered = each.ends_at
    return parts if covered >= ends_at else []


def as_covering(row: Absence) -> CoveringAbsence:
    return CoveringAbsence(
        absence_id=row.pk,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        reason_code=row.reason.code,
        reason_label=row.reason.label,
        effect=Effect(row.reason.effect),
    )


def closed_on(*, section_ids: Iterable[int], on: date) -> dict[int, list[Closure]]:
    """The closures of each section on a day, its own and those of the organisation; one query."""
    wanted = list(section_ids)
    rows = list(
        Closure.objects.filter(
            Q(section=None) | Q(section_id__in=wanted),
            starts_on__lte=on,
            ends_on__gt=on,
            reopened_at=None,
        ).order_by("starts_on", "pk")
    )
    return {
        section_id: [row for row in rows if row.section_id in {None, section_id}]
        for section_id in wanted
    }
