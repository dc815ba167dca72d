"""Pictures of every page, for the documents.

./attn test tests/browser/shots.py
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from PIL import Image
from playwright.sync_api import Page

from tests.browser.every import Look, every_page
from tests.browser.opened import BrowserOf
from tests.browser.school import made_school
from tests.browser.troubles import away, look_in, looks_in_trouble

pytestmark = pytest.mark.django_db(transaction=True)

FOLDER = Path(settings.BASE_DIR) / "docs" / "pictures" / "pages"
COLOURS = 128
SCHEMES = ("light", "dark")
LAPTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 780}
WHOLE = 1400
"""Pixels of a picture that shows more than fits a window: the chart of operations."""


def test_pictures(open_browser: BrowserOf) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = made_school()
    for look in every_page(made):
        for scheme in SCHEMES:
            with opened(open_browser, look, scheme) as page:
                page.goto(look.path)
                take(page, f"{look.name}-{scheme}")
    for trouble, looks in looks_in_trouble(made).items():
        for look in looks:
            for scheme in SCHEMES:
                with opened(open_browser, look, scheme) as page:
                    # Who was seen lately is known without PostgreSQL.
                    page.goto("/")
                    with away(trouble):
                        look_in(trouble, page, look.path)
                        take(page, f"{look.name}-{scheme}")


@contextmanager
def opened(open_browser: BrowserOf, look: Look, scheme: str) -> Iterator[Page]:
    """A browser of the size and theme that a picture wants."""
    size = PHONE if look.is_phone else LAPTOP
    page = open_browser(look.person, viewport=size, color_scheme=scheme)
    yield page
    page.context.close()


def take(page: Page, name: str) -> None:
    """Keep what is seen as a small picture."""
    page.wait_for_timeout(300)
    is_whole = page.url.endswith("/admin/operations/")
    picture: Image.Image = Image.open(io.BytesIO(page.screenshot(full_page=is_whole)))
    if is_whole:
        picture = picture.crop((0, 0, picture.width, min(picture.height, WHOLE)))
    small = picture.convert("RGB").quantize(COLOURS)
    small.save(FOLDER / f"{name}.png", optimize=True)
