"""Lessons wherever they live: Redis first, and PostgreSQL for what has left it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from django.db.models import Count, Q, QuerySet

from attendance.errors import LessonNotFound
from attendance.live import store
from attendance.live.payloads import LiveLesson
from attendance.models import Attendance, AttendanceRecord, LessonLedger
from attendance.models.books import OPEN_STATES
from attendance.selectors import whereabouts
from attendance.selectors.paging import Page, Slice
from attendance.selectors.shapes import (
    LessonBrief,
    LessonView,
    lesson_of_live,
    lesson_of_stored,
    state_of,
)
from attendance.vocabulary import LessonState
from users.identity import Person, Role

_TOLD_BY_THE_LEDGER = (LessonState.PERSISTED, LessonState.FAILED, LessonState.QUARANTINED)
"""States of a lesson in Redis that only the task knows."""

PAST = "past"
"""Asked for in place of a state: persisted and discarded together."""


class LessonFilter(NamedTuple):
    """Which lessons a list shows."""

    teacher_number: str = ""
    state: str = ""
    """One of the ledger's, or `past`."""
    starts_from: datetime | None = None
    starts_to: datetime | None = None
    search: str = ""
    """A part of the lesson's or the teacher's name, or of the teacher's number."""


def find_lesson(lesson_id: UUID) -> LessonView:
    """One lesson with its counts.

    Raises LessonNotFound, LessonUnreadable and LiveStoreUnavailable.
    """
    known = whereabouts.ledger_state(lesson_id)
    return whereabouts.read_by(
        known, live=lambda: _live(lesson_id, known), stored=lambda: _stored(lesson_id)
    )


def _live(lesson_id: UUID, known: str) -> LessonView:
    lesson = store.read_lesson(lesson_id)
    if lesson.is_starting:
        raise LessonNotFound
    counts = store.count_statuses([lesson_id])[lesson_id]
    return lesson_of_live(lesson, state=state_now(lesson, known), counts=counts)


def state_now(lesson: LiveLesson, known: str) -> str:
    """Where a lesson in Redis is: by the clock, and once it is over by the ledger (`known`)."""
    return known if lesson.is_over and known in _TOLD_BY_THE_LEDGER else state_of(lesson)


def _stored(lesson_id: UUID) -> LessonView:
    books = LessonLedger.objects.filter(pk=lesson_id)
    found = _views_of_stored([lesson_id], {row.lesson_id: row for row in books})
    if not found:
        raise LessonNotFound
    return found[lesson_id]


def list_lessons(wanted: LessonFilter, part: Slice) -> Page[LessonView]:
    """Lessons of both stores in one list, by id, which follows the time they were made.

    A fixed number of queries and round trips for any number of lessons. Raises
    LiveStoreUnavailable.
    """
    books = {row.lesson_id: row for row in part.rows(_filtered(wanted), "lesson_id")}
    unbooked = {lesson.id for lesson in _unbooked(wanted) if part.holds(lesson.id)}
    cut = part.cut([*books, *unbooked])
    views = [view for view in _views(cut.keys, books) if _is_wanted(view, wanted.state)]
    return Page(views, cut.next_key, cut.previous_key)


def _filtered(wanted: LessonFilter) -> QuerySet[LessonLedger]:
    rows = LessonLedger.objects.all()
    if wanted.teacher_number:
        rows = rows.filter(teacher_number=wanted.teacher_number)
    if wanted.state == PAST:
        rows = rows.filter(state__in=[LessonState.PERSISTED, LessonState.DISCARDED])
    elif wanted.state:
        rows = rows.filter(_by_state(wanted.state))
    if wanted.starts_from:
        rows = rows.filter(starts_at__gte=wanted.starts_from)
    if wanted.starts_to:
        rows = rows.filter(starts_at__lt=wanted.starts_to)
    if wanted.search:
        rows = rows.filter(
            Q(lesson_name__icontains=wanted.search)
            | Q(teacher_name__icontains=wanted.search)
            | Q(teacher_number__istartswith=wanted.search)
        )
    return rows


def _by_state(state: str) -> Q:
    """Between scheduled, live and ended only the clock decides: `_is_wanted` looks at it."""
    moving = [LessonState.SCHEDULED, LessonState.LIVE, LessonState.ENDED]
    return Q(state__in=moving if state in moving else [state])


