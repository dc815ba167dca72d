"""The presets, each with its worked example: what somebody can count on their fingers."""

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest

from attendance.rules.figures import (
    NOTHING,
    Counting,
    Figures,
    add_up,
    by_days,
    days_without,
    in_a_row,
    last_attended_on,
    share,
)
from attendance.rules.judging import Judgement, Needed, counted_effect, document_by, needed_by
from courses.errors import PolicyNeedsPlan
from courses.services.policies import PolicyPlan, check_plan
from courses.services.presets import PRESETS, plan_of
from courses.vocabulary import Basis, Preset

MONDAY = date(2026, 10, 5)
NOW = PolicyPlan(late_after_s=600, absent_after_s=1_200)


def preset(name: Preset, planned: int | None = None) -> PolicyPlan:
    plan = plan_of(name, current=NOW, planned=planned)
    check_plan(plan)
    return plan


def marks(plan: PolicyPlan, *said: tuple[str, int], effect: str = "neutral") -> list[Counting]:
    """So many units of each status, by the rules of a plan."""
    return [
        Counting(
            status=status,
            effect=counted_effect(plan, effect),
            weight=Fraction(number),
            late_credit=share(plan.late_credit_permille),
        )
        for status, number in said
        if number
    ]


def judged(plan: PolicyPlan, found: Figures, held: int = 0) -> Judgement:
    needed = needed_by(plan)
    return needed.judge(found, ahead=needed.ahead(Fraction(held)))


def test_every_preset_can_be_set_and_keeps_when_one_is_late() -> None:
    assert set(PRESETS) == set(Preset)
    for name in Preset:
        plan = preset(name, planned=240)
        assert plan.late_after_s == NOW.late_after_s
        is_of_arrivals = name is Preset.ENGLAND_REGISTER
        assert plan.absent_after_s == (1_800 if is_of_arrivals else NOW.absent_after_s)
    late = PolicyPlan(late_after_s=2_400, absent_after_s=2_700)
    check_plan(plan_of(Preset.ENGLAND_REGISTER, current=late))
    assert preset(Preset.PLAIN) == PolicyPlan(late_after_s=600, absent_after_s=1_200)


@pytest.mark.parametrize(("missed", "standing"), [(12, Judgement.ENOUGH), (13, Judgement.BELOW)])
def test_forty_two_hours_of_theory_in_turkiye(missed: int, standing: Judgement) -> None:
    plan = preset(Preset.TR_THEORY_70)
    found = add_up(marks(plan, ("present", 42 - missed), ("absent", missed)))
    assert judged(plan, found) is standing


@pytest.mark.parametrize(
    ("effect", "rate", "standing"),
    [
        ("neutral", Fraction(27, 39), Judgement.BELOW),
        ("counts_present", Fraction(30, 42), Judgement.ENOUGH),
        ("counts_absent", Fraction(27, 42), Judgement.BELOW),
    ],
)
def test_hours_of_representation_count_as_their_reason_says(
    effect: str, rate: Fraction, standing: Judgement
) -> None:
    plan = preset(Preset.TR_THEORY_70)
    found = add_up(marks(plan, ("present", 27), ("absent", 12), ("excused", 3), effect=effect))
    assert (found.rate, judged(plan, found)) == (rate, standing)


@pytest.mark.parametrize(("missed", "standing"), [(8, Judgement.ENOUGH), (9, Judgement.BELOW)])
def test_practice_in_turkiye_needs_eighty_of_a_hundred(missed: int, standing: Judgement) -> None:
    plan = preset(Preset.TR_LAB_80)
    found = add_up(marks(plan, ("present", 40 - missed), ("absent", missed)))
    assert judged(plan, found) is standing


def test_ten_expected_in_a_row_without_an_approved_absence() -> None:
    """Two a day from Monday 5 October on: the tenth is on Friday the 9th."""
    plan = preset(Preset.UK_SPONSOR)
    said: list[tuple[str, date]] = []
    reached = []
    for day in range(7):
        for _ in range(2):
            said.insert(0, ("absent", MONDAY + timedelta(days=day)))
            if in_a_row(status for status, _ in said) == plan.in_a_row:
                reached.append(said[0][1])
    assert reached == [date(2026, 10, 9)]
    assert in_a_row(["absent", "excused", "pending", "rejected", "late", "absent"]) == 2
    assert in_a_row([]) == in_a_row(["excused", "present", "absent"]) == 0
    since = date(2026, 9, 14)
    for last_on, today, days in (
        (MONDAY, MONDAY + timedelta(days=60), 60),
        (None, since + timedelta(days=59), 59),
        (MONDAY, MONDAY, 0),
        # Whoever is enrolled after they last came somewhere else.
        (since - timedelta(days=99), since, 0),
    ):
        assert days_without(last_on=last_on, since=since, today=today) == days
    assert plan.days_without == 60
    assert judged(plan, add_up(marks(plan, ("absent", 40)))) is Judgement.ENOUGH


