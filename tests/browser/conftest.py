"""A real Chromium against the site: people are signed in by a session, or by the form."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.support.callers import account
from users.identity import Person

CHROMIUM = os.environ.get("ATTN_CHROMIUM") or shutil.which("chromium") or ""
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

# Playwright keeps a loop running in this thread; Django takes that for an asynchronous view.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

# A machine that does other things beside it is no failure.
expect.set_options(timeout=20_000)

BrowserOf = Callable[..., Page]


@pytest.fixture(scope="session", autouse=True)
def chromium() -> str:
    if not CHROMIUM:
        pytest.skip(
            "These tests need Chromium: install Debian's package chromium, or set ATTN_CHROMIUM."
        )
    return CHROMIUM


@pytest.fixture(scope="session")
def browser_type_launch_args(chromium: str) -> dict[str, Any]:
    return {"executable_path": chromium, "args": list(ARGUMENTS), "headless": True}


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
            client.force_login(account(person), "django.contrib.auth.backends.ModelBackend")
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
