"""Who is to be warned in sections by their rules: from totals, and from marks where it must be.

The SQL says what `attendance.rules.judging` says of one person; a test holds one against the other.
All sections are judged together: the number of statements does not depend on how many there are,
but for rules that count days, which read the marks of each section.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime
from itertools import chain
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from django.db import connection

from attendance.rules.figures import HERE, MISSED, NOTHING, share
from attendance.rules.judging import Judgement, needed_by
from courses.models import Policy
from reports.figures import figures_of, held_weights, needs_marks
from reports.signs import rows_of_sections
from reports.vocabulary import WarningKind
from reports.warnings import statements

Pairs = Mapping[int, Sequence[int]]
"""People by sections."""
Rules = Mapping[int, Policy]
"""Of sections that warn of something."""
LOOKED_BACK: Final = (1, 10, 60, 300)
"""Most were there on the last day, and no other is read of them."""


class PersonToWarn(NamedTuple):
    """Whom to warn of what."""

    section_id: int
    user_id: int
    policy_id: int
    figures: Mapping[str, Any]


class Judged(NamedTuple):
    """Of whom is known whether a warning of this kind has to be open, and for whom it has to be."""

    kind: WarningKind
    found: Sequence[PersonToWarn] = ()
    pairs: Pairs = MappingProxyType({})
    """People in one section each..."""
    sections: frozenset[int] = frozenset()
    """... everybody in these sections..."""
    users: frozenset[int] = frozenset()
    """... these people in every section..."""
    is_of_all: bool = False
    """... or everybody."""


def judge(
    pairs: Pairs, rules: Rules, *, lessons: Sequence[UUID] | None, at: datetime
) -> list[Judged]:
    """By share and row of these people, and of the registers of their sections.

    `lessons` are those that were touched, where it was lessons; the registers of others are as
    they were. Whoever has left a section by this day is warned of nothing there.
    """
    without = frozenset(pairs.keys() - rules.keys())
    touched = {pk: pairs[pk] for pk in rules if pk in pairs}
    of_share = _with_everybody(touched, rules)
    not_taken = _registers_of(touched, lessons)
    by_share, by_row = _who_stayed(_by_share(of_share, rules), _by_row(touched, rules), at=at)
    return [
        Judged(WarningKind.SHARE, by_share, of_share, without),
        Judged(WarningKind.IN_A_ROW, by_row, touched, without),
        Judged(
            WarningKind.NOT_TAKEN,
            _not_taken(not_taken, rules),
            sections=without | frozenset(not_taken),
        ),
    ]


def judge_who_left(*, at: datetime) -> list[Judged]:
    """Everybody who has left, by this day, a section in which somebody is warned: of nothing."""
    kinds = (WarningKind.SHARE, WarningKind.IN_A_ROW)
    rows = _rows(statements.WARNED, {"kinds": [kind.value for kind in kinds]})
    pairs: dict[int, list[int]] = {}
    for section_id, user_id in _who_left({pk for (pk,) in rows}, at=at):
        pairs.setdefault(section_id, []).append(user_id)
    return [Judged(kind, pairs=pairs) for kind in kinds]


def _who_stayed(*found: list[PersonToWarn], at: datetime) -> list[list[PersonToWarn]]:
    left = _who_left({person.section_id for person in chain(*found)}, at=at)
    return [[each for each in people if each[:2] not in left] for people in found]


def _who_left(sections: Set[int], *, at: datetime) -> set[tuple[Any, ...]]:
    if not sections:
        return set()
    return set(_rows(statements.HAVE_LEFT, {"sections": sorted(sections), "at": at}))


def warns(policy: Policy) -> bool:
    """Whether these rules warn of anything; then registers that were not taken are told as well."""
    return any(
        each is not None for each in (policy.warn_permille, policy.in_a_row, policy.days_without)
    )


def _with_everybody(pairs: Pairs, rules: Rules) -> Pairs:
    """The same, with everybody where each lesson that is held leaves less ahead for all."""
    moving = [pk for pk in pairs if needed_by(rules[pk]).is_of_best]
    if not moving:
        return pairs
    found: dict[int, list[int]] = {pk: [] for pk in moving}
    for section_id, user_id in _rows(statements.EVERYBODY, {"sections": moving}):
        found[section_id].append(user_id)
    return {**pairs, **found}


def _by_share(pairs: Pairs, rules: Rules) -> list[PersonToWarn]:
    warned = {pk: users for pk, users in pairs.items() if rules[pk].warn_permille is not None}
    of_totals = {pk: users for pk, users in warned.items() if not needs_marks(rules[pk])}
    found = [
        person
        for pk in warned.keys() - of_totals.keys()
        for person in _by_share_of_marks(pk, rules[pk], warned[pk])
    ]
    for section_id, user_id, lessons, here, weight, credit in _of_pairs(
        statements.SHARE, of_totals
    ):
        figures = {"lessons": lessons, "here": here, "weight": weight, "credit": credit}
        found.append(_found(section_id, user_id, rules, **figures))
    return found


def _by_share_of_marks(section_id: int, policy: Policy, users: Sequence[int]) -> list[PersonToWarn]:
    warned = share(policy.warn_permille or 0)
    needed = msgspec.structs.replace(needed_by(policy), threshold=warned)
    ahead = needed.ahead(held_weights({section_id: policy}).get(section_id, NOTHING))
    return [
        _found(
            section_id,
            user_id,
            {section_id: policy},
            lessons=own.lessons,
            here=own.here,
            weight=str(own.weight),
            credit=str(own.credit * 1000),
        )
        for user_id, own in figures_of(section_id, users, policy).items()
        if needed.judge(own, ahead=ahead) is Judgement.BELOW
    ]


def _by_row(pairs: Pairs, rules: Rules) -> list[PersonToWarn]:
    """Whoever has missed fewer altogether has no such row, and their marks are not read."""
    most = {pk: own.in_a_row for pk, own in rules.items() if own.in_a_row is not None}
    possible: dict[int, list[int]] = {}
    counted = {pk: users for pk, users in pairs.items() if pk in most}
    for section_id, user_id in _of_pairs(statements.MISSED_OFTEN, counted, missed=list(MISSED)):
        possible.setdefault(section_id, []).append(user_id)
    rows = rows_of_sections(possible, looked_back=LOOKED_BACK)
    return [
        _found(section_id, user_id, rules, in_a_row=row)
        for (section_id, user_id), row in rows.items()
        if row >= most[section_id]
    ]


def _registers_of(pairs: Pairs, lessons: Sequence[UUID] | None) -> list[int]:
    """The sections whose registers have to be looked at: the others are as they were."""
    if lessons is None or not pairs:
        return list(pairs)
    values = {"sections": list(pairs), "lessons": list(lessons)}
    return [pk for (pk,) in _rows(statements.MAYBE_NOT_TAKEN, values)]


def _not_taken(sections: Sequence[int], rules: Rules) -> list[PersonToWarn]:
    if not sections:
        return []
    rows = _rows(statements.NOT_TAKEN, {"sections": list(sections)})
    return [
        _found(section_id, user_id, rules, lessons=n, first_on=str(first), last_on=str(last))
        for section_id, user_id, n, first, last in rows
    ]


def _found(section_id: int, user_id: int, rules: Rules, **figures: Any) -> PersonToWarn:
    said = {k: v if isinstance(v, str) else int(v) for k, v in figures.items()}
    return PersonToWarn(section_id, user_id, rules[section_id].pk, said)


def _of_pairs(sql: str, pairs: Pairs, **values: Any) -> Iterable[tuple[Any, ...]]:
    """The rows of a statement about pairs; none where there are no pairs."""
    if not any(pairs.values()):
        return ()
    of_sections = [pk for pk, users in pairs.items() for _ in users]
    of_users = [user_id for users in pairs.values() for user_id in users]
    sections = [pk for pk, users in pairs.items() if users]
    known = {"of_sections": of_sections, "of_users": of_users, "sections": sections}
    return _rows(sql, known | values)


def _rows(sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"here": list(HERE)} | dict(values))
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
