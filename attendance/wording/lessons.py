"""Plain words for teachers: where a lesson is, and what happened to a record."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from attendance.rules.verdicts import DELETED, NO_RECORD
from attendance.selectors.registers import EventView
from attendance.selectors.shapes import RegisterRecord
from attendance.vocabulary import EventKind, LessonState, Source, Status
from users.wording import time_of_day


class StateWords(NamedTuple):
    title: str | Promise
    next_step: str | Promise
    tone: str


STATES = {
    LessonState.SCHEDULED: StateWords(
        gettext_lazy("Not begun"), gettext_lazy("Students can check in when it begins."), "calm"
    ),
    LessonState.LIVE: StateWords(
        gettext_lazy("Live"), gettext_lazy("Students check in now."), "good"
    ),
    LessonState.ENDED: StateWords(
        gettext_lazy("Over, is being saved"),
        gettext_lazy("Every mark is kept. Nothing to do."),
        "calm",
    ),
    LessonState.PERSISTED: StateWords(
        gettext_lazy("Saved"), gettext_lazy("The register is stored for good."), "good"
    ),
    LessonState.DISCARDED: StateWords(
        gettext_lazy("Saved"), gettext_lazy("The register is stored for good."), "good"
    ),
    LessonState.FAILED: StateWords(
        gettext_lazy("Not saved yet"),
        gettext_lazy(
            "It is kept, and saving is tried again by itself. If it stays so, tell your staff."
        ),
        "warn",
    ),
    LessonState.QUARANTINED: StateWords(
        gettext_lazy("Needs your staff"),
        gettext_lazy(
            "The data of this lesson is damaged and kept. Tell your staff: they can see it."
        ),
        "bad",
    ),
    LessonState.LOST: StateWords(
        gettext_lazy("Lost from the live store"),
        gettext_lazy(
            "Tell your staff, and ask your students to open My attendance: their phones bring "
            "their marks back."
        ),
        "bad",
    ),
}
_STATUSES = dict(Status.choices) | {
    NO_RECORD: gettext_lazy("no record"),
    DELETED: gettext_lazy("taken out"),
}


def status_word(status: str) -> str:
    """A status, or what an event says in its place."""
    return str(_STATUSES.get(status, status))


class Happened(NamedTuple):
    """One line of a record's history."""

    what: str
    at: datetime | None
    who: str
    why: str


def history(record: RegisterRecord, events: Sequence[EventView]) -> list[Happened]:
    """What happened to a record, oldest first: the check-in, then each event of its own."""
    own = [e for e in events if e.student and e.student.school_number == record.school_number]
    lines = []
    has_arrival_event = any(event.kind == EventKind.RECORD_ARRIVED for event in own)
    if record.checked_in_at is not None and not has_arrival_event:
        first = next((e.old for e in own if e.old != NO_RECORD), record.status)
        lines.append(
            Happened(status_word(first), record.checked_in_at, _("the student"), _("checked in"))
        )
    return [*lines, *(_happened(event) for event in own)]


def _happened(event: EventView) -> Happened:
    who = _("the verifier") if event.source == Source.VERIFIER else event.actor.full_name
    change = f"{status_word(event.old)} → {status_word(event.new)}"
    if event.kind == EventKind.RECORD_ARRIVED:
        # The arrival alone would be worth `new`; it changed nothing.
        return Happened(
            _("came, which alone would be: %(status)s") % {"status": status_word(event.new)},
            event.happened_at,
            _("the student"),
            _("a word had been said before, and it stands"),
        )
    if event.kind == EventKind.RECORD_CLAIMED:
        stands = _("kept here; a word of higher rank stands")
        why = f"{event.reason} ({stands})" if event.reason else stands
        said = _("said: %(status)s") % {"status": status_word(event.new)}
        return Happened(said, event.happened_at, who, why)
    if event.kind == EventKind.ROSTER_ADDED:
        return Happened(_("added to the roster"), event.happened_at, who, event.reason)
    return Happened(change, event.happened_at, who, event.reason)


def clock(at: datetime) -> str:
    """An instant as a time of the campus's day."""
    return time_of_day(timezone.localtime(at), "H:i:s")
