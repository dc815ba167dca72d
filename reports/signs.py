"""When people were last seen, and what they have missed since: of what a share says nothing."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from django.db import connection
from django.db.models import Max

from attendance.models import Attendance
from attendance.rules.figures import HERE, in_a_row
from reports import statements
from reports.models import SectionTotal

LOOKED_BACK: Final = (2, 60, 300)
"""Days with lessons, by which a row of missed ones is looked for."""


def last_attended(user_ids: Iterable[int]) -> dict[int, date]:
    """The last day on which each person came to a lesson of any section; nobody who never did.

    By the ids of root accounts; one query, of totals alone.
    """
    rows = SectionTotal.objects.filter(user__in=list(user_ids), status__in=HERE)
    return dict(rows.values_list("user").annotate(last=Max("last_on")).order_by())


def missed_in_a_row(
    section_id: int, user_ids: Iterable[int], *, looked_back: Sequence[int] = LOOKED_BACK
) -> dict[int, int]:
    """How many lessons each person has missed since they last came to one of this section.

    As many queries as `rows_of_sections` makes.
    """
    found = rows_of_sections({section_id: list(user_ids)}, looked_back=looked_back)
    return {user_id: row for (_, user_id), row in found.items()}


def rows_of_sections(
    people: Mapping[int, Sequence[int]], *, looked_back: Sequence[int] = LOOKED_BACK
) -> dict[tuple[int, int], int]:
    """How many lessons each person has missed in a row, by section and person.

    Most have been there lately, so the last days are read first, and earlier ones only of whoever
    is not found in them: two queries more than `looked_back` has bounds, at most, for any number
    of sections.
    """
    rows = {(pk, user_id): 0 for pk, users in people.items() for user_id in users}
    absent, held = set(rows), _days_held(people) if rows else {}
    begin: int | None = 0
    for end in (*looked_back, None):
        spans = {pk: days[begin:end] for pk, days in held.items() if days[begin:end]}
        begin = end
        asked = [key for key in absent if key[0] in spans]
        if not asked:
            continue
        statuses: dict[tuple[int, int], list[str]] = {key: [] for key in asked}
        for section_id, user_id, status in _marks(asked, spans):
            statuses[section_id, user_id].append(status)
        for key, found in statuses.items():
            rows[key] += in_a_row(found)
        absent -= {key for key, found in statuses.items() if not HERE.isdisjoint(found)}
    return rows


def _days_held(sections: Iterable[int]) -> dict[int, list[date]]:
    """The days with lessons of each section, the latest first."""
    lessons = Attendance.objects.kept().filter(section__in=list(sections), not_held_at=None)
    rows = lessons.order_by("section_id", "-held_on").values_list("section_id", "held_on")
    found: dict[int, list[date]] = defaultdict(list)
    for section_id, day in rows.distinct():
        if section_id is not None and day is not None:
            found[section_id].append(day)
    return found


def _marks(
    asked: Sequence[tuple[int, int]], spans: Mapping[int, Sequence[date]]
) -> list[tuple[int, int, str]]:
    """Marks of these people in the span of days of their section, latest first."""
    values: dict[str, Any] = {
        "of_sections": [section_id for section_id, _ in asked],
        "of_users": [user_id for _, user_id in asked],
        "sections": list(spans),
        "first": [days[-1] for days in spans.values()],
        "last": [days[0] for days in spans.values()],
    }
    with connection.cursor() as cursor:
        cursor.execute(statements.MARKS_BETWEEN, values)
        found: list[tuple[int, int, str]] = cursor.fetchall()
        return found
