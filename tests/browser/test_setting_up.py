"""From the link of a new site to its first lesson, with a mouse and a keyboard."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from courses.models import Section
from tests.browser.accessible import violations
from tests.browser.opened import BrowserOf
from users.models import User
from users.services import first_staff

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = "school_number,full_name,role\nT-1,Teacher 1,teacher\nS-1,Student 1,\nbad number,Nobody,\n"
NARROW = 320


@pytest.mark.parametrize("locale", ["en-GB", "tr-TR"])
def test_a_new_site_is_set_up_on_pages_that_everybody_can_use(
    locale: str, open_browser: BrowserOf, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE)
    page = open_browser(None, reduced_motion="reduce", locale=locale)
    found: dict[str, list[str]] = {}

    page.goto(f"/setup/{first_staff.new_token()}/")
    look(page, found, locale)
    page.fill("[name=school_number]", "boss-1")
    page.fill("[name=full_name]", "Ayşe Yılmaz")
    page.fill("[name=password]", "a long password")
    page.click("main form button")
    page.wait_for_url("**/first-steps/")
    look(page, found, locale)

    page.goto("/people/add/")
    look(page, found, locale)
    page.goto("/people/import/")
    page.set_input_files("[name=file]", file)
    page.click(".upload button")
    expect(page.locator("table.plan tbody tr")).to_have_count(1)
    look(page, found, locale)
    page.click("form:has([name=text]) button")
    page.wait_for_url("**/first-steps/")
    assert User.objects.count() == 3

    page.click("[aria-current=step] .actions a")
    page.fill("[name=title]", "Physics")
    look(page, found, locale)
    page.click("main form button")
    assert Section.objects.get().title == "Physics"
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def look(page: Page, found: dict[str, list[str]], locale: str) -> None:
    """What is wrong with the page as it is, in both themes and on a narrow screen."""
    assert page.locator("html").get_attribute("lang") == locale[:2]
    wrong = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        wrong += [f"{scheme}: {each}" for each in violations(page)]
    size = page.viewport_size
    page.set_viewport_size({"width": NARROW, "height": 640})
    if page.evaluate("document.documentElement.scrollWidth") > NARROW:
        wrong.append("scrolls sideways at 320 px")
    if size:
        page.set_viewport_size(size)
    found[page.url] = wrong
