"""Lessons that the ledger knows and Redis does not hold: an alarm, never silence."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from attendance.live import store
from attendance.live.payloads import LiveLesson
from attendance.live.store import Missing
from attendance.models import LessonLedger
from attendance.services import ledger
from attendance.services.persistence.report import LessonReport, Outcome
from attendance.vocabulary import LessonState

logger = logging.getLogger(__name__)

PAGE = 1_000
UNKNOWN = "lesson_not_found: neither Redis nor the ledger knows this lesson. Check its id."
EMPTY_DUE_GRACE = timedelta(hours=1)
"""So long after its score, an entry of due that points to nothing is kept."""


def find_lost() -> list[LessonReport]:
    """Compare the open rows of the ledger with Redis, page by page.

    What Redis holds and due does not name is entered there again; what is parked
    and is not in due is forgotten.
    """
    found: list[LessonReport] = []
    for page in _open_pages():
        # Asked before the lessons: who discards one leaves due last, and must not be seen halfway.
        outside = store.outside_due(page)
        lessons = store.read_lessons(page)
        found += _declare([i for i in page if lessons[i] is Missing.NOT_FOUND])
        _enter_in_due({i: lessons[i] for i in outside if lessons[i] is not Missing.NOT_FOUND})
    store.tidy_parked()
    return found


def _enter_in_due(lessons: Mapping[UUID, LiveLesson | Missing]) -> None:
    """A lesson outside due would never be stored: somebody has damaged that key."""
    for lesson_id, lesson in lessons.items():
        ends_at = lesson.ends_at if isinstance(lesson, LiveLesson) else store.now()
        store.enter_due(lesson_id, ends_at)
        logger.error("Lesson %s had fallen out of due and is entered again", lesson_id)


def _open_pages() -> Iterator[list[UUID]]:
    rows = LessonLedger.objects.open().order_by("lesson_id").values_list("lesson_id", flat=True)
    page = list(rows[:PAGE])
    while page:
        yield page
        page = list(rows.filter(lesson_id__gt=page[-1])[:PAGE])


def _declare(missing: Sequence[UUID]) -> list[LessonReport]:
    lost = ledger.mark_lost(missing) if missing else []
    for lesson_id in lost:
        logger.error("Lesson %s is lost: Redis does not hold it", lesson_id)
    return [
        LessonReport(
            lesson_id=i, outcome=Outcome.LOST, error="Redis answers and does not hold this lesson."
        )
        for i in lost
    ]


def explain(reports: Sequence[LessonReport], *, is_asked: bool) -> list[LessonReport]:
    """Say of lessons that are not in Redis where they are, by the ledger."""
    gone = [report.lesson_id for report in reports if report.outcome is Outcome.GONE]
    if not gone:
        return list(reports)
    lost = _declare(gone)
    stored = set(
        LessonLedger.objects.filter(lesson_id__in=gone, state=LessonState.DISCARDED).values_list(
            "lesson_id", flat=True
        )
    )
    told = [report for report in reports if report.outcome is not Outcome.GONE] + lost
    known = stored | {report.lesson_id for report in lost}
    if is_asked:
        told += [
            LessonReport(lesson_id=i, outcome=Outcome.UNCHANGED, is_discarded=True)
            for i in gone
            if i in stored
        ]
        told += [
            LessonReport(lesson_id=i, outcome=Outcome.FAILED, error=UNKNOWN)
            for i in gone
            if i not in known
        ]
    return told


def settle_missing(lesson_ids: Sequence[UUID]) -> None:
    """Entries of due that point to nothing: leave what is in PostgreSQL, keep what may come.

    A start writes due before the lesson, so an unknown entry stays for an hour.
    """
    if not lesson_ids:
        return
    stored = set(
        LessonLedger.objects.filter(
            lesson_id__in=lesson_ids, state__in=[LessonState.DISCARDED, LessonState.PERSISTED]
        ).values_list("lesson_id", flat=True)
    )
    old = store.now() - EMPTY_DUE_GRACE
    scores = store.due_since(lesson_ids)
    store.drop_due([i for i in lesson_ids if i in stored or scores.get(i, old) < old])
