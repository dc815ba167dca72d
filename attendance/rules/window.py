"""When a lesson may take place: [starts_at, ends_at), asked for as instants or in minutes."""

from datetime import datetime, timedelta
from typing import Final

from msgspec import structs

from attendance.errors import InvalidInput, InvalidWindow
from attendance.rules.status import SECONDS_OF_A_MINUTE, ArrivalRule
from users.errors import gettext_noop as _

LONGEST_LESSON_HOURS: Final = 24
MOST_MINUTES: Final = LONGEST_LESSON_HOURS * 60
DEFAULT_MINUTES: Final = 45
EARLIEST_START: Final = timedelta(hours=24)
LATEST_START: Final = timedelta(days=365)


def end_of(starts_at: datetime, *, ends_at: datetime | None, minutes: int | None) -> datetime:
    """The end of a lesson, given as an instant or in minutes; 45 minutes where neither is.

    Raises InvalidWindow for both at once, and for a length that no lesson has.
    """
    if ends_at is not None:
        if minutes is not None:
            raise InvalidWindow(_("Give the end as ends_at or as minutes, not both."))
        return ends_at
    length = DEFAULT_MINUTES if minutes is None else minutes
    if not 1 <= length <= MOST_MINUTES:
        raise InvalidWindow(
            _("A lesson lasts 1 to %(most)d minutes. Choose another length."), most=MOST_MINUTES
        )
    return starts_at + timedelta(minutes=length)


def check_late_after(minutes: int | None) -> None:
    """Raises InvalidInput for a late rule that no lesson has; None is a lesson without one."""
    if minutes is not None and not 0 <= minutes <= MOST_MINUTES:
        raise InvalidInput(
            _("late_after_minutes is between 0 and %(most)d. Choose another."), most=MOST_MINUTES
        )


def rule_of(rule: ArrivalRule, late_after_minutes: int | None) -> ArrivalRule:
    """The rule of a lesson: that of its section, with the late rule that a teacher gives for it.

    Raises InvalidInput for somebody who would be absent before they are late.
    """
    if late_after_minutes is None:
        return rule
    late_after_s = late_after_minutes * SECONDS_OF_A_MINUTE
    if rule.absent_after_s is not None and late_after_s > rule.absent_after_s:
        raise InvalidInput(
            _("Nobody is absent before they are late: give at most %(most)d minutes."),
            most=rule.absent_after_s // SECONDS_OF_A_MINUTE,
        )
    return structs.replace(rule, late_after_s=late_after_s)


def check_instant(at: datetime) -> None:
    """Raises InvalidWindow for an instant without its offset."""
    if at.utcoffset() is None:
        raise InvalidWindow(_("Give instants with their offset, as in 2026-03-02T09:00:00+03:00."))


def check_window(starts_at: datetime, ends_at: datetime, *, now: datetime) -> None:
    """A lesson's window against an instant of the live store's clock.

    Raises InvalidWindow for a naive instant, an end before the start or in the
    past, more than 24 hours, and a start too far away.
    """
    check_instant(starts_at)
    check_instant(ends_at)
    if ends_at <= starts_at:
        raise InvalidWindow(_("The lesson ends before it starts. Choose an end after the start."))
    if ends_at <= now:
        raise InvalidWindow(_("The end of the lesson is not in the future. Choose a later end."))
    if ends_at - starts_at > timedelta(hours=LONGEST_LESSON_HOURS):
        raise InvalidWindow(
            _("A lesson lasts %(most)d hours at most. Choose an earlier end."),
            most=LONGEST_LESSON_HOURS,
        )
    if not now - EARLIEST_START <= starts_at <= now + LATEST_START:
        raise InvalidWindow(
            _(
                "A lesson starts at most 24 hours ago and at most 365 days ahead. "
                "Choose another start."
            )
        )
