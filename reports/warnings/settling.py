"""Open what has to be open, retract what has not, and let it be told: in one transaction."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from reports.vocabulary import Because
from reports.warnings import statements, telling
from reports.warnings.judging import Judged, PersonToWarn


class SettlingCause(NamedTuple):
    because: Because
    at: datetime


class _Open(NamedTuple):
    id: int
    kind: str
    section_id: int
    user_id: int
    root_id: int
    """Of an account that became a part of another one nothing is found, so its warnings end."""


Key = tuple[str, int, int]
"""Kind, section and person: one warning of them is open at most."""


def settle(judged: Sequence[Judged], cause: SettlingCause) -> int:
    """Returns how many warnings were opened and retracted: three statements at most."""
    wanted = {
        (each.kind.value, person.section_id, person.user_id): person
        for each in judged
        for person in each.found
    }
    open_ones = _open_ones(judged)
    known = {each.kind.value: _Known(each) for each in judged}
    over = [
        each.id
        for each in open_ones
        if (each.kind, each.section_id, each.user_id) not in wanted
        and each.kind in known
        and known[each.kind].has(each)
    ]
    for each in open_ones:
        wanted.pop((each.kind, each.section_id, each.user_id), None)
    retracted = _retract(over, cause) if over else []
    raised = _raise(wanted, cause) if wanted else []
    telling.tell(raised=raised, retracted=retracted, at=cause.at)
    return len(raised) + len(retracted)


class _Known:
    """Of whom a judgement speaks."""

    def __init__(self, judged: Judged) -> None:
        self._judged = judged
        self._pairs = {pk: frozenset(users) for pk, users in judged.pairs.items()}

    def has(self, warning: _Open) -> bool:
        judged = self._judged
        return (
            judged.is_of_all
            or warning.section_id in judged.sections
            or warning.root_id in judged.users
            or not self._pairs.get(warning.section_id, _NOBODY).isdisjoint(
                (warning.root_id, warning.user_id)
            )
        )


_NOBODY: frozenset[int] = frozenset()


def _open_ones(judged: Sequence[Judged]) -> list[_Open]:
    sections = {pk for each in judged for pk in (*each.pairs, *each.sections)}
    values: dict[str, Any] = {
        "is_of_all": any(each.is_of_all for each in judged),
        "sections": sorted(sections),
        "users": sorted({pk for each in judged for pk in each.users}),
        "of_users": [each.kind.value for each in judged if each.users],
    }
    return [_Open(*row) for row in _execute(statements.OPEN, values)]


def _retract(ids: Sequence[int], cause: SettlingCause) -> list[int]:
    values = {"ids": sorted(ids), "at": cause.at, "because": cause.because.value}
    return [pk for (pk,) in _execute(statements.RETRACT, values)]


def _raise(wanted: dict[Key, PersonToWarn], cause: SettlingCause) -> list[int]:
    values: dict[str, Any] = {
        "kinds": [kind for kind, _, _ in wanted],
        "sections": [section_id for _, section_id, _ in wanted],
        "users": [user_id for _, _, user_id in wanted],
        "policies": [each.policy_id for each in wanted.values()],
        "figures": [json.dumps(each.figures) for each in wanted.values()],
        "at": cause.at,
        "because": cause.because.value,
    }
    return [pk for (pk,) in _execute(statements.RAISE, values)]


def _execute(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
