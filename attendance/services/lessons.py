"""Starting, finishing, extending and renaming a lesson."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import Error, connection

from attendance.errors import (
    InvalidInput,
    InvalidWindow,
    LessonClosed,
    LessonNotFound,
    NotATeacher,
)
from attendance.live import codes, store
from attendance.live.payloads import EventData, LessonData, LiveLesson
from attendance.selectors.lessons import is_discarded
from attendance.services import ids, ledger, stored_lessons, validation
from attendance.services.persistence import unified_persistence_task
from attendance.services.persistence.candidates import RunOptions
from attendance.services.persistence.report import PersistenceReport
from attendance.vocabulary import EventKind, Trigger
from users.identity import Person, Role

logger = logging.getLogger(__name__)

DEFAULT_MINUTES = 45
MOST_MINUTES = 24 * 60


class LessonPlan(NamedTuple):
    """What a teacher says of a lesson: its end as an instant or in minutes."""

    lesson_name: str
    ends_at: datetime | None = None
    minutes: int | None = None
    """From the start; 45 where there is no end either."""
    starts_at: datetime | None = None
    """Now, by the live store's clock, where it is not given."""
    late_after_minutes: int | None = None
    """From the start; a check-in after that is late. Never, where it is not given."""
    checks: Sequence[str] = ()
    """What a check-in has to show: any of code, network, external."""
    networks: Sequence[str] = ()
    """In CIDR notation, for the check `network`; those of the campus where none is given."""


class Finished(NamedTuple):
    ends_at: datetime
    report: PersistenceReport | None
    """Of persisting the lesson at once; None where it is stored or waits for the next run."""


def start_lesson(plan: LessonPlan, *, teacher: Person, request_id: str = "") -> LiveLesson:
    """Start a lesson now, or schedule it. The same request id again returns the same lesson.

    Raises NotATeacher, InvalidWindow, InvalidInput, LessonAlreadyLive (a teacher
    has one lesson at a time; it names that one) and LiveStoreUnavailable.
    """
    if teacher.role is Role.STUDENT:
        raise NotATeacher
    checks = validation.clean_checks(plan.checks)
    data = LessonData(
        lesson_name=validation.clean_lesson_name(plan.lesson_name),
        teacher=validation.clean_person(teacher),
        late_after_minutes=_late_after(plan),
        request_id=validation.clean_request_id(request_id),
        checks=checks,
        networks=validation.clean_networks(plan.networks, checks),
        secret=codes.new_secret(),
        code_seconds=settings.CODE_SECONDS,
    )
    now = store.now()
    starts_at, ends_at = _window(plan, now)
    validation.check_window(starts_at, ends_at, now=now)
    lesson = store.start(store.NewLesson(ids.new_lesson_id(now), starts_at, ends_at, data))
    _enter_in_ledger(lesson)
    return lesson


def _late_after(plan: LessonPlan) -> int | None:
    if plan.late_after_minutes is not None and not 0 <= plan.late_after_minutes <= MOST_MINUTES:
        raise InvalidInput(f"late_after_minutes is between 0 and {MOST_MINUTES}. Choose another.")
    return plan.late_after_minutes


def _window(plan: LessonPlan, now: datetime) -> tuple[datetime, datetime]:
    starts_at = plan.starts_at or now
    if plan.ends_at is not None:
        if plan.minutes is not None:
            raise InvalidWindow("Give the end as ends_at or as minutes, not both.")
        return starts_at, plan.ends_at
    minutes = DEFAULT_MINUTES if plan.minutes is None else plan.minutes
    if not 1 <= minutes <= MOST_MINUTES:
        raise InvalidWindow(f"A lesson lasts 1 to {MOST_MINUTES} minutes. Choose another length.")
    return starts_at, starts_at + timedelta(minutes=minutes)


def _enter_in_ledger(lesson: LiveLesson) -> None:
    """Best effort: without PostgreSQL a lesson starts all the same, the task enters it later."""
    try:
        ledger.enter_started(lesson)
    except Error as error:
        logger.warning("Lesson %s is not in the ledger yet: %s", lesson.id, error)


def finish_lesson(lesson_id: UUID, *, actor: Person, request_id: str = "") -> Finished:
    """End a lesson now and persist it at once, best effort; finished again, the same answer.

    Raises LessonNotFound, NotYourLesson and LiveStoreUnavailable.
    """
    try:
        event = _event(EventKind.LESSON_FINISHED, lesson_id, actor)
    except LessonNotFound:
        return Finished(stored_lessons.find_attendance(lesson_id, actor).ends_at, None)
    request = validation.clean_request_id(request_id)
    ends_at = store.finish(lesson_id, request_id=request, event=event)
    return Finished(ends_at, _persist_now(lesson_id))


def _persist_now(lesson_id: UUID) -> PersistenceReport | None:
    if connection.in_atomic_block:
        # Its commits would be the caller's to take back: the next run does it.
        return None
    return unified_persistence_task(
        lesson_ids=[lesson_id], options=RunOptions(trigger=Trigger.FINISH)
    )


def extend_lesson(
    lesson_id: UUID, ends_at: datetime, *, actor: Person, request_id: str = ""
) -> datetime:
    """Give a lesson that is not over a later end. Returns it.

    Raises LessonNotFound, LessonClosed, InvalidWindow, NotYourLesson and
    LiveStoreUnavailable.
    """
    if ends_at.utcoffset() is None:
        raise InvalidWindow("Give instants with their offset, as in 2026-03-02T09:00:00+03:00.")
    try:
        event = _event(EventKind.LESSON_EXTENDED, lesson_id, actor)
    except LessonNotFound:
        stored_lessons.find_attendance(lesson_id, actor)
        raise LessonClosed("This lesson is over, so it cannot be extended.") from None
    request = validation.clean_request_id(request_id)
    return store.extend(lesson_id, ends_at, request_id=request, event=event)


def rename_lesson(
    lesson_id: UUID, lesson_name: str, *, actor: Person, request_id: str = ""
) -> None:
    """Give a lesson another name, live or stored; the same name changes nothing.

    Raises InvalidInput, LessonNotFound, NotYourLesson, Conflict and LiveStoreUnavailable.
    """
    name = validation.clean_lesson_name(lesson_name)
    request = validation.clean_request_id(request_id)
    lesson = _live_or_none(lesson_id)
    if lesson is None:
        stored_lessons.rename_attendance(lesson_id, name, actor=actor, request_id=request)
        return
    words = f"{lesson.data.lesson_name} → {name}"
    event = _event_of(EventKind.LESSON_RENAMED, lesson, actor, words)
    if name != lesson.data.lesson_name:
        store.rename(lesson, name, request_id=request, event=event)


def _live_or_none(lesson_id: UUID) -> LiveLesson | None:
    if is_discarded(lesson_id):
        return None
    try:
        return store.read_lesson(lesson_id)
    except LessonNotFound:
        return None


def _event(kind: EventKind, lesson_id: UUID, actor: Person) -> EventData:
    return _event_of(kind, store.read_lesson(lesson_id), actor)


def _event_of(kind: EventKind, lesson: LiveLesson, actor: Person, reason: str = "") -> EventData:
    source = validation.check_may_change(actor, lesson.data.teacher.school_number)
    return EventData(kind.value, validation.clean_person(actor), source.value, reason=reason)
