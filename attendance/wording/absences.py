"""Plain words for absences: when they are, what becomes of them, and who is to act."""

from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from courses.rules import instant_of
from courses.selectors.absence_lists import AbsenceView
from courses.vocabulary import AbsenceState
from users.wording import time_of_day

_DAY, _TIME = "D j M Y", "H:i"


class AbsenceWords(NamedTuple):
    title: str
    next_step: str
    tone: str


class AbsenceLine(NamedTuple):
    """An absence with its words, for pages."""

    view: AbsenceView
    when: str
    words: AbsenceWords


def line_of(view: AbsenceView) -> AbsenceLine:
    """An absence as pages show it."""
    row = view.absence
    return AbsenceLine(view, span(row.starts_at, row.ends_at), words_of(view))


def words_of(view: AbsenceView) -> AbsenceWords:
    """Where an absence is, and what comes next."""
    row = view.absence
    if row.state == AbsenceState.APPROVED:
        return AbsenceWords(
            _("Approved"),
            _("Lessons in this time are excused, unless a person has marked otherwise."),
            "good",
        )
    if row.state == AbsenceState.REFUSED:
        return AbsenceWords(_("Not approved"), row.decided_why, "bad")
    if row.state == AbsenceState.WITHDRAWN:
        return AbsenceWords(_("Withdrawn"), _("It counts for nothing any more."), "calm")
    return AbsenceWords(_("Waits for a decision"), _awaited(view), "warn")


def _awaited(view: AbsenceView) -> str:
    has_file = any(file.removed_at is None for file in view.evidence or ())
    if view.absence.reason.needs_evidence and view.evidence is not None and not has_file:
        return _("A file is missing: without one it cannot be approved.")
    if view.absence.is_for_all_sections:
        return _("It is for all courses: staff decide.")
    return _("A teacher of every course named, or staff, decides.")


def span(starts_at: datetime, ends_at: datetime) -> str:
    """From when to when, on the campus's clock; whole days are told as days."""
    zone = timezone.get_current_timezone()
    start, end = starts_at.astimezone(zone), ends_at.astimezone(zone)
    if _begins_a_day(starts_at) and _begins_a_day(ends_at):
        last = end.date() - timedelta(days=1)
        first_day, last_day = date_format(start, _DAY), date_format(last, _DAY)
        if start.date() == last:
            return _("%(day)s, the whole day") % {"day": first_day}
        return _("%(first)s to %(last)s") % {"first": first_day, "last": last_day}
    is_one_day = start.date() == end.date()
    until = time_of_day(end, _TIME if is_one_day else f"{_DAY}, {_TIME}")
    dash = "–" if is_one_day else " – "
    return f"{time_of_day(start, f'{_DAY}, {_TIME}')}{dash}{until}"


def _begins_a_day(at: datetime) -> bool:
    zone = timezone.get_current_timezone()
    if not isinstance(zone, ZoneInfo):
        return False
    midnight = datetime.combine(at.astimezone(zone).date(), time())
    return instant_of(midnight, zone) == at
