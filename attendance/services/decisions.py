"""What a claim of one person makes of a record: the rank of who speaks, and the lesson's rule."""

from datetime import datetime
from typing import NamedTuple

from attendance.errors import InvalidInput
from attendance.rules import status, verdicts
from attendance.rules.instants import milliseconds
from attendance.rules.precedence import SYSTEM, is_blank, is_outranked
from attendance.rules.status import Window
from attendance.rules.verdicts import (
    BLANK,
    DELETED,
    NO_RECORD,
    UNDONE_REASON,
    VERDICT_OF,
    Change,
    Mark,
)
from attendance.selectors.shapes import LessonBrief, RegisterRecord
from attendance.vocabulary import EventKind, Status, Verdict
from users.errors import gettext_noop as _
from users.identity import Person


class Claim(NamedTuple):
    """What somebody says of one student."""

    verdict: Verdict
    source: str
    reason: str
    arrived_at: datetime | None
    """When the student came; then the rule gives the status."""
    kept_arrival: datetime | None = None
    """When the student came; it is kept beside the verdict."""


class Stamp(NamedTuple):
    """When a record was made what it is: its own revision and instant."""

    revision: int
    changed_at: datetime


class Original(NamedTuple):
    """A record as it was at the lesson, which is restored and not said anew."""

    status: str
    source: str
    reason: str
    checked_in_at: datetime | None
    previous: str = ""
    mark: str = Mark.KEPT.value
    actor: Person | None = None
    """Who made it what it is, where that was not the student."""
    stamp: Stamp | None = None
    """None where it cannot be told for certain: then it is restored at a new revision."""


class DecidedClaim(NamedTuple):
    """The record as the claim leaves it."""

    change: Change
    source: str
    reason: str
    checked_in_at: datetime | None
    is_outranked: bool = False
    """Whether a word of higher rank stands: the record stays, the claim is in its history."""
    restored: Original | None = None
    """The record from quarantine that it is, and no word of whoever brings it back."""
    stamp: Stamp | None = None
    """Its own, where it takes nobody's place; None for the revision after all others."""

    def kind(self, *, is_verdict: bool) -> EventKind:
        """What kind of event tells of the claim."""
        if self.restored is not None:
            return EventKind.RECORD_REPLAYED
        if self.is_outranked:
            return EventKind.RECORD_CLAIMED
        return EventKind.RECORD_VERIFIED if is_verdict else EventKind.RECORD_CORRECTED


def decide_claim(claim: Claim, before: RegisterRecord | None, lesson: LessonBrief) -> DecidedClaim:
    """What becomes of a record, or of a student without one (None).

    Accepting a check-in that waits gives it what its arrival is worth by the lesson's rule.
    Raises RecordNotFound, NothingToUndo, and InvalidInput for an arrival outside the lesson.
    """
    arrived_at = _arrival(claim, before, lesson)
    verdict = _by_the_rule(claim, before, arrived_at, lesson)
    change = verdicts.decide(before.standing if before else None, verdict)
    if before is not None and is_outranked(claim.source, by=before.source):
        kept = change._replace(status=before.status, previous=before.previous, mark=before.mark)
        return DecidedClaim(
            change=kept,
            source=before.source,
            reason=before.reason,
            checked_in_at=before.checked_in_at,
            is_outranked=True,
        )
    if before is not None and before.source == SYSTEM:
        change = change._replace(previous=BLANK)
    if verdict is Verdict.UNDO and before is not None and before.previous == BLANK:
        return DecidedClaim(change=change, source=SYSTEM, reason="", checked_in_at=None)
    reason = UNDONE_REASON if change.mark == Mark.UNDONE else claim.reason
    return DecidedClaim(change=change, source=claim.source, reason=reason, checked_in_at=arrived_at)


def decide_restored(original: Original, before: RegisterRecord | None) -> DecidedClaim:
    """What becomes of a record when one from quarantine is restored.

    Where nobody had spoken it is what it was. In the place of somebody's word it is as new as the
    choice of whoever puts it there: at its own revision, the word that it replaces would beat it.
    """
    old = NO_RECORD if before is None else before.status
    if before is not None and before.is_deleted:
        old = DELETED
    is_free = is_open_to_restoring(before)
    change = Change(
        status=original.status,
        previous=original.previous if is_free else old,
        mark=original.mark,
        old=old,
        new=original.status if original.mark == Mark.KEPT else DELETED,
    )
    return DecidedClaim(
        change=change,
        source=original.source,
        reason=original.reason,
        checked_in_at=original.checked_in_at,
        restored=original,
        stamp=original.stamp if is_free else None,
    )


def is_open_to_restoring(record: RegisterRecord | None) -> bool:
    """Whether a student has no mark of a person's making: none, the system's, or one taken back."""
    return record is None or is_blank(record.source) or record.mark == Mark.UNDONE


def _arrival(claim: Claim, before: RegisterRecord | None, lesson: LessonBrief) -> datetime | None:
    if claim.arrived_at is None:
        return claim.kept_arrival or (before.checked_in_at if before else None)
    worth = status.status_of_arrival(milliseconds(claim.arrived_at), window_of(lesson))
    if worth in {status.NOT_OPEN, status.CLOSED}:
        raise InvalidInput(
            _("The lesson did not take check-ins at %(at)s. Correct the time of arrival."),
            at=claim.arrived_at,
        )
    return claim.arrived_at


def _by_the_rule(
    claim: Claim, before: RegisterRecord | None, arrived_at: datetime | None, lesson: LessonBrief
) -> Verdict:
    is_accepting = (
        claim.verdict is Verdict.ACCEPT and before is not None and before.status == Status.PENDING
    )
    if arrived_at is None or not (claim.arrived_at or is_accepting):
        return claim.verdict
    return Verdict(VERDICT_OF[worth_at(lesson, arrived_at)])


def window_of(lesson: LessonBrief) -> Window:
    """A lesson's window and rule, as the rule wants them."""
    return Window(milliseconds(lesson.starts_at), milliseconds(lesson.ends_at), lesson.rule)


def worth_at(lesson: LessonBrief, arrived_at: datetime) -> str:
    """What an arrival that was taken is worth in a lesson: present, late or absent."""
    return status.worth_of_arrival(
        milliseconds(arrived_at), starts_at=milliseconds(lesson.starts_at), rule=lesson.rule
    )
