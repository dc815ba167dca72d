"""The tokens of the look: the dark theme by choice is the dark theme by the device."""

import re

from django.conf import settings

TOKENS = settings.BASE_DIR / "attendance" / "static" / "attendance" / "tokens.css"


def test_dark_by_hand_is_dark() -> None:
    text = TOKENS.read_text()
    by_device, by_hand = (
        dict(re.findall(r"(--[\w-]+): ([^;]+);", text.split(start)[1].split("}")[0]))
        for start in (':root:not([data-look="light"]) {', ':root[data-look="dark"] {')
    )
    assert by_device == by_hand
    assert len(by_hand) > 15
