"""What comes in at the door of courses: checked once, here, before anything is written."""

from datetime import date
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from courses.errors import InvalidDates, InvalidText, UnknownTimeZone
from courses.models.rules import FIRST_DAY, LAST_DAY
from courses.vocabulary import LONGEST_NOTE
from users.errors import gettext_noop as _
from users.identity import clean_text


def clean_title(text: str, *, most: int) -> str:
    """A text that has to be there. Raises InvalidText."""
    title = clean_text(text)
    if not title or len(title) > most:
        raise InvalidText(
            _(
                "A title has 1 to %(most)d characters and no control characters. "
                "Correct it and try again."
            ),
            most=most,
        )
    return title


def clean_line(text: str, *, most: int = LONGEST_NOTE) -> str:
    """A text that may be empty. Raises InvalidText."""
    line = clean_text(text)
    if line is None or len(line) > most:
        raise InvalidText(
            _("This text has at most %(most)d characters, on one line. Shorten it."), most=most
        )
    return line


def clean_time_zone(name: str) -> str:
    """The name of a zone that exists. Raises UnknownTimeZone."""
    if name not in _zones():
        raise UnknownTimeZone(zone=name)
    return ZoneInfo(name).key


def check_days(first: date, end: date) -> None:
    """At least one day, between 2000 and 2100; the end is exclusive. Raises InvalidDates."""
    if not first < end:
        raise InvalidDates(
            _("The end, %(end)s, is not after the first day, %(first)s. Choose a later end."),
            end=end,
            first=first,
        )
    check_years(first, end)


def check_years(*days: date) -> None:
    """Raises InvalidDates for a day that no table takes."""
    for day in days:
        if not FIRST_DAY <= day <= LAST_DAY:
            raise InvalidDates(
                _("%(day)s is not between 2000 and 2100. Correct the year."), day=day
            )


def check_lies_within(first: date, end: date, *, outer: tuple[date, date]) -> None:
    """Raises InvalidDates for days outside of the term or the section that they belong to."""
    if first < outer[0] or end > outer[1]:
        raise InvalidDates(
            _(
                "%(first)s to %(end)s is not within %(outer_first)s to %(outer_end)s. "
                "Choose other days."
            ),
            first=first,
            end=end,
            outer_first=outer[0],
            outer_end=outer[1],
        )


@cache
def _zones() -> frozenset[str]:
    # These two are files as well, and no place: the one is that of whatever machine runs.
    return frozenset(available_timezones() - {"localtime", "Factory"})
