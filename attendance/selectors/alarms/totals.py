"""Alarms of totals: what the newest comparison with the marks has found."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.utils import timezone

from attendance.selectors.alarms import kinds
from attendance.selectors.alarms.kinds import FoundAlarm
from reports.models import TotalsCheck

LATE_AFTER: Final = timedelta(days=2)


def of_totals() -> Iterator[FoundAlarm]:
    """Before the first comparison nothing is known. Raises django.db.Error."""
    newest = TotalsCheck.objects.first()
    if newest is None:
        return
    if newest.is_trouble:
        wrong = newest.wrong - newest.repaired
        yield FoundAlarm(
            kinds.TOTALS_WRONG, cause=str(newest.pk), facts={"n": wrong}, since=newest.checked_at
        )
    if timezone.now() - newest.checked_at > LATE_AFTER:
        yield FoundAlarm(kinds.TOTALS_UNVERIFIED, since=newest.checked_at + LATE_AFTER)
