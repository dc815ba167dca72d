"""Whatever is done to stored marks, each total is what the marks add up to, after every step."""

import pytest
from hypothesis import HealthCheck, given, settings

from attendance.vocabulary import Verdict
from reports.models import SectionTotal
from tests.support.school_of_totals import STEPS, SchoolOfTotals, TotalsStep

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_totals_follow_every_change_of_marks(steps: list[TotalsStep]) -> None:
    school = SchoolOfTotals()
    for step in steps:
        school.take(step)


def test_each_kind_of_change_changes_a_total() -> None:
    """One after the other, so that none of them is one that did nothing."""
    school, seen = SchoolOfTotals(), []
    for step in (
        TotalsStep("lesson", [0, 1]),
        TotalsStep("correct", 0, 2, Verdict.LATE),
        TotalsStep("rule", 7),
        TotalsStep("correct", 0, 2, Verdict.UNDO),
        TotalsStep("approve", 2),
        TotalsStep("withdraw", 2),
        TotalsStep("say_not_held"),
        TotalsStep("say_held"),
        TotalsStep("delete"),
        TotalsStep("restore"),
        TotalsStep("add", 0, 3),
        TotalsStep("merge", 3, 0),
        TotalsStep("unmerge", 3),
        TotalsStep("lost"),
        TotalsStep("close", 1),
    ):
        school.take(step)
        rows = SectionTotal.objects.order_by("user", "status", "effect", "late_permille")
        seen.append((step.kind, list(rows.values_list("user", "status", "late_permille", "n"))))
    changes = {
        kind for (kind, now), (_, before) in zip(seen[1:], seen, strict=False) if now != before
    }
    assert changes == {kind for kind, _ in seen[1:]} - {"lost"}
    assert seen[0][1]
