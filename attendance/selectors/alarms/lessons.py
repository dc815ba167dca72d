"""Alarms of lessons: what the ledger and the quarantine say."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Max, Min
from django.utils import timezone

from attendance.models import LessonLedger, QuarantinedPayload
from attendance.models.books import INCOMPLETE, LOST, REWOUND, WATCHED
from attendance.selectors import health
from attendance.selectors.alarms import kinds
from attendance.selectors.alarms.kinds import AlarmKind, FoundAlarm
from attendance.vocabulary import PayloadState

LATE_AFTER_PERIODS = 3
"""A lesson that waits longer than so many periods of the task is an alarm."""

MOST = 1_000
"""So many lessons of each kind are named; the ledger has the others."""

_SQLSTATE = re.compile(r"^\w+ ([0-9A-Z]{5}):")


def of_lessons() -> Iterator[FoundAlarm]:
    """Raises django.db.Error."""
    counts = health.waiting(at=timezone.now())
    if is_late(counts.oldest_at):
        yield FoundAlarm(kinds.LESSON_LATE, since=counts.oldest_at)
    if any((counts.lost, counts.quarantined, counts.rewound, counts.failed, counts.incomplete)):
        yield from _in_trouble()


def is_late(oldest_at: datetime | None) -> bool:
    """Whether a lesson that is over since then should have been stored."""
    longest = timedelta(minutes=LATE_AFTER_PERIODS * settings.PERSIST_MINUTES)
    return oldest_at is not None and timezone.now() - oldest_at > longest


def _in_trouble() -> Iterator[FoundAlarm]:
    for kind, rows in (
        (kinds.LESSON_LOST, LOST),
        (kinds.LESSON_UNREADABLE, health.UNREADABLE),
        (kinds.LESSON_INCOMPLETE, INCOMPLETE),
        (kinds.LESSON_REWOUND, REWOUND),
        (kinds.LESSON_FAILED, health.FAILED),
    ):
        for row in LessonLedger.objects.filter(WATCHED, rows).order_by("lesson_id")[:MOST]:
            yield _of_row(kind, row)


def _of_row(kind: AlarmKind, row: LessonLedger) -> FoundAlarm:
    """A failure tells other numbers each time: its cause is PostgreSQL's code where it has one."""
    state = _SQLSTATE.match(row.last_error)
    is_same_always = kind in {kinds.LESSON_LOST, kinds.LESSON_REWOUND}
    cause = "" if is_same_always else state[1] if state else row.last_error
    said = row.lesson_name if is_same_always else f"{row.lesson_name}: {row.last_error}"
    since = row.incomplete_since if kind is kinds.LESSON_INCOMPLETE else None
    return FoundAlarm(kind, str(row.lesson_id), cause, about=said, since=since)


def of_quarantine() -> Iterator[FoundAlarm]:
    """Lessons of which something waits. Another payload is another cause.

    Raises django.db.Error.
    """
    rows = list(
        QuarantinedPayload.objects.filter(state=PayloadState.OPEN)
        .values("lesson_id")
        .annotate(n=Count("pk"), newest=Max("pk"), first_at=Min("found_at"))
        .order_by("lesson_id")[:MOST]
    )
    if not rows:
        return
    ids = [row["lesson_id"] for row in rows]
    names = dict(
        LessonLedger.objects.filter(lesson_id__in=ids).values_list("lesson_id", "lesson_name")
    )
    for row in rows:
        name = names.get(row["lesson_id"]) or str(row["lesson_id"])
        yield FoundAlarm(
            kinds.QUARANTINE_OPEN,
            str(row["lesson_id"]),
            f"payload {row['newest']}",
            about=f"{name} ({row['n']})",
            since=row["first_at"],
        )
