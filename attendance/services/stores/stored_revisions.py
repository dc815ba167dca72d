"""The revisions that PostgreSQL gives: above every copy in Redis that could still come back."""

from collections.abc import Iterable

from attendance.models import Attendance, LessonLedger
from attendance.vocabulary import LessonState

LOST_LIFT = 1_000_000_000
"""Added to a lost lesson's revision, so that later changes are newer than any copy of it."""


def count_up(attendance: Attendance) -> None:
    """Give a held attendance its next revision, for a word that PostgreSQL takes; not saved yet."""
    lift_lost([attendance])
    attendance.revision += 1


def lift_lost(attendances: Iterable[Attendance]) -> None:
    """Before PostgreSQL takes words for held attendances: lift those whose lesson Redis has lost.

    A lost lesson may come back, at a revision that nobody here knows. Until a word is taken
    here nothing is lifted: what comes back is then simply newer. One query at most.
    """
    below = {row.pk: row for row in attendances if row.revision < LOST_LIFT}
    if not below:
        return
    lost = LessonLedger.objects.filter(pk__in=list(below), state=LessonState.LOST)
    for lesson_id in lost.values_list("pk", flat=True):
        below[lesson_id].revision += LOST_LIFT
