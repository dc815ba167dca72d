"""School numbers and names in the one form in which they are kept."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from users.errors import InvalidFullName, InvalidSchoolNumber, UserError
from users.identity import (
    SCHOOL_NUMBER_PATTERN,
    canonical_school_number,
    clean_full_name,
    folded,
    is_canonical,
    is_clean_name,
)

FORBIDDEN = "[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("s-1", "S-1"),
        (" 2024.001 ", "2024.001"),
        ("\uff21\uff11", "A1"),
        ("a" * 32, "A" * 32),
        ("0_0", "0_0"),
    ],
)
def test_a_number_is_kept_in_one_form(typed: str, kept: str) -> None:
    assert canonical_school_number(typed) == kept


@pytest.mark.parametrize(
    "typed",
    ["", " ", "a" * 33, ".a", "-a", "_a", "a b", "a\0", "a\n", "\u0131", "\u0130", "ß", "ﬁ1ı", "é"],
)
def test_a_number_outside_the_form_is_refused(typed: str) -> None:
    with pytest.raises(InvalidSchoolNumber) as caught:
        canonical_school_number(typed)
    assert caught.value.code == "invalid_school_number"
    assert "try again" in caught.value.detail


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "a" * 201,
        "a\0",
        "a\x07",
        "a\u2028",
        "\ud800",
        "\n",
        "a\u202eb",
        "a\u2066b",
        "\u200b",
    ],
)
def test_a_name_that_cannot_be_kept_is_refused(typed: str) -> None:
    with pytest.raises(InvalidFullName):
        clean_full_name(typed)


def test_a_name_is_kept_composed_and_trimmed() -> None:
    assert clean_full_name("  A\u030asa  ") == "\u00c5sa"
    assert clean_full_name("x" * 200) == "x" * 200


@given(st.text())
def test_cleaning_a_number_again_changes_nothing(text: str) -> None:
    try:
        number = canonical_school_number(text)
    except UserError:
        return
    assert canonical_school_number(number) == number
    assert is_canonical(number)
    assert re.fullmatch(SCHOOL_NUMBER_PATTERN, number)


@given(st.text())
def test_cleaning_a_name_again_changes_nothing(text: str) -> None:
    try:
        name = clean_full_name(text)
    except UserError:
        return
    assert clean_full_name(name) == name
    assert is_clean_name(name)
    assert "\0" not in name.encode().decode()


@pytest.mark.parametrize(
    ("text", "other"),
    [("Işık", "işık"), ("IŞIK", "ışık"), ("İNCİ", "inci"), (" Ada ", "ADA"), ("Çağ", "ÇAĞ")],
)
def test_letter_case_and_the_dot_of_an_i_do_not_matter_in_a_key(text: str, other: str) -> None:
    assert folded(text) == folded(other)