def _unbooked(wanted: LessonFilter) -> list[LiveLesson]:
    """Lessons in Redis that the ledger does not know yet: PostgreSQL was away when they began."""
    if wanted.teacher_number:
        own = store.teachers_lesson(wanted.teacher_number)
        ids = [own.id] if own else []
    else:
        ids = [due.lesson_id for page in store.due_pages() for due in page]
    booked = LessonLedger.objects.filter(pk__in=ids).values_list("pk", flat=True)
    known = set(booked) if ids else set()
    return [x for x in _readable([i for i in ids if i not in known]) if _matches(x, wanted)]


def _matches(lesson: LiveLesson, wanted: LessonFilter) -> bool:
    words = (lesson.data.lesson_name, lesson.data.teacher.full_name)
    text = wanted.search.casefold()
    return (
        (wanted.starts_from is None or lesson.starts_at >= wanted.starts_from)
        and (wanted.starts_to is None or lesson.starts_at < wanted.starts_to)
        and (not text or any(text in word.casefold() for word in words))
    )


def _readable(lesson_ids: Sequence[UUID]) -> list[LiveLesson]:
    found = store.read_lessons(lesson_ids).values()
    return [x for x in found if isinstance(x, LiveLesson) and not x.is_starting]


def _views(ids: Sequence[UUID], books: Mapping[UUID, LessonLedger]) -> list[LessonView]:
    # The books were read for the list: the same question to the ledger, for many at once.
    discarded = {i for i, row in books.items() if row.state == LessonState.DISCARDED}
    found = store.read_lessons([i for i in ids if i not in discarded])
    live = {i: x for i, x in found.items() if isinstance(x, LiveLesson) and not x.is_starting}
    counts = store.count_statuses(list(live))
    stored = _views_of_stored([i for i in ids if i not in live], books)
    views = []
    for lesson_id in ids:
        if lesson_id in live:
            known = books[lesson_id].state if lesson_id in books else whereabouts.UNKNOWN
            state = state_now(live[lesson_id], known)
            views.append(lesson_of_live(live[lesson_id], state=state, counts=counts[lesson_id]))
        elif lesson_id in stored:
            is_there = found.get(lesson_id) is store.Missing.UNREADABLE
            views.append(_not_lost(stored[lesson_id]) if is_there else stored[lesson_id])
    return views


def _not_lost(view: LessonView) -> LessonView:
    """What Redis holds and nobody can read is not gone."""
    if view.state != LessonState.LOST:
        return view
    return msgspec.structs.replace(view, state=LessonState.QUARANTINED)


def _is_wanted(view: LessonView, state: str) -> bool:
    """The ledger may be some minutes old: what a lesson is now decides."""
    if state == PAST:
        return view.state in {LessonState.PERSISTED, LessonState.DISCARDED}
    return not state or view.state == state


def _views_of_stored(
    ids: Sequence[UUID], books: Mapping[UUID, LessonLedger]
) -> dict[UUID, LessonView]:
    if not ids:
        return {}
    rows = Attendance.objects.select_related("teacher").in_bulk(ids)
    counts = _stored_counts(ids)
    views: dict[UUID, LessonView] = {}
    for lesson_id in ids:
        book, row = books.get(lesson_id), rows.get(lesson_id)
        if row is not None:
            state = book.state if book else LessonState.DISCARDED
            counted = counts.get(lesson_id, {})
            views[lesson_id] = lesson_of_stored(row, state=state, counts=counted)
        elif book is not None and book.starts_at and book.ends_at:
            views[lesson_id] = _of_book(book, book.starts_at, book.ends_at)
    return views


def _stored_counts(ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    kept = AttendanceRecord.objects.filter(attendance_id__in=ids, deleted_at=None)
    counts: dict[UUID, dict[str, int]] = {}
    for row in kept.values("attendance_id", "status").annotate(n=Count("pk")).order_by():
        counts.setdefault(row["attendance_id"], {})[row["status"]] = row["n"]
    return counts


def _of_book(book: LessonLedger, starts_at: datetime, ends_at: datetime) -> LessonView:
    """A lesson that is nowhere but in the ledger; it is lost where Redis should hold it."""
    brief = LessonBrief(
        id=book.lesson_id,
        lesson_name=book.lesson_name,
        teacher=Person(book.teacher_number, book.teacher_name, Role.TEACHER),
        starts_at=starts_at,
        ends_at=ends_at,
    )
    state = LessonState.LOST if book.state in OPEN_STATES else book.state
    return LessonView(brief=brief, state=state)
