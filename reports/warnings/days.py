"""Who is to be warned of days without attendance, in whatever section they were last seen."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from attendance.rules.figures import HERE
from reports.vocabulary import WarningKind
from reports.warnings import statements
from reports.warnings.judging import Judged, PersonToWarn


def judge(
    *, at: datetime, users: Sequence[int] | None = None, sections: Sequence[int] | None = None
) -> Judged:
    """Of these people, or in these sections, else of all; whoever is on the roster today."""
    values: dict[str, Any] = {
        "at": at,
        "here": list(HERE),
        "users": None if users is None else list(users),
        "sections": None if sections is None else list(sections),
    }
    with connection.cursor() as cursor:
        cursor.execute(statements.DAYS, values)
        found = [
            PersonToWarn(
                section_id, user_id, policy_id, {"days": days, "last_on": last and str(last)}
            )
            for section_id, user_id, policy_id, days, last in cursor.fetchall()
        ]
    return Judged(
        WarningKind.DAYS_WITHOUT,
        found,
        sections=frozenset(sections or ()),
        users=frozenset(users or ()),
        is_of_all=users is None and sections is None,
    )
