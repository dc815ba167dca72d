"""What the totals of people add up to in many sections at once, by the present rules of each.

Weights are lessons, or milliseconds where hours are counted; credit is in thousandths of a weight.
All are whole numbers: nothing is rounded before it is compared.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any, Final, NamedTuple, Protocol

from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import (
    BigIntegerField,
    Case,
    DateField,
    F,
    FloatField,
    Func,
    IntegerField,
    Max,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce

from attendance.rules.figures import HERE, MISSED, NOTHING, Figures
from attendance.rules.judging import Judgement, needed_by
from attendance.vocabulary import Status
from courses.models import Enrolment, Policy
from courses.vocabulary import WHOLE_PERMILLE, Counted, Effect, EnrolmentRole, ExcusedAs
from reports.figures import HOUR_MS, figures_of_marks, held_weights, needs_marks
from reports.models import SectionTotal
from users.selectors import root_id

Rules = Mapping[int, Policy | None]
"""The present rules of sections."""
_PARTS: Final = 1_000_000_000
"""So finely shares are put in order; two that are nearer come by their ids."""

_RULES: Final = "section__policy"
_IS_ABSENCE: Final = Q(**{f"{_RULES}__excused_as": ExcusedAs.ABSENT}) | Q(
    effect=Effect.COUNTS_ABSENT
)
_WORTH: Final = Case(
    When(status=Status.PRESENT, then=Value(WHOLE_PERMILLE)),
    When(status=Status.LATE, then=F("late_permille")),
    When(status__in=MISSED, then=Value(0)),
    When(_IS_ABSENCE, status=Status.EXCUSED, then=Value(0)),
    When(status=Status.EXCUSED, effect=Effect.COUNTS_PRESENT, then=Value(WHOLE_PERMILLE)),
    output_field=IntegerField(),
)
"""In thousandths; nothing for what counts nowhere."""
_WEIGHT: Final = Case(
    When(**{f"{_RULES}__counted": Counted.HOURS}, then=F("milliseconds")),
    default=F("n"),
    output_field=BigIntegerField(),
)


class SumsRow(Protocol):
    """One person in one section."""

    section_id: int
    user_id: int
    lessons: int
    here: int
    weight: float
    credit: float


class SectionSums(NamedTuple):
    """Everybody on the roster of one section together."""

    rate: Fraction | None
    below: int | None
    """How many are below what is needed; None where the section has no rules."""


NO_SUMS: Final = SectionSums(None, None)


def on_roster(role: EnrolmentRole, *, at: datetime) -> QuerySet[Enrolment]:
    """The enrolments of a day in some role; in a section that is over, those that lasted."""
    return Enrolment.objects.came_about().filter(_lasts(at), role=role)


def _lasts(at: datetime) -> Q:
    """What warnings ask before they warn somebody, of an enrolment."""
    today = Cast(
        Func(F("section__time_zone"), Value(at), function="timezone"), output_field=DateField()
    )
    is_open = Q(ends_on__gt=F("begins_on")) & Q(ends_on__gt=today)
    return Q(ends_on=None) | Q(ends_on__gte=F("section__ends_on")) | is_open


def sums_of_pairs(among: Q, *, at: datetime) -> QuerySet[Any]:
    """A row for each person in a section in which anything counts, without those who left it.

    `among` bounds `section` and `user`, of totals and of enrolments alike, so that neither table is
    read through: its years have no end. With `missed_parts`, the share of what counts that was
    missed, in billionths.
    """
    stays = ~Q(pair__in=_left(among, at))
    worth = SectionTotal.objects.alias(pair=_pair("user_id")).filter(among, stays)
    worth = worth.annotate(worth=_WORTH)
    sums = worth.filter(worth__isnull=False).order_by().values("section_id", "user_id")
    sums = sums.annotate(
        lessons=Sum("n"),
        here=Coalesce(Sum("n", filter=Q(status__in=HERE)), 0),
        # Whole numbers far below 2^53, which are exact: sums of bigint are slow as numeric.
        weight=Sum(Cast(_WEIGHT, FloatField())),
        credit=Sum(Cast(_WEIGHT * F("worth"), FloatField())),
    )
    whole = WHOLE_PERMILLE * F("weight")
    sums = sums.filter(weight__gt=0).annotate(
        missed_parts=Cast((whole - F("credit")) * _PARTS / whole, BigIntegerField())
    )
    names = ("section_id", "user_id", "lessons", "here", "weight", "credit", "missed_parts")
    return sums.values_list(*names, named=True)


def _left(among: Q, at: datetime) -> QuerySet[Any]:
    """The pairs of section and person who left before its end and did not come back."""
    students = Enrolment.objects.filter(among, role=EnrolmentRole.STUDENT)
    pairs = students.annotate(person=root_id("user")).order_by().values(pair=_pair("person"))
    # Each row is read once: joined with itself, the table is what a planner guesses wrongly.
    stays = Max(Case(When(_lasts(at), then=1), default=0, output_field=IntegerField()))
    return pairs.annotate(stays=stays).filter(stays=0).values("pair")


def _pair(person: str) -> Func:
    """One value, which a hash can be asked for: how many have left, no planner guesses."""
    pair = ArrayField(BigIntegerField())
    return Func(F("section_id"), F(person), template="ARRAY[%(expressions)s]", output_field=pair)


def figures_of_sums(row: SumsRow, policy: Policy | None) -> Figures:
    """The figures of a row by the rules with which it was added up."""
    unit = HOUR_MS if policy is not None and policy.counted == Counted.HOURS else 1
    return Figures(
        lessons=row.lessons,
        here=row.here,
        weight=Fraction(int(row.weight), unit),
        credit=Fraction(int(row.credit), unit * WHOLE_PERMILLE),
    )


def sums_of_sections(rules: Rules, *, at: datetime) -> dict[int, SectionSums]:
    """Everybody on the roster of each section together; those in which nothing counts are left out.

    At most four queries, for any number of sections and people.
    """
    pairs = sums_of_pairs(Q(section__in=list(rules)), at=at)
    sql, params = pairs.query.sql_with_params()
    with connection.cursor() as cursor:
        # One more level than Django's own queries have.
        cursor.execute(_TOGETHER.format(pairs=sql), [*params, *_bounds(rules)])
        found = {
            section_id: SectionSums(Fraction(credit, WHOLE_PERMILLE * weight), below)
            for section_id, weight, credit, below in cursor.fetchall()
        }
    return found | _by_days(rules, at=at)


_TOGETHER: Final = """
    SELECT x.section_id, sum(x.weight)::bigint, sum(x.credit)::bigint,
           CASE WHEN count(r.section_id) > 0 THEN count(*) FILTER (WHERE
               x.lessons >= r.min_lessons
               AND (x.credit + 1000 * r.ahead < r.threshold * (x.weight + r.ahead)
                    OR (r.must_exceed
                        AND x.credit + 1000 * r.ahead = r.threshold * (x.weight + r.ahead)))) END
      FROM ({pairs}) AS x
      LEFT JOIN unnest(%s::int8[], %s::int8[], %s::int8[], %s::bool[], %s::int8[])
           AS r(section_id, threshold, ahead, must_exceed, min_lessons)
           ON r.section_id = x.section_id
     GROUP BY x.section_id"""


def _bounds(rules: Rules) -> list[list[Any]]:
    """What is needed in each section that has rules, in the units of the sums."""
    held = held_weights(rules)
    rows = []
    for pk, policy in rules.items():
        if policy is not None:
            needed, unit = needed_by(policy), HOUR_MS if policy.counted == Counted.HOURS else 1
            ahead = needed.ahead(held.get(pk, NOTHING)) * unit if needed.is_of_best else NOTHING
            exceed, least = needed.must_exceed, needed.min_lessons
            rows.append((pk, policy.threshold_permille, int(ahead), exceed, least))
    return [list(column) for column in zip(*rows, strict=True)] or [[], [], [], [], []]


def _by_days(rules: Rules, *, at: datetime) -> dict[int, SectionSums]:
    """Of the sections whose rules ask for days, of which totals know nothing."""
    by_days = {pk: own for pk, own in rules.items() if own is not None and needs_marks(own)}
    if not by_days:
        return {}
    students = on_roster(EnrolmentRole.STUDENT, at=at)
    rows = students.filter(section__in=list(by_days)).order_by().distinct()
    people: dict[int, list[int]] = {pk: [] for pk in by_days}
    for pk, user_id in rows.values_list("section_id", root_id("user")):
        people[pk].append(user_id)
    held, found = held_weights(by_days), {pk: list[Figures]() for pk in by_days}
    for (pk, _), figures in figures_of_marks(people, by_days).items():
        found[pk].append(figures)
    return {
        pk: _together(by_days[pk], own, held=held.get(pk, NOTHING)) for pk, own in found.items()
    }


def _together(policy: Policy, people: Iterable[Figures], *, held: Fraction) -> SectionSums:
    needed, known = needed_by(policy), [own for own in people if own.weight]
    ahead = needed.ahead(held)
    weight = sum((own.weight for own in known), NOTHING)
    credit = sum((own.credit for own in known), NOTHING)
    below = sum(needed.judge(own, ahead=ahead) is Judgement.BELOW for own in known)
    return SectionSums(credit / weight if weight else None, below)
