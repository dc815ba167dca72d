"""Lessons that the ledger has and Redis does not hold: each is reported and logged."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from django.db.models import QuerySet

from attendance.live import outbox, store
from attendance.live.payloads import LiveLesson
from attendance.live.store import Missing
from attendance.models import LessonLedger
from attendance.services.persistence.report import LessonReport, Outcome
from attendance.services.stores import lost_lessons
from attendance.vocabulary import LessonState

logger = logging.getLogger(__name__)

PAGE = 1_000
UNKNOWN = "lesson_not_found: neither Redis nor the ledger knows this lesson. Check its id."
EMPTY_DUE_GRACE = timedelta(hours=1)
"""How long after its score an entry of due without a lesson is kept."""


def find_lost() -> list[LessonReport]:
    """Compare the open rows of the ledger with Redis, page by page.

    A lesson that Redis holds and due does not name is entered there again; a parked
    lesson that is not in due is unparked. Names that a death has left, and outboxes that waited
    too long, end here.
    """
    reports: list[LessonReport] = []
    for page in _pages(LessonLedger.objects.open()):
        # Read due before the lessons: a discard leaves due last, and may be halfway just now.
        outside = store.outside_due(page)
        lessons = store.read_lessons(page)
        reports += _declare([i for i in page if _is_missing(lessons[i])])
        _enter_in_due({i: lessons[i] for i in outside if lessons[i] is not Missing.NOT_FOUND})
    _end_rewound()
    store.tidy_parked()
    store.free_names_left()
    outbox.tidy()
    return reports


def _is_missing(lesson: LiveLesson | Missing) -> bool:
    """Whether Redis lacks a lesson of the ledger; a copy from the middle of its start is none."""
    if isinstance(lesson, LiveLesson):
        # The ledger learns of a lesson once its start is complete.
        return lesson.is_starting
    return lesson is Missing.NOT_FOUND


def _end_rewound() -> None:
    """Where a person has removed the older copy, the ledger says no longer that there is one."""
    for page in _pages(LessonLedger.objects.filter(last_error__startswith=lost_lessons.REWOUND)):
        gone_ids = _gone(page)
        if gone_ids:
            lost_lessons.end_rewound(sorted(gone_ids), _gone)


def _gone(lesson_ids: Sequence[UUID]) -> set[UUID]:
    """Those that Redis answers about and does not hold."""
    lessons = store.read_lessons(lesson_ids) if lesson_ids else {}
    return {i for i, lesson in lessons.items() if lesson is Missing.NOT_FOUND}


def _enter_in_due(lessons: Mapping[UUID, LiveLesson | Missing]) -> None:
    """A lesson outside due would never be stored: somebody has damaged that key."""
    for lesson_id, lesson in lessons.items():
        if isinstance(lesson, LiveLesson):
            # Not the end read before: the teacher may have finished the lesson meanwhile.
            store.sync_due(lesson_id)
        else:
            store.enter_due(lesson_id, store.now())
        logger.error("Lesson %s was not in due and is entered again", lesson_id)


def _pages(lessons: "QuerySet[LessonLedger]") -> Iterator[list[UUID]]:
    rows = lessons.order_by("lesson_id").values_list("lesson_id", flat=True)
    page = list(rows[:PAGE])
    while page:
        yield page
        page = list(rows.filter(lesson_id__gt=page[-1])[:PAGE])


def _declare(missing: Sequence[UUID]) -> list[LessonReport]:
    lost_ids = lost_lessons.mark_lost(missing) if missing else []
    for lesson_id in lost_ids:
        logger.error("Lesson %s is lost: Redis does not hold it", lesson_id)
    return [
        LessonReport(
            lesson_id=i, outcome=Outcome.LOST, error="Redis answers and does not hold this lesson."
        )
        for i in lost_ids
    ]


def explain(reports: Sequence[LessonReport], *, is_asked: bool) -> list[LessonReport]:
    """Replace reports of lessons that are not in Redis by what the ledger says of them."""
    gone_ids = [report.lesson_id for report in reports if report.outcome is Outcome.GONE]
    if not gone_ids:
        return list(reports)
    lost_reports = _declare(gone_ids)
    stored_ids = set(
        LessonLedger.objects.filter(
            lesson_id__in=gone_ids, state=LessonState.DISCARDED
        ).values_list("lesson_id", flat=True)
    )
    result = [report for report in reports if report.outcome is not Outcome.GONE] + lost_reports
    known_ids = stored_ids | {report.lesson_id for report in lost_reports}
    if is_asked:
        result += [
            LessonReport(lesson_id=i, outcome=Outcome.UNCHANGED, is_discarded=True)
            for i in gone_ids
            if i in stored_ids
        ]
        result += [
            LessonReport(lesson_id=i, outcome=Outcome.FAILED, error=UNKNOWN)
            for i in gone_ids
            if i not in known_ids
        ]
    return result


def settle_missing(lesson_ids: Sequence[UUID]) -> None:
    """Remove entries of due without a lesson in Redis: stored ones now, others after an hour.

    A start writes due before the lesson, so the lesson of an entry may still come.
    """
    if not lesson_ids:
        return
    stored_ids = set(
        LessonLedger.objects.filter(
            lesson_id__in=lesson_ids, state__in=[LessonState.DISCARDED, LessonState.PERSISTED]
        ).values_list("lesson_id", flat=True)
    )
    old = store.now() - EMPTY_DUE_GRACE
    scores = store.due_since(lesson_ids)
    store.drop_due([i for i in lesson_ids if i in stored_ids or scores.get(i, old) < old])
