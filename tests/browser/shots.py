"""Pictures of every page, for the documents.

./attn test tests/browser/shots.py
"""

import io
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from PIL import Image

from tests.browser.conftest import BrowserOf
from tests.browser.every import every_page
from tests.browser.school import made_school

pytestmark = pytest.mark.django_db(transaction=True)

FOLDER = Path(settings.BASE_DIR) / "docs" / "pictures" / "pages"
COLOURS = 128


def test_pictures(open_browser: BrowserOf) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = made_school()
    for look in every_page(made):
        size: dict[str, Any] = (
            {"width": 390, "height": 780} if look.is_phone else {"width": 1280, "height": 800}
        )
        for scheme in ("light", "dark"):
            page = open_browser(look.person, viewport=size, color_scheme=scheme)
            page.goto(look.path)
            page.wait_for_timeout(300)
            picture = Image.open(io.BytesIO(page.screenshot()))
            small = picture.convert("RGB").quantize(COLOURS)
            small.save(FOLDER / f"{look.name}-{scheme}.png", optimize=True)
            page.context.close()
