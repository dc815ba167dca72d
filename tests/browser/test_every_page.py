"""axe over every page, in both themes and both languages; 320 px; an empty console."""

from typing import Literal

import pytest

from tests.browser.accessible import violations
from tests.browser.every import every_page
from tests.browser.opened import BrowserOf
from tests.browser.school import made_school
from tests.browser.troubles import away, look_in, looks_in_trouble

pytestmark = pytest.mark.django_db(transaction=True)

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
NARROW = {"width": 320, "height": 640}
ERRORS_ARE_PAGES = ("403 (Forbidden)", "404 (Not Found)", "503 (Service Unavailable)")


# Seventy pages, each looked at twice.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("locale", ["en-GB", "tr-TR"])
def test_every_page_can_be_used_by_everybody(
    locale: str, open_browser: BrowserOf, said: list[str]
) -> None:
    found: dict[str, list[str]] = {}
    for look in every_page(made_school()):
        # Colours that are on their way from one theme to the other have no contrast yet.
        page = open_browser(look.person, reduced_motion="reduce", locale=locale)
        page.goto(look.path)
        assert page.locator("html").get_attribute("lang") == locale[:2]
        found[look.name] = []
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            found[look.name] += [f"{scheme}: {each}" for each in violations(page)]
        page.set_viewport_size(NARROW)  # type: ignore[arg-type]
        if page.evaluate("document.documentElement.scrollWidth") > NARROW["width"]:
            found[look.name].append("scrolls sideways at 320 px")
        page.context.close()

    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    assert not [line for line in said if not any(each in line for each in ERRORS_ARE_PAGES)]


@pytest.mark.parametrize("trouble", ["redis", "postgresql", "offline"])
def test_a_page_in_trouble_can_be_used_by_everybody(trouble: str, open_browser: BrowserOf) -> None:
    made, found = made_school(), {}
    for look in looks_in_trouble(made)[trouble]:
        page = open_browser(look.person, viewport=NARROW)
        page.goto("/")
        with away(trouble):
            look_in(trouble, page, look.path)
            found[look.name] = violations(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
        page.context.close()
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
