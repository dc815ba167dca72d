"""What the fixture `open_browser` is: it opens a page, in a browser of somebody's own."""

from collections.abc import Callable

from playwright.sync_api import Page

BrowserOf = Callable[..., Page]
