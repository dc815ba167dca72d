"""When people were last seen, and what they have missed since: of what a share says nothing."""

from collections.abc import Iterable
from datetime import date

from django.db import connection
from django.db.models import Max

from attendance.rules.figures import HERE, in_a_row
from reports.models import SectionTotal
from reports.totals import statements


def last_attended(user_ids: Iterable[int]) -> dict[int, date]:
    """The last day on which each person came to a lesson of any section; nobody who never did.

    By the ids of root accounts; one query, of totals alone.
    """
    rows = SectionTotal.objects.filter(user__in=list(user_ids), status__in=HERE)
    return dict(rows.values_list("user").annotate(last=Max("last_on")).order_by())


def missed_in_a_row(section_id: int, user_ids: Iterable[int]) -> dict[int, int]:
    """How many lessons each person has missed since they last came to one of this section."""
    statuses: dict[int, list[str]] = {user_id: [] for user_id in user_ids}
    with connection.cursor() as cursor:
        cursor.execute(
            f"{statements.MARKS} ORDER BY starts_at DESC, lesson_id DESC",
            {"section": section_id, "users": list(statuses)},
        )
        for user_id, status, *_ in cursor.fetchall():
            statuses[user_id].append(status)
    return {user_id: in_a_row(found) for user_id, found in statuses.items()}
