"""Starting, finishing, extending and renaming a lesson."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import Error, connection

from attendance.errors import (
    LessonClosed,
)
from attendance.live import codes, store
from attendance.live.payloads import EventData, LessonData, LiveLesson, RequestKey
from attendance.rules import permissions, window
from attendance.rules.status import NO_RULE
from attendance.selectors import access, shapes, whereabouts
from attendance.services import ids, ledger, stored_lessons, validation
from attendance.services.persistence import unified_persistence_task
from attendance.services.persistence.candidates import RunOptions
from attendance.services.persistence.report import PersistenceReport
from attendance.services.request_keys import is_stored, request_key
from attendance.services.rosters.lesson_sections import SectionOfLesson, find_section_of_lesson
from attendance.services.stores import writing
from attendance.services.stores.sites import find_sites
from attendance.vocabulary import EventKind, Trigger
from users.errors import gettext_noop as _
from users.identity import Person

logger = logging.getLogger(__name__)


class LessonPlan(NamedTuple):
    """What a teacher says of a lesson: its end as an instant or in minutes."""

    lesson_name: str = ""
    """The section's title, where it is not given."""
    ends_at: datetime | None = None
    minutes: int | None = None
    """From the start; 45 where there is no end either."""
    starts_at: datetime | None = None
    """Now, by the live store's clock, where it is not given."""
    late_after_minutes: int | None = None
    """From the start; a check-in after that is late. As the section's rule says, where it is not
    given; never, without a section."""
    checks: Sequence[str] = ()
    """What a check-in has to show: any of code, network, external."""
    networks: Sequence[str] = ()
    """In CIDR notation, for the check `network`; those of the campus where none is given."""
    section: str = ""
    """The id or the code of the section that is taught; '' for a lesson without one."""


class Started(NamedTuple):
    lesson: LiveLesson
    is_joined: bool
    """Whether its section had this lesson before: then the plan was not looked at."""


class Finished(NamedTuple):
    ends_at: datetime
    report: PersistenceReport | None
    """Of persisting the lesson at once; None where it is stored or waits for the next run."""


def start_lesson(plan: LessonPlan, *, teacher: Person, request_id: str = "") -> LiveLesson:
    """As `start_or_join`, for a caller who does not ask whose lesson it is."""
    return start_or_join(plan, teacher=teacher, request_id=request_id).lesson


def start_or_join(plan: LessonPlan, *, teacher: Person, request_id: str = "") -> Started:
    """Start a lesson now, or schedule it. The same request id again returns the same lesson.

    Where its section has a lesson at that time, that one is returned: teachers and assistants
    of a section share it. Raises NotATeacher, InvalidWindow, InvalidInput, LessonAlreadyLive
    (a teacher has one lesson at a time; it names that one), RequestIdReused, SectionNotFound,
    SectionAmbiguous and LiveStoreUnavailable.
    """
    if not plan.section:
        permissions.check_may_start(teacher)
    window.check_late_after(plan.late_after_minutes)
    now = store.now()
    starts_at = plan.starts_at or now
    ends_at = window.end_of(starts_at, ends_at=plan.ends_at, minutes=plan.minutes)
    window.check_window(starts_at, ends_at, now=now)
    section = (
        find_section_of_lesson(plan.section, teacher=teacher, at=starts_at)
        if plan.section
        else None
    )
    new = store.NewLesson(
        ids.new_lesson_id(now),
        starts_at,
        ends_at,
        _data(plan, section, teacher=teacher, request_id=request_id),
        section.roster if section else {},
    )
    lesson = store.start(new)
    _enter_in_ledger(lesson)
    return Started(lesson, is_joined=not store.is_own(lesson.data, new.data))


def _data(
    plan: LessonPlan, section: SectionOfLesson | None, *, teacher: Person, request_id: str
) -> LessonData:
    checks = validation.clean_checks(plan.checks)
    name = plan.lesson_name or (section.title if section else "")
    request = _start_request(plan, teacher=teacher, request_id=request_id)
    return LessonData(
        lesson_name=validation.clean_lesson_name(name),
        teacher=validation.clean_person(teacher),
        request_id=request.id,
        request_digest=request.digest,
        rule=window.rule_of(section.rule if section else NO_RULE, plan.late_after_minutes),
        checks=checks,
        networks=validation.clean_networks(plan.networks, checks),
        secret=codes.new_secret(),
        code_seconds=settings.CODE_SECONDS,
        section=section.data if section else None,
        site=_own_site(),
    )


def _own_site() -> str:
    """The id of this site, or '': a lesson starts without PostgreSQL too."""
    try:
        return str(find_sites().own)
    except Error:
        return ""


def _start_request(plan: LessonPlan, *, teacher: Person, request_id: str) -> RequestKey:
    """Of the plan as it was sent: a start without an end repeats whatever the clock says."""
    content = plan._asdict() | {
        "checks": sorted(plan.checks),
        "networks": sorted(plan.networks),
        "lesson_name": plan.lesson_name.strip(),
    }
    return request_key(request_id=request_id, kind="start", actor=teacher, **content)


def _enter_in_ledger(lesson: LiveLesson) -> None:
    """Best effort: without PostgreSQL the lesson starts anyway, and the task enters it later."""
    try:
        ledger.enter_started(lesson)
    except Error as error:
        logger.warning("Lesson %s is not in the ledger yet: %s", lesson.id, error)


