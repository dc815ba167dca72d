"""A real Chromium: its program, and how Playwright starts it.

A conftest or a measurement imports the fixtures; importing them is what asks for the browser.
"""

import os
import shutil
from typing import Any

import pytest
from playwright.sync_api import expect

CHROMIUM = os.environ.get("ATTN_CHROMIUM") or shutil.which("chromium") or ""
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

# Playwright keeps a loop running in this thread; Django takes that for an asynchronous view.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

# A machine that does other things beside it is no failure.
expect.set_options(timeout=20_000)


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
