"""The figures of people in sections: from their totals, and from marks where days are counted."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any, Final, NamedTuple, Protocol

from django.db import connection

from attendance.models import Attendance
from attendance.rules.figures import HERE, NOTHING, Counting, Figures, share
from attendance.rules.instants import milliseconds
from attendance.rules.judging import (
    COUNTS_ABSENT,
    FigureRules,
    Judgement,
    counted_effect,
    needed_by,
)
from courses.models import Section
from courses.selectors.rosters import roster_on
from courses.vocabulary import WHOLE_PERMILLE, Counted
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
        of_marks = figures_of_marks({section_id: wanted}, {section_id: rules})
        return {user_id: own for (_, user_id), own in of_marks.items()}
    found: dict[int, list[TotalRow]] = {user_id: [] for user_id in wanted}
    rows = SectionTotal.objects.filter(section=section_id, user__in=wanted)
    for user_id, *row in rows.values_list("user_id", *TotalRow._fields):
        found[user_id].append(TotalRow(*row))
    return {user_id: add_up_totals(own, rules) for user_id, own in found.items()}


def figures_by_section(
    user_id: int, rules: Mapping[int, CountedRules | None]
) -> dict[int, Figures]:
    """The figures of one person in several sections, by the rules of each.

    One query for all of them, and one more where any of them counts days.
    """
    found: dict[int, list[TotalRow]] = {pk: [] for pk in rules}
    rows = SectionTotal.objects.filter(section__in=list(rules), user=user_id)
    for pk, *row in rows.values_list("section_id", *TotalRow._fields):
        found[pk].append(TotalRow(*row))
    by_days = {pk: own for pk, own in rules.items() if own is not None and needs_marks(own)}
    of_marks = figures_of_marks({pk: [user_id] for pk in by_days}, by_days)
    return {
        pk: of_marks[pk, user_id] if pk in by_days else add_up_totals(found[pk], own)
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


class DaysRow(NamedTuple):
    """The days of one person on which as many lessons count."""

    lessons: int
    """On each of them."""
    days: int
    here: int
    """Of all their lessons, as the length and the credit."""
    milliseconds: int
    credit: int
    """In thousandths of a lesson."""
    credit_ms: int
    """In thousandths of a millisecond."""


def figures_of_marks(
    people: Mapping[int, Sequence[int]], rules: Mapping[int, CountedRules]
) -> dict[tuple[int, int], Figures]:
    """The figures of people in sections by their marks, with the days; one query.

    By section and root account; `rules` of each of these sections.
    """
    found: dict[tuple[int, int], list[DaysRow]] = {
        (pk, user_id): [] for pk, users in people.items() for user_id in users
    }
    values: dict[str, Any] = {
        "of_sections": [section_id for section_id, _ in found],
        "of_users": [user_id for _, user_id in found],
        "sections": list(people),
        "are_absences": [counted_effect(rules[pk], "") == COUNTS_ABSENT for pk in people],
    }
    if found:
        with connection.cursor() as cursor:
            cursor.execute(statements.DAYS_OF_PEOPLE, values)
            for section_id, user_id, *row in cursor.fetchall():
                found[section_id, user_id].append(DaysRow(*row))
    return {key: _add_up_days(own, rules[key[0]].counted) for key, own in found.items()}


def _add_up_days(rows: Iterable[DaysRow], counted: str) -> Figures:
    """Where days are counted, each is 1: of two lessons a day, each is a half."""
    lessons, here, days, weight, credit = 0, 0, 0, NOTHING, NOTHING
    for row in rows:
        lessons += row.lessons * row.days
        here += row.here
        days += row.days
        if counted == Counted.HOURS:
            weight += Fraction(row.milliseconds, HOUR_MS)
            credit += Fraction(row.credit_ms, WHOLE_PERMILLE * HOUR_MS)
        else:
            each = row.lessons if counted == Counted.DAYS else 1
            weight += Fraction(row.lessons * row.days, each)
            credit += Fraction(row.credit, WHOLE_PERMILLE * each)
    return Figures(lessons=lessons, here=here, weight=weight, credit=credit, days=days)


def _counting(status: str, effect: str, late: int, rules: CountedRules | None) -> Counting:
    return Counting(status=status, effect=counted_effect(rules, effect), late_credit=share(late))
