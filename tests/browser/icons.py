"""The icons of a home screen, drawn from icon.svg.

./attn test tests/browser/icons.py
"""

from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, FloatRect

FOLDER = Path(settings.BASE_DIR) / "attendance" / "static" / "attendance"
ICONS = {"icon-192.png": 192, "icon-512.png": 512, "icon-maskable.png": 512}
SAFE = 0.8
"""A device cuts a maskable icon as it likes outside of this part."""


@pytest.mark.parametrize("name", ICONS)
def test_draw(name: str, browser: Browser) -> None:
    side, drawn = ICONS[name], (FOLDER / "icon.svg").read_text()
    shown = side
    if "maskable" in name:
        drawn, shown = drawn.replace(' rx="7"', ""), round(side * SAFE)
    colour = drawn.split('fill="')[1].split('"')[0] if shown < side else "transparent"
    page = browser.new_page(viewport={"width": side, "height": side})
    page.set_content(
        f"<body style='margin:0;height:100vh;display:grid;place-content:center;"
        f"background:{colour}'>{drawn.replace('<svg', f'<svg width={shown} height={shown}')}"
    )
    clip = FloatRect(x=0, y=0, width=side, height=side)
    page.screenshot(path=FOLDER / name, clip=clip, omit_background=True)
    page.close()
