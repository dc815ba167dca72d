"""What somebody types to find a person or a lesson, and how it is compared.

One way for every list, the board and the admin: letter case, accents, compatible forms, and the dot
of a Turkish i do not matter. This module imports no model: the live store uses it as well.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from typing import Final

LONGEST_SEARCH: Final = 100
_BASIC_PLANE: Final = 0x10000

# Letters and signs that Unicode does not take apart, though people read them as one.
_READ_AS: Final = str.maketrans(
    {
        **dict.fromkeys("\u0131", "i"),
        **dict.fromkeys("\u0142", "l"),
        **dict.fromkeys("\u0111\u00f0", "d"),
        **dict.fromkeys("\u00f8", "o"),
        **dict.fromkeys("\u0127", "h"),
        **dict.fromkeys("\u0167", "t"),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u2018\u2019\u02bc\u0060\u00b4", "'"),
    }
)
_ACCENTS: Final = re.compile("[\u0300-\u036f]")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_SIGNS_OF_A_CLASS: Final = frozenset("\\]^-[")
_ANY_ACCENTS: Final = r"[\u0300-\u036f]*"


def clean_search(text: str) -> str:
    """What was typed into a search, at most 100 characters, without what nobody can see.

    A NUL or an unpaired surrogate would be refused by the database, and a control that turns the
    line around by no reader.
    """
    seen = "".join(" " if c.isspace() else c for c in text if c.isspace() or not _is_unseen(c))
    return " ".join(unicodedata.normalize("NFC", seen).split())[:LONGEST_SEARCH].strip()


def search_form(text: str) -> str:
    """A text as searches compare it, in Python: one text is found in another by `in`."""
    return " ".join(_folded(clean_search(text)).split())


def finder(search: str) -> Callable[..., bool]:
    """A function that says whether a search is a part of one of the texts that it is given.

    An empty search is a part of each.
    """
    wanted = search_form(search)
    return lambda *texts: any(wanted in _folded(text) for text in texts)


def is_found(search: str, *texts: str) -> bool:
    """Whether a search is a part of one of these texts."""
    return finder(search)(*texts)


def search_pattern(text: str) -> str:
    """A regular expression of PostgreSQL that finds a text in what is stored.

    It finds what `is_found` finds, but for ligatures in what is stored. Each letter stands for all
    of its forms, so that what is found depends neither on the locale of the server nor on an
    extension. '' finds everything.
    """
    words = search_form(text).split(" ")
    return rf"\s+{_ANY_ACCENTS}".join(map(_word, words))


def _word(word: str) -> str:
    two = _one_letter("s") * 2
    parts = ("".join(map(_one_letter, part)) for part in word.split("ss"))
    return f"(?:{two}|[\u00df\u1e9e]{_ANY_ACCENTS})".join(parts)


def _one_letter(letter: str) -> str:
    return _one_of(_signs().get(letter, "") + letter) + _ANY_ACCENTS


def _one_of(letters: str) -> str:
    chosen = sorted(set(letters))
    return f"[{''.join(f'{chr(92)}{c}' if c in _SIGNS_OF_A_CLASS else c for c in chosen)}]"


@cache
def _signs() -> dict[str, str]:
    """For what a reader sees, all the signs that are read so."""
    found = defaultdict(list)
    for number in range(_BASIC_PLANE):
        sign = chr(number)
        if not _is_unseen(sign) and not sign.isspace() and (read := _folded(sign)) != sign:
            found[read].append(sign)
    return {read: "".join(signs) for read, signs in found.items()}


def _folded(text: str) -> str:
    if text.isascii():
        return text.casefold().replace("`", "'")
    # Twice: a letter that changes its case may gain an accent.
    for _ in range(2):
        plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", text.translate(_READ_AS)))
        text = plain.casefold()
    return unicodedata.normalize("NFC", text.translate(_READ_AS))


def _is_unseen(sign: str) -> bool:
    return unicodedata.category(sign) in _UNSEEN
