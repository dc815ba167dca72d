"""Figures of days on which there are several lessons, against the pure rules."""

from datetime import timedelta
from fractions import Fraction

import pytest
from django.utils import timezone

from attendance.rules.figures import Counting, add_up, by_days
from attendance.vocabulary import Status
from courses.vocabulary import Counted
from reports.figures import figures_of
from tests.support.factories import AttendanceFactory, AttendanceRecordFactory
from tests.support.lessons import student
from tests.support.sections import section_of_today, set_rule, user_of

pytestmark = pytest.mark.django_db(transaction=True)


DAYS = ("P", "PA", "LAE", "EE", "RPW", "AAAA")
"""The marks of one day after the other, the first letter of each."""
LETTERS = {each.value[0].upper(): each for each in Status if each is not Status.PENDING} | {
    "W": Status.PENDING
}


@pytest.mark.parametrize("counted", Counted.values)
@pytest.mark.parametrize("excused_as", ["reason", "absent"])
def test_days_with_several_lessons_are_those_of_the_pure_rules(
    counted: str, excused_as: str
) -> None:
    section = section_of_today((1,), policy={"late_credit_permille": 300})
    user, now = user_of(student(1)), timezone.now()
    said = []
    for place, letters in enumerate(DAYS):
        for number, letter in enumerate(letters):
            begins = now - timedelta(days=20 - place) + timedelta(minutes=10 * number)
            lesson = AttendanceFactory.create(
                section=section,
                policy=section.policy,
                starts_at=begins,
                ends_at=begins + timedelta(minutes=30 + 7 * number),
                held_on=section.local_date(now) - timedelta(days=20 - place),
            )
            AttendanceRecordFactory.create(
                attendance=lesson, student=user, status=LETTERS[letter], is_expected=True
            )
            hours = Fraction(30 + 7 * number, 60)
            said.append(
                Counting(
                    status=LETTERS[letter].value,
                    effect="counts_absent" if excused_as == "absent" else "neutral",
                    weight=hours if counted == Counted.HOURS else Fraction(1),
                    late_credit=Fraction(3, 10),
                    on=lesson.held_on,
                )
            )
    rules = set_rule(section, counted=counted, min_days=1, excused_as=excused_as)
    found = figures_of(section.pk, [user.pk], rules)[user.pk]
    assert found == add_up(by_days(said) if counted == Counted.DAYS else said)
