"""When people were last seen, and what they have missed since: of what a share says nothing."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, Final

from django.db import connection
from django.db.models import Max

from attendance.models import Attendance
from attendance.rules.figures import HERE, in_a_row
from reports import statements
from reports.models import SectionTotal

LOOKED_BACK: Final = (10, 60, 300)
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

    Most have been there lately, so the last days are read first, and earlier ones only of whoever
    is not found in them: two queries more than `looked_back` has bounds, at most.
    """
    rows, absent = dict.fromkeys(user_ids, 0), set(user_ids)
    for first, last in _spans(section_id, looked_back):
        statuses: dict[int, list[str]] = {user_id: [] for user_id in absent}
        for user_id, status in _marks(section_id, absent, first, last):
            statuses[user_id].append(status)
        for user_id, found in statuses.items():
            rows[user_id] += in_a_row(found)
        absent -= {user_id for user_id, found in statuses.items() if not HERE.isdisjoint(found)}
        if not absent:
            break
    return rows


def _spans(section_id: int, looked_back: Sequence[int]) -> Iterator[tuple[date, date]]:
    """The first and the last day of parts of the term, the latest part first, each longer."""
    held = Attendance.objects.kept().filter(section=section_id, not_held_at=None)
    days = list(held.order_by("-held_on").values_list("held_on", flat=True).distinct())
    begin = 0
    for end in (*looked_back, len(days)):
        if part := [day for day in days[begin:end] if day is not None]:
            yield part[-1], part[0]
        begin = end


def _marks(
    section_id: int, user_ids: Iterable[int], first: date, last: date
) -> list[tuple[int, str]]:
    days = {"first": first, "last": last}
    values: dict[str, Any] = {"section": section_id, "users": list(user_ids), **days}
    with connection.cursor() as cursor:
        cursor.execute(statements.MARKS_BETWEEN, values)
        found: list[tuple[int, str]] = cursor.fetchall()
        return found
