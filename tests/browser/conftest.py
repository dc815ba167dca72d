"""A real Chromium against the site: people are signed in by a session, or by the form."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.browser.opened import BrowserOf
from tests.support.callers import account
from tests.support.chromium import browser_type_launch_args, chromium
from users.identity import Person

__all__ = ["browser_type_launch_args", "chromium"]


@pytest.fixture
def said() -> list[str]:
    """What the consoles of all browsers have said; it must stay empty."""
    return []


@pytest.fixture
def open_browser(browser: Browser, live_server: Any, said: list[str]) -> Iterator[BrowserOf]:
    """Open a browser of somebody's own, signed in where a person is given.

    `options` are those of a Playwright context: viewport, color_scheme, locale.
    """
    contexts: list[BrowserContext] = []

    def open_one(person: Person | None = None, **options: Any) -> Page:
        context = browser.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        if person is not None:
            client = Client()
            client.force_login(account(person), "users.backends.AccountBackend")
            cookie = client.cookies["sessionid"]
            context.add_cookies(
                [{"name": "sessionid", "value": cookie.value, "url": live_server.url}]
            )
        page = context.new_page()
        page.on("console", lambda message: _note(said, message))
        page.on("pageerror", lambda error: said.append(str(error)))
        return page

    yield open_one
    for context in contexts:
        context.close()


def _note(said: list[str], message: ConsoleMessage) -> None:
    if message.type in {"error", "warning"}:
        said.append(f"{message.text} {message.location}")
