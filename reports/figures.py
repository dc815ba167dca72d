"""The figures of people in sections: from their totals, and from marks where days are counted."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any, Final, NamedTuple, Protocol

import msgspec
from django.db import connection

from attendance.models import Attendance
from attendance.rules.figures import HERE, NOTHING, Counting, Figures, add_up, by_days, share
from attendance.rules.instants import milliseconds
from attendance.rules.judging import FigureRules, Judgement, counted_effect, needed_by
from courses.models import Section
from courses.selectors.rosters import roster_on
from courses.vocabulary import Counted
from reports import statements
from reports.models import SectionTotal

HOUR_MS: Final = 3_600_000


class CountedRules(FigureRules, Protocol):
    """What the rules of a course say, with the unit that they count."""

    @property
    def counted(self) -> str: ...


class TotalRow(NamedTuple):
    """One row of totals."""

    status: str
    effect: str
    late_permille: int
    n: int
    milliseconds: int


class Standings(NamedTuple):
    """How the people of a section stand by some rules."""

    people: int
    counts: Counter[Judgement]

    @property
    def below(self) -> int:
        return self.counts[Judgement.BELOW]

    @property
    def not_judged(self) -> int:
        """Those of whom nothing counts yet, and those for whom it is too early."""
        return self.counts[Judgement.NOT_JUDGED] + self.counts[Judgement.NOTHING_COUNTS]


def figures_of(
    section_id: int, user_ids: Iterable[int], rules: CountedRules | None
) -> dict[int, Figures]:
    """The figures of people in a section, by the ids of their root accounts; one query.

    Late is worth what the rules of each lesson say, the rest is by these rules.
    """
    wanted = list(user_ids)
    if rules is not None and needs_marks(rules):
        return _of_marks(section_id, wanted, rules)
    found: dict[int, list[TotalRow]] = {user_id: [] for user_id in wanted}
    rows = SectionTotal.objects.filter(section=section_id, user__in=wanted)
    for user_id, *row in rows.values_list("user_id", *TotalRow._fields):
        found[user_id].append(TotalRow(*row))
    return {user_id: add_up_totals(own, rules) for user_id, own in found.items()}


def figures_by_section(
    user_id: int, rules: Mapping[int, CountedRules | None]
) -> dict[int, Figures]:
    """The figures of one person in several sections, by the rules of each.

    One query for all of them, and one more for each that counts days.
    """
    found: dict[int, list[TotalRow]] = {pk: [] for pk in rules}
    rows = SectionTotal.objects.filter(section__in=list(rules), user=user_id)
    for pk, *row in rows.values_list("section_id", *TotalRow._fields):
        found[pk].append(TotalRow(*row))
    return {
        pk: _of_marks(pk, [user_id], own)[user_id]
        if own is not None and needs_marks(own)
        else add_up_totals(found[pk], own)
        for pk, own in rules.items()
    }


def needs_marks(rules: CountedRules) -> bool:
    """Totals do not know which lessons were on one day."""
    return rules.counted == Counted.DAYS or rules.min_days > 0


def add_up_totals(rows: Iterable[TotalRow], rules: CountedRules | None) -> Figures:
    """The same figures as of the marks that these totals are of."""
    by_hours = rules is not None and rules.counted == Counted.HOURS
    lessons, here, weight, credit = 0, 0, NOTHING, NOTHING
    for row in rows:
        worth = _counting(row.status, row.effect, row.late_permille, rules).credit
        if worth is None:
            continue
        of_row = Fraction(row.milliseconds, HOUR_MS) if by_hours else Fraction(row.n)
        lessons += row.n
        here += row.n if row.status in HERE else 0
        weight += of_row
        credit += of_row * worth
    return Figures(lessons=lessons, here=here, weight=weight, credit=credit)


def standings(section: Section, rules: CountedRules, *, on: date) -> Standings:
    """How those who are on the roster of a day stand by some rules; nothing is written."""
    roster = roster_on(section_id=section.pk, on=on)
    people = [entry.user_id for entry in roster.values()]
    needed = needed_by(rules)
    held = held_weights({section.pk: rules})
    ahead = needed.ahead(held.get(section.pk, NOTHING))
    found = figures_of(section.pk, people, rules)
    judged = Counter(needed.judge(own, ahead=ahead) for own in found.values())
    return Standings(len(people), judged)


def held_weights(rules: Mapping[int, CountedRules | None]) -> dict[int, Fraction]:
    """What was held in each section, in the unit that its rules count: against what is planned.

    Only of those that plan something: one query for them, and none where none does.
    """
    planning = {pk: own for pk, own in rules.items() if own and own.planned is not None}
    found: dict[int, Fraction] = {}
    if not planning:
        return found
    rows = Attendance.objects.kept().filter(section__in=list(planning), not_held_at=None)
    lengths: dict[int, list[tuple[date | None, int]]] = defaultdict(list)
    for pk, on, starts_at, ends_at in rows.values_list(
        "section_id", "held_on", "starts_at", "ends_at"
    ):
        lengths[pk or 0].append((on, milliseconds(ends_at) - milliseconds(starts_at)))
    for pk, lessons in lengths.items():
        found[pk] = _weight_of(lessons, planning[pk].counted)
    return found


def _weight_of(lessons: Sequence[tuple[date | None, int]], counted: str) -> Fraction:
    if counted == Counted.HOURS:
        return Fraction(sum(ms for _, ms in lessons), HOUR_MS)
    if counted == Counted.DAYS:
        return Fraction(len({on for on, _ in lessons}))
    return Fraction(len(lessons))


def _of_marks(section_id: int, user_ids: list[int], rules: CountedRules) -> dict[int, Figures]:
    found: dict[int, list[Counting]] = {user_id: [] for user_id in user_ids}
    with connection.cursor() as cursor:
        cursor.execute(statements.MARKS, {"section": section_id, "users": user_ids})
        for user_id, status, effect, late, held_on, ms in cursor.fetchall():
            counting = _counting(status, effect, late, rules)
            weight = Fraction(ms, HOUR_MS) if rules.counted == Counted.HOURS else counting.weight
            found[user_id].append(msgspec.structs.replace(counting, on=held_on, weight=weight))
    weigh: Any = by_days if rules.counted == Counted.DAYS else list
    return {user_id: add_up(weigh(own)) for user_id, own in found.items()}


def _counting(status: str, effect: str, late: int, rules: CountedRules | None) -> Counting:
    return Counting(status=status, effect=counted_effect(rules, effect), late_credit=share(late))
