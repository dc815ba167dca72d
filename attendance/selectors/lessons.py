"""Lessons in either store: Redis first, PostgreSQL for lessons that have left it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from django.db.models import Q, QuerySet

from attendance.errors import LessonNotFound
from attendance.live import store
from attendance.live.payloads import LiveLesson
from attendance.live.store import LessonCounts
from attendance.models import Attendance, LessonLedger
from attendance.models.books import OPEN_STATES
from attendance.selectors import whereabouts
from attendance.selectors.counts import roster_counts, status_counts
from attendance.selectors.live_counts import count_live
from attendance.selectors.paging import Page, Slice
from attendance.selectors.shapes import (
    NO_ROSTER,
    LessonView,
    RosterCounts,
    lesson_of_live,
    lesson_of_stored,
    section_of_row,
    state_of,
)
from attendance.vocabulary import LessonState
from courses.models import Section
from users.identity import Person, Role
from users.lookups import newest_of
from users.searching import is_found

_LEDGER_STATES = (LessonState.PERSISTED, LessonState.FAILED, LessonState.QUARANTINED)
"""States of a lesson in Redis that only the task knows."""

_STEP = 8
"""So many times more lessons are looked at, where those at the begin of a page were not meant."""

PAST = "past"
"""Stands for two states in a filter: persisted and discarded."""


class LessonFilter(NamedTuple):
    """Which lessons a list shows."""

    teacher_numbers: tuple[str, ...] = ()
    """Every number of one teacher; nobody where it is empty."""
    state: str = ""
    """One of the ledger's, or `past`."""
    starts_from: datetime | None = None
    starts_to: datetime | None = None
    section_ids: frozenset[int] | None = None
    """Those of these sections, and the teacher's own; None where sections do not matter."""
    search: str = ""
    """A part of the lesson's or the teacher's name, or of the teacher's number, in the newest
    lessons that the other fields leave."""


def find_lesson(lesson_id: UUID) -> LessonView:
    """One lesson with its counts.

    Raises LessonNotFound, LessonUnreadable and LiveStoreUnavailable.
    """
    state = whereabouts.ledger_state(lesson_id)
    return whereabouts.read_by(
        state, live=lambda: _live_view(lesson_id, state), stored=lambda: _stored_view(lesson_id)
    )


def _live_view(lesson_id: UUID, ledger_state: str) -> LessonView:
    lesson = store.read_lesson(lesson_id)
    if lesson.is_starting:
        raise LessonNotFound
    counts = count_live([lesson_id])[lesson_id]
    return _live_lesson(lesson, state_now(lesson, ledger_state), counts)


def _live_lesson(lesson: LiveLesson, state: str, counts: LessonCounts) -> LessonView:
    roster = NO_ROSTER
    if lesson.data.section is not None:
        roster = RosterCounts(counts.expected, counts.expected - counts.came)
    return lesson_of_live(lesson, state=state, counts=counts.statuses, roster=roster)


def state_now(lesson: LiveLesson, ledger_state: str) -> str:
    """The state of a lesson in Redis: by the clock, and by `ledger_state` once it is over."""
    return ledger_state if lesson.is_over and ledger_state in _LEDGER_STATES else state_of(lesson)


def _stored_view(lesson_id: UUID) -> LessonView:
    rows = LessonLedger.objects.filter(pk=lesson_id)
    views = _views_of_stored([lesson_id], {row.lesson_id: row for row in rows})
    if not views:
        raise LessonNotFound
    return views[lesson_id]


def list_lessons(criteria: LessonFilter, part: Slice) -> Page[LessonView]:
    """Lessons of both stores in one list, by id, which follows the time they were made.

    The number of queries does not grow with the lessons of a page. Of those in Redis, only the
    ones that can be on it are read. Raises LiveStoreUnavailable.
    """
    ledger_rows = {row.lesson_id: row for row in part.rows(_filter_rows(criteria), "lesson_id")}
    not_in_ledger = _not_in_ledger(criteria, part, list(ledger_rows))
    cut = part.cut([*ledger_rows, *not_in_ledger])
    views = [view for view in _views(cut.keys, ledger_rows) if _is_wanted(view, criteria.state)]
    return Page(views, cut.next_key, cut.previous_key)


