"""From cells to values: names of columns, days, numbers that a spreadsheet has spoilt."""

import re
import unicodedata
from datetime import date

from users.errors import InvalidDay, NumberFromSpreadsheet
from users.identity import canonical_school_number

_SAME_LETTER = str.maketrans({"İ": "i", "I": "i", "ı": "i"})
_ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_DOTTED_DAY = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
_ROUNDED = re.compile(r"\d+([.,]\d+)?E\+\d+", re.ASCII | re.IGNORECASE)


def fold_case(text: str) -> str:
    """A text by which to compare: no case, single spaces.

    The letter i with and without its dot is one: lower() makes a word in Turkish
    capitals another one.
    """
    same = unicodedata.normalize("NFKC", text).translate(_SAME_LETTER).casefold()
    return " ".join(same.split())


def fold_heading(text: str) -> str:
    """The name of a column without case, accents, punctuation and invisible characters."""
    letters = unicodedata.normalize("NFKD", fold_case(text))
    kept = (" " if c in "_-./" else c for c in letters if unicodedata.category(c) not in _DROPPED)
    return " ".join("".join(kept).split())


_DROPPED = frozenset({"Mn", "Cf", "Cc"})


def parse_day(text: str) -> date | None:
    """A day as 2026-09-14 or 14.09.2026, or None for an empty cell. Raises InvalidDay."""
    cell = text.strip()
    if not cell:
        return None
    if found := _ISO_DAY.fullmatch(cell):
        year, month, day = map(int, found.groups())
    elif found := _DOTTED_DAY.fullmatch(cell):
        day, month, year = map(int, found.groups())
    else:
        raise InvalidDay(cell=cell[:40])
    try:
        return date(year, month, day)
    except ValueError:
        raise InvalidDay(cell=cell[:40]) from None


def parse_school_number(text: str) -> str:
    """A number in canonical form, as text: zeros at its front stay.

    Raises InvalidSchoolNumber, and NumberFromSpreadsheet for 1.00012E+07, of which
    nobody knows what it was.
    """
    if _ROUNDED.fullmatch(text.strip()):
        raise NumberFromSpreadsheet(cell=text.strip()[:40])
    return canonical_school_number(text)
