"""What the schema says of texts is what the API takes."""

import re

from attendance.api.schema import _SOMETHING


def test_a_text_that_is_refused_as_blank_is_one_of_spaces_alone() -> None:
    characters = [chr(point) for point in range(1, 0x1_0000) if not 0xD800 <= point < 0xE000]
    taken = {each for each in characters if re.match(_SOMETHING, each)}
    assert taken == {each for each in characters if each.strip()}
    assert re.match(_SOMETHING, " a\n")
    assert not re.match(_SOMETHING, "a\0")
