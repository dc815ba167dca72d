"""Whatever is done to marks, rules and accounts, what is open is what the figures say."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from attendance.vocabulary import Verdict
from courses.services.policies import PolicyPlan, set_policy
from courses.vocabulary import Basis, Counted, ExcusedAs
from reports.models import FigureWarning
from tests.support.school_of_totals import STEPS, SchoolOfTotals, TotalsStep
from tests.support.warnings import wrong_warnings
from users.errors import AttnError

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

PLANS = (
    PolicyPlan(warn_permille=800, in_a_row=2),
    PolicyPlan(warn_permille=500, basis=Basis.BEST, planned=4, must_exceed=True),
    PolicyPlan(warn_permille=667, counted=Counted.HOURS, excused_as=ExcusedAs.ABSENT),
    PolicyPlan(warn_permille=900, counted=Counted.DAYS, min_lessons=2),
    PolicyPlan(in_a_row=1),
    PolicyPlan(),
)


class SchoolOfWarnings(SchoolOfTotals):
    """Its rules warn, and are changed as people change them."""

    def __init__(self) -> None:
        super().__init__()
        self._use(0)

    def take(self, step: TotalsStep) -> None:
        with suppress(AttnError, LookupError):
            getattr(self, f"_{step.kind}")(step)
        assert wrong_warnings() == set(), step

    def _rule(self, step: TotalsStep) -> None:
        self._use(step.first % len(PLANS))

    def _use(self, number: int) -> None:
        set_policy(section_id=self.section.pk, plan=PLANS[number], actor=self.staff)


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_warnings_follow_every_change(steps: list[TotalsStep]) -> None:
    school = SchoolOfWarnings()
    for step in steps:
        school.take(step)


def test_each_cause_opens_or_retracts() -> None:
    """One after the other: each of them changes what is open, so none did nothing."""
    school, seen = SchoolOfWarnings(), []
    steps: tuple[tuple[Any, ...], ...] = (
        ("lesson", [0, 1]),
        ("approve", 2),
        ("withdraw", 2),
        ("correct", 0, 2, Verdict.LATE),
        ("correct", 0, 2, Verdict.ABSENT),
        ("say_not_held",),
        ("say_held",),
        ("delete",),
        ("restore",),
        ("rule", 5),
        ("rule", 4),
        ("merge", 2, 0),
        ("unmerge", 2),
        ("lesson", []),
        ("add", 0, 3),
        ("leave", 0),
        ("come_back", 0),
    )
    for step in steps:
        school.take(TotalsStep(*step))
        rows = FigureWarning.objects.filter(retracted_at=None).order_by("kind", "user")
        seen.append((step, list(rows.values_list("kind", "user"))))
    same = [step for (step, now), (_, before) in zip(seen[1:], seen, strict=False) if now == before]
    assert same == []
    because = set(FigureWarning.objects.values_list("raised_because", flat=True))
    assert because == {"marks", "rules", "merge", "roster"}
