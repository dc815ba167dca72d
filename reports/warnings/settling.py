"""Open what has to be open, retract what has not, and let it be told: in one transaction."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from reports.vocabulary import Because
from reports.warnings import statements, telling
from reports.warnings.judging import Judged


class SettlingCause(NamedTuple):
    because: Because
    at: datetime


def settle(judged: Sequence[Judged], cause: SettlingCause) -> int:
    """Returns how many warnings were opened and retracted."""
    retracted: list[int] = []
    raised: list[int] = []
    for each in judged:
        retracted += _write(statements.RETRACT, each, cause)
        if each.found:
            raised += _write(statements.RAISE, each, cause)
    telling.tell(raised=raised, retracted=retracted, at=cause.at)
    return len(raised) + len(retracted)


def _write(sql: str, judged: Judged, cause: SettlingCause) -> list[int]:
    values: dict[str, Any] = {
        "kind": judged.kind.value,
        "sections": None if judged.sections is None else list(judged.sections),
        "users": None if judged.users is None else list(judged.users),
        "of_sections": [each.section_id for each in judged.found],
        "of_users": [each.user_id for each in judged.found],
        "policies": [each.policy_id for each in judged.found],
        "figures": [json.dumps(each.figures) for each in judged.found],
        "at": cause.at,
        "because": cause.because.value,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [pk for (pk,) in cursor.fetchall()]
