"""Who is to be warned in one section by its rules: from totals, and from marks where it must be.

The SQL says what `attendance.rules.judging` says of one person; a test holds one against the other.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from django.db import connection

from attendance.rules.figures import HERE, MISSED, NOTHING, share
from attendance.rules.judging import Judgement, needed_by
from courses.models import Policy, Section
from reports.figures import figures_of, held_weights, needs_marks
from reports.signs import missed_in_a_row
from reports.vocabulary import WarningKind
from reports.warnings import statements

Pairs = Mapping[int, Sequence[int]]
"""People by sections."""
LOOKED_BACK: Final = (1, 10, 60, 300)
"""Most were there on the last day, and no other is read of them."""

SUMS: Final = ("lessons", "here", "weight", "credit")


class PersonToWarn(NamedTuple):
    """Whom to warn of what."""

    section_id: int
    user_id: int
    policy_id: int
    figures: Mapping[str, Any]


class Judged(NamedTuple):
    """Of whom is known whether a warning of this kind has to be open; None stands for all."""

    kind: WarningKind
    sections: Sequence[int] | None
    users: Sequence[int] | None
    found: Sequence[PersonToWarn]


def judge(section: Section, users: Sequence[int]) -> list[Judged]:
    """By share and row of these people, and of the registers of the section."""
    policy, ids = section.policy, [section.pk]
    if policy is None or not _warns(policy):
        kinds = (WarningKind.SHARE, WarningKind.IN_A_ROW, WarningKind.NOT_TAKEN)
        return [Judged(kind, ids, None, ()) for kind in kinds]
    everybody = _everybody(section.pk) if _moves_with_lessons(policy) else users
    return [
        Judged(WarningKind.SHARE, ids, everybody, _by_share(section.pk, policy, everybody)),
        Judged(WarningKind.IN_A_ROW, ids, users, _by_row(section.pk, policy, users)),
        Judged(WarningKind.NOT_TAKEN, ids, None, _not_taken(section.pk, policy)),
    ]


def _warns(policy: Policy) -> bool:
    return any(
        each is not None for each in (policy.warn_permille, policy.in_a_row, policy.days_without)
    )


def _moves_with_lessons(policy: Policy) -> bool:
    """Each lesson that is held leaves less ahead, also of those who were not expected at it."""
    return needed_by(policy).is_of_best


def _everybody(section_id: int) -> list[int]:
    rows = _rows(statements.EVERYBODY, {"section": section_id})
    return [user_id for (user_id,) in rows]


def _by_share(section_id: int, policy: Policy, users: Sequence[int]) -> list[PersonToWarn]:
    if policy.warn_permille is None:
        return []
    if needs_marks(policy):
        return _by_share_of_marks(section_id, policy, users)
    values = {"section": section_id, "users": list(users)}
    return [
        _found(
            section_id, user_id, policy, lessons=lessons, here=here, weight=weight, credit=credit
        )
        for user_id, lessons, here, weight, credit in _rows(statements.SHARE, values)
    ]


def _by_share_of_marks(section_id: int, policy: Policy, users: Sequence[int]) -> list[PersonToWarn]:
    warned = share(policy.warn_permille or 0)
    needed = msgspec.structs.replace(needed_by(policy), threshold=warned)
    ahead = needed.ahead(held_weights({section_id: policy}).get(section_id, NOTHING))
    return [
        _found(
            section_id,
            user_id,
            policy,
            lessons=own.lessons,
            here=own.here,
            weight=str(own.weight),
            credit=str(own.credit * 1000),
        )
        for user_id, own in figures_of(section_id, users, policy).items()
        if needed.judge(own, ahead=ahead) is Judgement.BELOW
    ]


def _by_row(section_id: int, policy: Policy, users: Sequence[int]) -> list[PersonToWarn]:
    """Whoever has missed fewer altogether has no such row, and their marks are not read."""
    most = policy.in_a_row
    if most is None:
        return []
    values = {"section": section_id, "users": list(users), "missed": list(MISSED), "most": most}
    possible = [user_id for (user_id,) in _rows(statements.MISSED_OFTEN, values)]
    if not possible:
        return []
    rows = missed_in_a_row(section_id, possible, looked_back=LOOKED_BACK)
    return [
        _found(section_id, user_id, policy, in_a_row=row)
        for user_id, row in rows.items()
        if row >= most
    ]


def _not_taken(section_id: int, policy: Policy) -> list[PersonToWarn]:
    return [
        _found(section_id, user_id, policy, lessons=n, first_on=str(first), last_on=str(last))
        for user_id, n, first, last in _rows(statements.NOT_TAKEN, {"section": section_id})
    ]


def _found(section_id: int, user_id: int, policy: Policy, **figures: Any) -> PersonToWarn:
    said = {k: v if isinstance(v, str) else int(v) for k, v in figures.items()}
    return PersonToWarn(section_id, user_id, policy.pk, said)


def _rows(sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"here": list(HERE)} | dict(values))
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
