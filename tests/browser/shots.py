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
from playwright.sync_api import FloatRect, Page

from tests.browser.every import Look, every_page
from tests.browser.opened import BrowserOf
from tests.browser.school import made_school
from tests.browser.troubles import away, look_in, looks_in_trouble

pytestmark = pytest.mark.django_db(transaction=True)

PICTURES = Path(settings.BASE_DIR) / "docs" / "pictures"
FOLDER = PICTURES / "pages"
SHOWN = (PICTURES.parent / "pages.md").read_text()
REST = Path(settings.BASE_DIR) / ".attn" / "pictures"
"""For those that no document shows: whoever changes a page looks at them there."""
COLOURS = 128
SCHEMES = ("light", "dark")
LAPTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 780}
WHOLE = 1400
"""Pixels of a picture that shows more than fits a window: the chart of operations."""


def test_pictures(open_browser: BrowserOf) -> None:
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


PARTS = (
    ("bar", "board-course", ".top"),
    ("buttons", "board-course", "#buttons"),
    ("fold", "board-course", "#buttons"),
    ("tiles", "board-course", ".tiles"),
    ("sheet", "board-course", ".sheet"),
    ("row", "board-saved", "#r-S-003"),
    ("toast", "board-course", "#said .toast"),
    ("card", "lessons", "article"),
    ("message", "board-saved", ".message"),
    ("fields", "record", "main form"),
    ("outcome", "my-mark", ".outcome"),
)
"""The parts of docs/design.md: name, a page that has it, and where it is there."""

BEFORE = {
    "fold": ".fold summary",
    "toast": ".set .late",
}
"""What is pressed before a part is seen."""


def test_pictures_of_parts(open_browser: BrowserOf) -> None:
    folder = PICTURES / "parts"
    folder.mkdir(parents=True, exist_ok=True)
    looks = {look.name: look for look in every_page(made_school())}
    for name, of, selector in PARTS:
        with opened(open_browser, looks[of], "light") as page:
            page.goto(looks[of].path)
            if name in BEFORE:
                page.locator(BEFORE[name]).first.click()
            part = page.locator(selector).first
            box = part.bounding_box()
            assert box is not None
            height = min(box["height"] + (150 if name == "fold" else 0), 330)
            clip = FloatRect(x=box["x"], y=box["y"], width=box["width"], height=height)
            keep(page.screenshot(clip=clip), folder / f"{name}.png")


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
    folder = FOLDER if f"pages/{name}.png" in SHOWN else REST
    folder.mkdir(parents=True, exist_ok=True)
    keep(page.screenshot(full_page=is_whole), folder / f"{name}.png")


def keep(taken: bytes, path: Path) -> None:
    picture: Image.Image = Image.open(io.BytesIO(taken))
    picture = picture.crop((0, 0, picture.width, min(picture.height, WHOLE)))
    picture.convert("RGB").quantize(COLOURS).save(path, optimize=True)
