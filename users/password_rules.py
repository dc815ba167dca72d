"""What a new password must be, at every door: Django's rules, on the form that is hashed.

The list of common ones is Django's own, of 20,000, and `common_passwords.txt`: words that people
who write Turkish begin with.
"""

import re
import unicodedata
from pathlib import Path
from typing import Any, Final

from django.contrib.auth import password_validation as django_rules
from django.core.exceptions import ValidationError

from users.identity import folded
from users.passwords import composed

OWN_LIST: Final = Path(__file__).with_name("common_passwords.txt")

SHORTEST_WORD: Final = 4
MOST_AROUND: Final = 6
"""Characters around a word that make it no better: a year, 123456, an exclamation mark."""

_LETTER = re.compile(r"[^\W\d_]")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_EDGES = (_LETTER, _LETTER_OR_DIGIT)


class _OnComposed:
    def validate(self, password: str, user: Any = None) -> None:
        super().validate(composed(password), user)  # type: ignore[misc]


class UnlikePerson(_OnComposed, django_rules.UserAttributeSimilarityValidator):
    """As Django's."""


class LongEnough(_OnComposed, django_rules.MinimumLengthValidator):
    """As Django's."""


class NotOnlyDigits(_OnComposed, django_rules.NumericPasswordValidator):
    """As Django's."""


class NotCommon(django_rules.CommonPasswordValidator):
    """Also with letters in the other case, with accents or without, and something around it."""

    def __init__(self) -> None:
        super().__init__()
        lines = OWN_LIST.read_text(encoding="utf-8").splitlines()
        own = {line.strip() for line in lines if not line.startswith("#")}
        self.passwords = {_bare(word) for word in self.passwords | own if word}

    def validate(self, password: str, user: Any = None) -> None:
        if not readings_of(password).isdisjoint(self.passwords):
            raise ValidationError(self.get_error_message(), code="password_too_common")


def readings_of(password: str) -> set[str]:
    """A password as a list may have it: bare, and without what stands around its word."""
    bare = _bare(password)
    words = {_within(bare, first, last) for first in _EDGES for last in _EDGES}
    return {bare} | {word for word in words if _is_word_of(word, bare)}


def _within(text: str, first: re.Pattern[str], last: re.Pattern[str]) -> str:
    """What is between the first character of a kind and the last one of a kind."""
    begin, end = first.search(text), last.search(text[::-1])
    return text[begin.start() : len(text) - end.start()] if begin and end else ""


def _is_word_of(word: str, bare: str) -> bool:
    return len(word) >= SHORTEST_WORD and len(bare) - len(word) <= MOST_AROUND


def _bare(text: str) -> str:
    """Without case and accents: one reading for all that look alike to whoever guesses."""
    word = folded(text)
    if word.isascii():
        return word
    parts = unicodedata.normalize("NFKD", word)
    return "".join(part for part in parts if not unicodedata.combining(part))
