"""What is typed to find somebody, and what is found by it."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from users.searching import (
    LONGEST_SEARCH,
    clean_search,
    finder,
    is_found,
    search_form,
    search_pattern,
)

# The alphabets, without ligatures: a sign for several letters is found by none of them.
LETTERS = st.characters(
    max_codepoint=0x1FFF, categories=["Lu", "Ll", "Lo", "Mn", "N", "P", "Zs"]
).filter(lambda letter: len(search_form(letter)) < 2)
RIGHT_TO_LEFT = "\u202e"


def finds(search: str, text: str) -> bool:
    """In Python and by the pattern; both say the same."""
    found = is_found(search, text)
    assert found == bool(re.search(search_pattern(search), text))
    return found


@pytest.mark.parametrize(
    ("search", "text"),
    [
        ("ismail", "İsmail Yılmaz"),
        ("İSMAİL", "ismail"),
        ("ışık", "Işık"),
        ("IŞIK", "ışık"),
        ("isik", "Işık"),
        ("ozturk", "Öztürk"),
        ("ÖZTÜRK", "Ozturk"),
        ("Çağ", "çağlar"),
        ("lukasz", "Łukasz"),
        ("soren", "Søren"),
        ("weiss", "Weiß"),
        ("WEIẞ", "weiss"),
        ("o'brien", "O\u2019Brien"),
        ("anne-marie", "Anne\u2010Marie"),
        ("nguyen", "Nguyễn"),
        ("Ａｄａ", "ada"),
        ("e\u0301va", "Éva"),
        ("x\u030c", "x\u030c"),
        ("  ada   can ", "Ada Can"),
        ("ada can", "Ada\u00a0Can"),
        ("s-0040", "S-0040"),
        ("Ｓ-0040", "S-0040"),
        ("\u200bada", "Ada"),
        ("a\0da", "Ada"),
        (f"{RIGHT_TO_LEFT}ada", "Ada"),
        ("عمر", "عُمر".replace("\u064f", "")),
        ("", "anybody"),
        ("\0", "anybody"),
    ],
)
def test_a_search_finds_what_people_read_as_the_same(search: str, text: str) -> None:
    assert finds(search, text)


@pytest.mark.parametrize(
    ("search", "text"),
    [
        ("ada", "Ad"),
        ("a.a", "Ada"),
        ("%", "Ada"),
        ("_", "Ada"),
        ("s-40", "S-0040"),
        ("ad a", "Ada"),
    ],
)
def test_a_search_finds_nothing_else(search: str, text: str) -> None:
    assert not finds(search, text)


@pytest.mark.parametrize("text", ["a.c", "a|c", "(", "[a", "a\\", "^$", "a*", "{1}", "?-]", "[^a]"])
def test_a_search_has_no_signs_of_its_own(text: str) -> None:
    assert finds(text, text)
    assert not finds(text, "bcd")


@settings(deadline=None)
@given(st.text(LETTERS, max_size=40))
def test_what_is_typed_finds_itself(text: str) -> None:
    assert re.search(search_pattern(text), clean_search(text))
    assert is_found(text, clean_search(text))


@settings(deadline=None)
@given(st.text(max_size=200))
def test_what_is_searched_is_clean_and_short(text: str) -> None:
    clean = clean_search(text)

    assert len(clean) <= LONGEST_SEARCH
    assert clean == clean_search(clean)
    assert "\0" not in clean
    assert clean.encode() == clean.encode(errors="replace")
    assert re.compile(search_pattern(text))
    assert search_form(text) == search_form(search_form(text))


def test_a_finder_is_asked_about_many() -> None:
    is_here = finder("ism")
    assert [is_here(name) for name in ("İsmail", "Ada", "Kısmet")] == [True, False, True]
    assert is_here("Ada", "ISM-1")