def test_a_last_attendance_and_the_day_by_which_it_is_written_down() -> None:
    within = preset(Preset.US_R2T4).document_days
    assert within is not None
    said = [("present", date(2026, 9, 24)), ("absent", date(2026, 9, 29))]
    last_on = last_attended_on(said)
    assert last_on == date(2026, 9, 24)
    assert document_by(last_on, within_days=within) == date(2026, 10, 8)
    corrected = last_attended_on([said[0], ("present", date(2026, 9, 29))])
    assert corrected == date(2026, 9, 29)
    assert document_by(corrected, within_days=within) == date(2026, 10, 13)
    assert last_attended_on([("excused", MONDAY), ("pending", MONDAY)]) is None


@pytest.mark.parametrize(
    ("days", "whole", "half", "standing"),
    [
        (44, 4, True, Judgement.BELOW),
        (44, 4, False, Judgement.ENOUGH),
        (40, 4, False, Judgement.BELOW),
        (10, 2, False, Judgement.NOT_JUDGED),
    ],
)
def test_chronic_absence_is_ten_of_a_hundred_days_or_more(
    days: int, whole: int, half: bool, standing: Judgement
) -> None:
    """Two lessons a day; half a day is one of them. Excused days are absent ones as well."""
    plan = preset(Preset.US_CHRONIC)
    missed = 2 * whole + half
    statuses = ["excused" if n % 2 else "absent" for n in range(missed)]
    statuses += ["present"] * (2 * days - missed)
    said = [
        Counting(
            status=status, effect=counted_effect(plan, "neutral"), on=MONDAY + timedelta(n // 2)
        )
        for n, status in enumerate(statuses)
    ]
    found = add_up(by_days(said))
    assert found.weight == found.days == days
    assert found.missed == whole + Fraction(half, 2)
    assert judged(plan, found) is standing


def test_a_day_is_shared_by_the_lessons_that_count_on_it() -> None:
    said = [Counting(status=s, on=MONDAY) for s in ("present", "absent", "pending", "excused")]
    assert [each.weight for each in by_days(said)] == [Fraction(1, 2)] * 2
    with pytest.raises(ValueError, match="has none"):
        by_days([Counting(status="present")])


@pytest.mark.parametrize(("missed", "standing"), [(48, Judgement.ENOUGH), (49, Judgement.BELOW)])
def test_a_course_of_240_hours_in_australia_after_120(missed: int, standing: Judgement) -> None:
    plan = preset(Preset.AU_80, planned=240)
    found = add_up(marks(plan, ("present", 120 - missed), ("absent", missed)))
    assert judged(plan, found, held=120) is standing
    with pytest.raises(PolicyNeedsPlan):
        check_plan(plan_of(Preset.AU_80, current=NOW))


@pytest.mark.parametrize(("missed", "standing"), [(3, Judgement.ENOUGH), (4, Judgement.BELOW)])
def test_persistent_absence_in_england_is_from_ten_of_a_hundred(
    missed: int, standing: Judgement
) -> None:
    plan = preset(Preset.ENGLAND_REGISTER)
    assert plan.absent_after_s == 30 * 60
    said = marks(plan, ("present", 40 - missed), ("absent", missed - 1), ("excused", 1))
    assert judged(plan, add_up(said)) is standing


def test_late_is_worth_a_half() -> None:
    plan = preset(Preset.HALF_LATE)
    assert add_up([]).rate is None
    assert add_up(marks(plan, ("late", 1))).rate == Fraction(1, 2)
    both = add_up(marks(plan, ("late", 1), ("present", 1)))
    assert both.rate == Fraction(3, 4)
    assert both.best(ahead=Fraction(1)) == Fraction(5, 6)


@pytest.mark.parametrize(
    ("found", "standing"),
    [
        (Figures(), Judgement.NOTHING_COUNTS),
        # Lessons of no length, where hours are counted.
        (Figures(lessons=3, here=3), Judgement.NOTHING_COUNTS),
        (Figures(lessons=4, weight=Fraction(4)), Judgement.NOT_JUDGED),
        (Figures(lessons=5, weight=Fraction(5)), Judgement.BELOW),
        (Figures(lessons=10, weight=Fraction(10), credit=Fraction(7)), Judgement.ENOUGH),
    ],
)
def test_nothing_is_below_where_nothing_counts_or_it_is_too_early(
    found: Figures, standing: Judgement
) -> None:
    assert Needed(threshold=share(700), min_lessons=5).judge(found) is standing


def test_what_is_planned_is_never_behind_what_was_held() -> None:
    needed: Any = needed_by(PolicyPlan(basis=Basis.BEST, planned=10))
    assert needed.ahead(Fraction(4)) == 6
    assert needed.ahead(Fraction(12)) == NOTHING
    assert needed_by(PolicyPlan()).ahead(Fraction(1)) == NOTHING