def _filter_rows(criteria: LessonFilter) -> QuerySet[LessonLedger]:
    rows = LessonLedger.objects.all()
    if criteria.teacher_numbers or criteria.section_ids is not None:
        own = Q(teacher_number__in=criteria.teacher_numbers)
        rows = rows.filter(own | Q(section_id__in=criteria.section_ids or ()))
    if criteria.state == PAST:
        rows = rows.filter(state__in=[LessonState.PERSISTED, LessonState.DISCARDED])
    elif criteria.state:
        rows = rows.filter(_by_state(criteria.state))
    if criteria.starts_from:
        rows = rows.filter(starts_at__gte=criteria.starts_from)
    if criteria.starts_to:
        rows = rows.filter(starts_at__lt=criteria.starts_to)
    if criteria.search:
        rows = newest_of(rows, by="lesson_id").filter(
            Q(lesson_name__found=criteria.search)
            | Q(teacher_name__found=criteria.search)
            | Q(teacher_number__found=criteria.search)
        )
    return rows


def _by_state(state: str) -> Q:
    """The clock decides between scheduled, live and ended: `_is_wanted` filters by it later."""
    moving = [LessonState.SCHEDULED, LessonState.LIVE, LessonState.ENDED]
    return Q(state__in=moving if state in moving else [state])


def _not_in_ledger(criteria: LessonFilter, part: Slice, beside: Sequence[UUID]) -> list[UUID]:
    """Lessons in Redis without a ledger row: PostgreSQL was away when they began.

    Of this part, whose rows are `beside`: so many as its limit, and one more.
    """
    bounds = part.bounds(beside)
    if criteria.teacher_numbers or criteria.section_ids is not None:
        named = store.named_lessons(
            school_numbers=criteria.teacher_numbers, section_ids=criteria.section_ids or ()
        )
        ids = part.in_order(filter(bounds.holds, named))
    else:
        ids = part.in_order(store.due_ids(above=bounds.above, below=bounds.below))
    most = part.limit + 1
    found: list[UUID] = []
    at, size = 0, most
    while at < len(ids) and len(found) < most:
        found += _matching_outside_ledger(ids[at : at + size], criteria)
        # Where few are meant, few steps find them.
        at, size = at + size, size * _STEP
    return found


def _matching_outside_ledger(ids: Sequence[UUID], criteria: LessonFilter) -> list[UUID]:
    rows = LessonLedger.objects.filter(pk__in=ids)
    in_ledger = set(rows.values_list("pk", flat=True))
    lessons = _readable([i for i in ids if i not in in_ledger])
    return [lesson.id for lesson in lessons if _matches(lesson, criteria)]


def _matches(lesson: LiveLesson, criteria: LessonFilter) -> bool:
    teacher = lesson.data.teacher
    texts = (lesson.data.lesson_name, teacher.full_name, teacher.school_number)
    return (
        (criteria.starts_from is None or lesson.starts_at >= criteria.starts_from)
        and (criteria.starts_to is None or lesson.starts_at < criteria.starts_to)
        and is_found(criteria.search, *texts)
        and _is_of_whom(lesson, criteria)
    )


def _is_of_whom(lesson: LiveLesson, criteria: LessonFilter) -> bool:
    """The teacher's own, or of one of the sections; everybody's where neither is asked for."""
    if not criteria.teacher_numbers and criteria.section_ids is None:
        return True
    section = lesson.data.section
    is_own = lesson.data.teacher.school_number in criteria.teacher_numbers
    return is_own or (section is not None and section.id in (criteria.section_ids or ()))


def _readable(lesson_ids: Sequence[UUID]) -> list[LiveLesson]:
    lessons = store.read_lessons(lesson_ids).values()
    return [x for x in lessons if isinstance(x, LiveLesson) and not x.is_starting]


