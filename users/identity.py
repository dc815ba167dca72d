"""School numbers and names in their canonical form, the only one that ATTN stores.

This module imports no model: the live store uses it as well.
"""

import enum
import re
import unicodedata

import msgspec

from users.errors import InvalidFullName, InvalidSchoolNumber

SCHOOL_NUMBER_PATTERN = r"^[A-Z0-9][A-Z0-9._-]{0,31}$"
LONGEST_SCHOOL_NUMBER = 32
LONGEST_FULL_NAME = 200

_school_number = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,31}", re.ASCII)
# Control characters, line breaks, unpaired surrogates (Cc, Zl, Zp, Cs): PostgreSQL
# refuses some of them, spreadsheets break on the others. The last ones before the surrogates turn
# the line around in which a text stands, and what stands beside it.
_forbidden = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# Letters by their category, of which nothing can be seen.
_blank = frozenset("\u115f\u1160\u2800\u3164\uffa0")


class Role(enum.StrEnum):
    """What a person may do; stored and shown in lower case."""

    STUDENT = "student"
    TEACHER = "teacher"
    STAFF = "staff"


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A person as a lesson knows them: by number and by the name seen there."""

    school_number: str
    full_name: str
    role: Role = Role.STUDENT


def is_canonical(school_number: str) -> bool:
    """Whether a number already has the form that `canonical_school_number` gives."""
    return _school_number.fullmatch(school_number) is not None


def canonical_school_number(text: str) -> str:
    """Return the school number in its only stored form: NFKC, trimmed, upper case.

    Raises InvalidSchoolNumber where what is left is not 1 to 32 of the ASCII
    characters A-Z 0-9 . _ - beginning with a letter or a digit.
    """
    number = unicodedata.normalize("NFKC", text).strip(" ")
    # Checked before upper(): it turns letters outside ASCII into pairs inside it.
    if number.isascii() and is_canonical(number.upper()):
        return number.upper()
    raise InvalidSchoolNumber


def is_clean_text(text: str) -> bool:
    """Whether a text is not empty, trimmed, NFC and without control characters."""
    if not text or text != text.strip():
        return False
    if text.isascii():
        return text.isprintable()
    return unicodedata.is_normalized("NFC", text) and not _has_forbidden(text)


def is_clean_name(text: str) -> bool:
    """Whether a name already has the form that `clean_full_name` gives."""
    return len(text) <= LONGEST_FULL_NAME and is_clean_text(text) and _is_seen(text)


def clean_text(text: str) -> str | None:
    """Return a text in NFC without surrounding spaces, or None where it cannot be kept.

    A text of which nothing can be seen is empty.
    """
    if _has_forbidden(text):
        return None
    clean = unicodedata.normalize("NFC", text).strip()
    return clean if _is_seen(clean) else ""


def folded(text: str) -> str:
    """A key as people compare it: letter case and compatible forms do not matter, accents do.

    Dotted and dotless Turkish i count as one letter: a capital does not say which it was.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    return plain.replace("\u0130", "i").replace("\u0131", "i").casefold()


def clean_full_name(text: str) -> str:
    """Return a full name in NFC without surrounding spaces.

    Raises InvalidFullName for an empty name, one of more than 200 characters, one of
    which nothing can be seen, and one with NUL, control characters, line breaks,
    unpaired surrogates or characters that turn the line around.
    """
    name = clean_text(text)
    if name and is_clean_name(name):
        return name
    raise InvalidFullName(most=LONGEST_FULL_NAME)


def _has_forbidden(text: str) -> bool:
    return _forbidden.search(text) is not None


def _is_seen(text: str) -> bool:
    """Whether a text shows something."""
    if text.isascii():
        return True
    return any(unicodedata.category(c)[0] in "LNPS" and c not in _blank for c in text)
