"""Alarms as they are kept: since when each is on, and what staff have said of it."""

import logging
from collections.abc import Sequence
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from attendance.errors import AlarmNotFound, AlarmStays, AlreadySettled, Conflict, ReasonRequired
from attendance.models import AlarmAcknowledgement, AlarmEpisode, LessonLedger
from attendance.rules.permissions import check_is_staff
from attendance.selectors import alarms
from attendance.selectors.alarms import KINDS, AlarmPart, FoundAlarm, FoundAlarms, finding
from attendance.selectors.alarms.kinds import LESSON_LOST
from attendance.services import validation
from attendance.vocabulary import LessonState
from users.errors import gettext_noop as _
from users.identity import Person
from users.models import User

logger = logging.getLogger(__name__)


def look() -> None:
    """After a run: write down which alarms have begun and which have ended. It never raises."""
    try:
        seen = alarms.find({**finding.SOURCES, **finding.SLOW})
        # While PostgreSQL is away, or its tables are of another release, nothing is written.
        if AlarmPart.LESSONS not in seen.unknown:
            note(seen)
    except Exception:
        logger.exception("The alarms could not be written down")
        connection.close()


def note(seen: FoundAlarms) -> None:
    """Open an episode for each alarm that is new, and end those of what is no longer on.

    Where a part could not be asked, its alarms stay as they were. Raises django.db.Error.
    """
    on = {(each.kind.code, each.subject): each for each in seen.found if _is_kept(each)}
    with transaction.atomic():
        rows = AlarmEpisode.objects.select_for_update().filter(ended_at=None).order_by("id")
        known = {(row.code, row.subject): row for row in rows}
        over = [row.pk for key, row in known.items() if _is_over(row, on.get(key), seen)]
        AlarmEpisode.objects.filter(pk__in=over).update(
            ended_at=Greatest(F("began_at"), timezone.now())
        )
        new = [
            AlarmEpisode(code=code, subject=subject, cause=each.cause)
            for (code, subject), each in on.items()
            if (code, subject) not in known or known[code, subject].pk in over
        ]
        # Another process may write the same down just now.
        AlarmEpisode.objects.bulk_create(new, ignore_conflicts=True)


def _is_kept(found: FoundAlarm) -> bool:
    """What a process knows of itself alone is in no book."""
    return found.kind.part is not AlarmPart.SCHEDULER


def _is_over(row: AlarmEpisode, found: FoundAlarm | None, seen: FoundAlarms) -> bool:
    if found is not None:
        return found.cause != row.cause
    kind = KINDS.get(row.code)
    return kind is None or kind.part not in seen.unknown


def acknowledge(
    code: str, subject: str, *, actor: Person, reason: str, cause: str | None = None
) -> AlarmAcknowledgement:
    """Say that an alarm is known and may stay: until its cause ends, it is told and no more.

    `cause` is the one that was seen, where the caller has shown it. Raises NotYourLesson,
    ReasonRequired, InvalidInput, AlarmNotFound, AlarmStays and Conflict.
    """
    check_is_staff(actor)
    clean = _reason(reason)
    seen = alarms.find({**finding.SOURCES, **finding.SLOW})
    found = next((x for x in seen.found if (x.kind.code, x.subject) == (code, subject)), None)
    if found is None:
        raise AlarmNotFound
    if not found.kind.may_be_acknowledged:
        raise AlarmStays
    if cause is not None and cause != found.cause:
        raise Conflict
    note(seen)
    return _write_down(code, subject, actor, clean)


def settle_lost(lesson_ids: Sequence[UUID], *, actor: Person, reason: str) -> None:
    """Say of lost lessons that nothing more can come: their alarm ends, and they stay lost.

    Raises NotYourLesson, ReasonRequired, InvalidInput, AlarmNotFound where one is not lost,
    and AlreadySettled.
    """
    check_is_staff(actor)
    clean = _reason(reason)
    with transaction.atomic():
        rows = LessonLedger.objects.select_for_update().filter(lesson_id__in=lesson_ids)
        found = {row.lesson_id: row for row in rows.order_by("lesson_id")}
        states = {row.state for row in found.values()}
        if found.keys() != set(lesson_ids) or states != {LessonState.LOST}:
            raise AlarmNotFound(
                _("Only a lesson that is lost can be settled. Load the page again.")
            )
        if any(row.settled_at for row in found.values()):
            raise AlreadySettled(_("This lesson was settled before. Load the page again."))
        rows.update(settled_at=timezone.now(), settled_by=_user(actor), settled_reason=clean)
        for lesson_id in found:
            _settle_episode(str(lesson_id), actor, clean)


def _settle_episode(subject: str, actor: Person, reason: str) -> None:
    """The books of alarms keep the word too: a lesson that is lost once more is another episode."""
    AlarmEpisode.objects.bulk_create(
        [AlarmEpisode(code=LESSON_LOST.code, subject=subject)], ignore_conflicts=True
    )
    _write_down(LESSON_LOST.code, subject, actor, reason)
    AlarmEpisode.objects.filter(code=LESSON_LOST.code, subject=subject, ended_at=None).update(
        ended_at=Greatest(F("began_at"), timezone.now())
    )


def _write_down(code: str, subject: str, actor: Person, reason: str) -> AlarmAcknowledgement:
    episode = AlarmEpisode.objects.filter(code=code, subject=subject, ended_at=None).first()
    if episode is None:
        raise AlarmNotFound
    return AlarmAcknowledgement.objects.create(
        episode=episode, actor=_user(actor), actor_name=actor.full_name, reason=reason
    )


def _reason(text: str) -> str:
    reason = validation.clean_reason(text)
    if not reason:
        raise ReasonRequired
    return reason


def _user(actor: Person) -> User:
    return User.objects.get(school_number=actor.school_number)