def _views(ids: Sequence[UUID], ledger_rows: Mapping[UUID, LessonLedger]) -> list[LessonView]:
    # As `whereabouts` asks, for many lessons at once: the rows were read for the list.
    discarded = {i for i, row in ledger_rows.items() if row.state == LessonState.DISCARDED}
    lessons = store.read_lessons([i for i in ids if i not in discarded])
    live = {i: x for i, x in lessons.items() if isinstance(x, LiveLesson) and not x.is_starting}
    counts = count_live(list(live))
    stored = _views_of_stored([i for i in ids if i not in live], ledger_rows)
    views = []
    for lesson_id in ids:
        if lesson_id in live:
            ledger_state = (
                ledger_rows[lesson_id].state if lesson_id in ledger_rows else whereabouts.UNKNOWN
            )
            state = state_now(live[lesson_id], ledger_state)
            views.append(_live_lesson(live[lesson_id], state, counts[lesson_id]))
        elif lesson_id in stored:
            is_there = lessons.get(lesson_id) is store.Missing.UNREADABLE
            views.append(_not_lost(stored[lesson_id]) if is_there else stored[lesson_id])
    return views


def _not_lost(view: LessonView) -> LessonView:
    """A lesson that Redis holds and nobody can read is in quarantine, not lost."""
    if view.state != LessonState.LOST:
        return view
    return msgspec.structs.replace(view, state=LessonState.QUARANTINED)


def _is_wanted(view: LessonView, state: str) -> bool:
    """Filter by the present state: the ledger may be some minutes old."""
    if state == PAST:
        return view.state in {LessonState.PERSISTED, LessonState.DISCARDED}
    return not state or view.state == state


def _views_of_stored(
    ids: Sequence[UUID], ledger_rows: Mapping[UUID, LessonLedger]
) -> dict[UUID, LessonView]:
    if not ids:
        return {}
    rows = Attendance.objects.select_related("teacher", "section").in_bulk(ids)
    counts, rosters = status_counts(ids), roster_counts(ids)
    sections = _sections_of([row for i, row in ledger_rows.items() if i not in rows])
    views: dict[UUID, LessonView] = {}
    for lesson_id in ids:
        ledger_row, row = ledger_rows.get(lesson_id), rows.get(lesson_id)
        if row is not None:
            state = ledger_row.state if ledger_row else LessonState.DISCARDED
            lesson_counts = counts.get(lesson_id, {})
            roster = rosters.get(lesson_id, NO_ROSTER)
            views[lesson_id] = lesson_of_stored(
                row, state=state, counts=lesson_counts, roster=roster
            )
        elif ledger_row is not None and ledger_row.starts_at and ledger_row.ends_at:
            views[lesson_id] = _of_ledger_row(
                ledger_row,
                ledger_row.starts_at,
                ledger_row.ends_at,
                sections.get(ledger_row.section_id or 0),
            )
    return views


def _sections_of(ledger_rows: Sequence[LessonLedger]) -> dict[int, Section]:
    """The sections of lessons that only the ledger has; no query where none has one."""
    ids = {row.section_id for row in ledger_rows if row.section_id is not None}
    return Section.objects.in_bulk(ids) if ids else {}


def _of_ledger_row(
    ledger_row: LessonLedger, starts_at: datetime, ends_at: datetime, section: Section | None
) -> LessonView:
    """A lesson that only the ledger has; it is lost where Redis should hold it."""
    return LessonView(
        id=ledger_row.lesson_id,
        lesson_name=ledger_row.lesson_name,
        teacher=Person(ledger_row.teacher_number, ledger_row.teacher_name, Role.TEACHER),
        starts_at=starts_at,
        ends_at=ends_at,
        section=section_of_row(section, section.local_date(starts_at) if section else None),
        state=LessonState.LOST if ledger_row.state in OPEN_STATES else ledger_row.state,
    )