def finish_lesson(lesson_id: UUID, *, actor: Person, request_id: str = "") -> Finished:
    """End a lesson now and persist it at once, best effort; finished again, the same answer.

    Raises LessonNotFound, NotYourLesson, RequestIdReused and LiveStoreUnavailable.
    """
    request = request_key(request_id=request_id, kind=EventKind.LESSON_FINISHED, actor=actor)

    def live() -> Finished:
        event = event_of(EventKind.LESSON_FINISHED, store.read_lesson(lesson_id), actor)
        ends_at = store.finish(lesson_id, request=request, event=event)
        return Finished(ends_at, _persist_now(lesson_id))

    def stored() -> Finished:
        attendance = stored_lessons.find_attendance(lesson_id, actor)
        is_stored(lesson_id, request)
        return Finished(attendance.ends_at, None)

    return whereabouts.redis_first(live=live, stored=stored)


def _persist_now(lesson_id: UUID) -> PersistenceReport | None:
    if connection.in_atomic_block:
        # The caller could roll the task's commits back: the next run persists the lesson.
        return None
    return unified_persistence_task(
        lesson_ids=[lesson_id], options=RunOptions(trigger=Trigger.FINISH)
    )


class LessonChange(NamedTuple):
    """What somebody wants to be otherwise; None for what stays."""

    ends_at: datetime | None = None
    lesson_name: str | None = None


def change_lesson(
    lesson_id: UUID, change: LessonChange, *, actor: Person, request_id: str = ""
) -> None:
    """Give a lesson a later end, another name, or both; one request, whatever it changes.

    Raises as `extend_lesson` and `rename_lesson`; RequestIdReused before anything is changed.
    """
    if change.ends_at is not None:
        window.check_instant(change.ends_at)
    name = change.lesson_name
    clean = change._replace(
        lesson_name=None if name is None else validation.clean_lesson_name(name)
    )
    first = request_key(request_id=request_id, kind="change_lesson", actor=actor, **clean._asdict())
    # The digest is that of the whole, so the first event under the id stands for all of it.
    # No caller can send an id with ~.
    second = first._replace(id=f"~{first.id}-name") if clean.ends_at is not None else first
    if clean.ends_at is not None:
        _extend(lesson_id, clean.ends_at, actor, first)
    if clean.lesson_name is not None:
        _rename(lesson_id, clean.lesson_name, actor, second)


def extend_lesson(
    lesson_id: UUID, ends_at: datetime, *, actor: Person, request_id: str = ""
) -> datetime:
    """Give a lesson that is not over a later end. Returns it.

    Raises LessonNotFound, LessonClosed, InvalidWindow, NotYourLesson, RequestIdReused,
    LessonHasTooManyChanges and LiveStoreUnavailable.
    """
    window.check_instant(ends_at)
    kind = EventKind.LESSON_EXTENDED
    request = request_key(request_id=request_id, kind=kind, actor=actor, ends_at=ends_at)
    return _extend(lesson_id, ends_at, actor, request)


def _extend(lesson_id: UUID, ends_at: datetime, actor: Person, request: RequestKey) -> datetime:
    def live() -> datetime:
        event = event_of(EventKind.LESSON_EXTENDED, store.read_lesson(lesson_id), actor)
        return store.extend(lesson_id, ends_at, request=request, event=event)

    def stored() -> datetime:
        attendance = stored_lessons.find_attendance(lesson_id, actor)
        if is_stored(lesson_id, request):
            return attendance.ends_at
        raise LessonClosed(_("This lesson is over, so it cannot be extended."))

    # It changes no mark, so it may go on while PostgreSQL does not answer.
    return whereabouts.read(lesson_id, live=live, stored=stored)


def rename_lesson(
    lesson_id: UUID, lesson_name: str, *, actor: Person, request_id: str = ""
) -> None:
    """Give a lesson another name, live or stored; the same name changes nothing.

    Raises InvalidInput, LessonNotFound, NotYourLesson, Conflict, RequestIdReused,
    LessonHasTooManyChanges and LiveStoreUnavailable.
    """
    name = validation.clean_lesson_name(lesson_name)
    kind = EventKind.LESSON_RENAMED
    request = request_key(request_id=request_id, kind=kind, actor=actor, lesson_name=name)
    _rename(lesson_id, name, actor, request)


def _rename(lesson_id: UUID, name: str, actor: Person, request: RequestKey) -> None:
    def live() -> None:
        lesson = store.read_lesson(lesson_id)
        change = f"{lesson.data.lesson_name} → {name}"
        event = event_of(EventKind.LESSON_RENAMED, lesson, actor, change)
        # Also where nothing would change: the id may stand for another change.
        if store.is_repeated(lesson_id, request) or is_stored(lesson_id, request):
            return
        if name != lesson.data.lesson_name:
            data = msgspec.structs.replace(lesson.data, lesson_name=name)
            store.change_data(lesson, data, request=request, event=event)

    def stored() -> None:
        stored_lessons.rename_attendance(lesson_id, name, actor=actor, request=request)

    writing.write(lesson_id, request=request, live=live, stored=stored)


def event_of(kind: EventKind, lesson: LiveLesson, actor: Person, reason: str = "") -> EventData:
    """The event of a change to a live lesson. Raises NotYourLesson."""
    source = access.check_may_change(actor, shapes.brief_of_live(lesson))
    return EventData(kind.value, validation.clean_person(actor), source, reason=reason)
