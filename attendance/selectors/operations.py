"""What staff look at: lessons by state, the newest runs, what lies in quarantine."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db.models import Count

from attendance.models import LessonLedger, PersistenceRun, QuarantinedPayload
from attendance.vocabulary import LessonState, PayloadState

RUNS = 40


class Books(NamedTuple):
    states: dict[LessonState, int]
    """Every state, also those of no lesson."""
    runs: Sequence[PersistenceRun]
    """The newest ones, oldest first, as a chart reads."""
    quarantined: int
    """Payloads that wait for a person."""


def read_books() -> Books:
    """Three queries, however much there is."""
    rows = LessonLedger.objects.values_list("state").annotate(n=Count("pk")).order_by()
    counted = dict(rows)
    runs = list(PersistenceRun.objects.order_by("-started_at")[:RUNS])
    waiting = QuarantinedPayload.objects.filter(state=PayloadState.OPEN).count()
    return Books({state: counted.get(state, 0) for state in LessonState}, runs[::-1], waiting)
