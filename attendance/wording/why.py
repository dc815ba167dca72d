"""Why a record has its status, in words: who spoke, when the student came, what the rule says.

Times are those of the clock where the lesson is taught. They have as many places as it takes
to tell the arrival from the bound that decided: seconds only within the same minute.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from attendance.rules.effective import DECISIONS
from attendance.rules.instants import milliseconds
from attendance.rules.precedence import SYSTEM
from attendance.rules.status import MS_OF_A_SECOND
from attendance.rules.verdicts import Mark
from attendance.selectors.registers import EventView
from attendance.selectors.shapes import LessonBrief, RegisterRecord
from attendance.vocabulary import EventKind, Refusal, Source, Status
from users.wording import time_of_day

MS_OF_A_MINUTE: Final = 60_000
_DECISION_KINDS: Final = {EventKind.RECORD_CORRECTED, EventKind.RECORD_VERIFIED}


def why(record: RegisterRecord, lesson: LessonBrief, events: Sequence[EventView] = ()) -> str:
    """Why a record is what it is; with its events, whoever decided is named."""
    if lesson.not_held_reason:
        return _("does not count: the lesson was not held (%(reason)s)") % {
            "reason": lesson.not_held_reason
        }
    if record.is_deleted:
        return _taken_out(record, lesson, events)
    if record.status == Status.PENDING:
        return _waits(record, lesson)
    status = str(Status(record.status).label)
    if record.source in DECISIONS:
        return _said(status, record, lesson, events)
    because = _of_the_system(record) if record.source == SYSTEM else _by_arrival(record, lesson)
    return f"{status}: {because}"


def is_held_walk_in(record: RegisterRecord) -> bool:
    """Whether a check-in waits because its student was not on the roster."""
    return record.status == Status.PENDING and record.reason == Refusal.NOT_ON_ROSTER


def reason_shown(record: RegisterRecord) -> str:
    """The reason of a record as people read it: one that the system gave is a code."""
    return str(Refusal.NOT_ON_ROSTER.label) if is_held_walk_in(record) else record.reason


def reason_of_person(record: RegisterRecord) -> str:
    """The reason that somebody gave; that of the system is told by `why`."""
    is_told = record.source == SYSTEM or is_held_walk_in(record)
    return "" if is_told else record.reason


def zone_of(lesson: LessonBrief) -> tzinfo:
    """The clock of a lesson: of its course, or of the campus."""
    if lesson.time_zone is None:
        return timezone.get_current_timezone()
    return ZoneInfo(lesson.time_zone)


def _taken_out(record: RegisterRecord, lesson: LessonBrief, events: Sequence[EventView]) -> str:
    if record.mark == Mark.UNDONE:
        return _("no mark: it was added, and taken back")
    return _said(_("taken out"), record, lesson, events)


def _waits(record: RegisterRecord, lesson: LessonBrief) -> str:
    came = _came(record, lesson)
    if is_held_walk_in(record):
        return _("waiting: not on the roster, %(came)s; the teacher decides") % {"came": came}
    return _("waiting: the verifier has not answered yet, %(came)s") % {"came": came}


def _of_the_system(record: RegisterRecord) -> str:
    if record.status == Status.EXCUSED:
        if record.reason:
            return _("approved absence (%(reason)s)") % {"reason": record.reason}
        return _("approved absence")
    return _("no check-in by the end, and nobody has said otherwise")


def _said(
    status: str, record: RegisterRecord, lesson: LessonBrief, events: Sequence[EventView]
) -> str:
    """A word of the verifier, of a teacher or of staff; the arrival stands beside it."""
    decision = next((event for event in reversed(events) if _decided(record, event)), None)
    at = decision.happened_at if decision else _decided_at(record)
    values = {"status": status, "who": _speaker(record, decision)}
    if at is None:
        said = _("%(status)s: %(who)s said so") % values
    else:
        values["at"] = _day_and_time(at, lesson)
        said = _("%(status)s: %(who)s said so at %(at)s") % values
    return f"{said}; {_came(record, lesson)}" if record.checked_in_at else said


def _decided(record: RegisterRecord, event: EventView) -> bool:
    """Whether an event is the word by which the record stands."""
    return event.source == record.source and event.kind in _DECISION_KINDS


def _decided_at(record: RegisterRecord) -> datetime | None:
    """When the word was said; not known where the arrival came after it and changed the record."""
    return None if record.changed_at == record.checked_in_at else record.changed_at


def _speaker(record: RegisterRecord, decision: EventView | None) -> str:
    if record.source == Source.VERIFIER:
        return _("the verifier")
    if decision is not None:
        return decision.actor.full_name
    return _("your staff") if record.source == Source.STAFF else _("your teacher")


def _day_and_time(at: datetime, lesson: LessonBrief) -> str:
    zone = zone_of(lesson)
    local = at.astimezone(zone)
    is_same_day = local.date() == lesson.starts_at.astimezone(zone).date()
    return time_of_day(local, "H:i" if is_same_day else "j M Y, H:i")


def _came(record: RegisterRecord, lesson: LessonBrief) -> str:
    if record.checked_in_at is None:
        return _("no check-in")
    local = record.checked_in_at.astimezone(zone_of(lesson))
    return _("came %(at)s") % {"at": time_of_day(local, "H:i")}


def _by_arrival(record: RegisterRecord, lesson: LessonBrief) -> str:
    """The arrival beside the bound that decided, or that comes next."""
    rule, at = lesson.rule, record.checked_in_at
    is_absent = record.status == Status.ABSENT
    after_s = rule.absent_after_s if is_absent or rule.late_after_s is None else rule.late_after_s
    if at is None or after_s is None:
        return _came(record, lesson)
    bound = lesson.starts_at + timedelta(seconds=after_s)
    came, from_on = _told_apart(at, bound, zone_of(lesson))
    if is_absent or rule.late_after_s is None:
        return _("came %(at)s, absent from %(bound)s on") % {"at": came, "bound": from_on}
    return _("came %(at)s, late from %(bound)s on") % {"at": came, "bound": from_on}


def _told_apart(at: datetime, bound: datetime, zone: tzinfo) -> tuple[str, str]:
    """Two instants with as many places as it takes to see which one was first."""
    at_ms, bound_ms = milliseconds(at), milliseconds(bound)
    came, limit = at.astimezone(zone), bound.astimezone(zone)
    is_same_minute = at_ms // MS_OF_A_MINUTE == bound_ms // MS_OF_A_MINUTE
    is_same_second = at_ms // MS_OF_A_SECOND == bound_ms // MS_OF_A_SECOND
    bound_rest = bound_ms % MS_OF_A_MINUTE if is_same_minute else 0
    needs_ms = is_same_second and bool(bound_rest % MS_OF_A_SECOND)
    shown = [
        _clock(came, with_seconds=is_same_minute, with_ms=needs_ms),
        _clock(limit, with_seconds=bool(bound_rest), with_ms=needs_ms),
    ]
    if came.utcoffset() != limit.utcoffset():
        # The clocks were changed in between: the same time may come twice.
        shown = [f"{text} {each:%Z}" for text, each in zip(shown, (came, limit), strict=True)]
    return shown[0], shown[1]


def _clock(local: datetime, *, with_seconds: bool, with_ms: bool) -> str:
    text = date_format(local, "H:i:s" if with_seconds else "H:i")
    return f"{text}.{local.microsecond // 1000:03}" if with_ms else text
