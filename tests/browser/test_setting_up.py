"""From the link of a new site to its first lesson, with a mouse and a keyboard."""

from pathlib import Path

import pytest
from django.test import override_settings
from django.utils.http import int_to_base36
from playwright.sync_api import Page, expect

from courses.models import Section
from tests.browser.accessible import violations
from tests.browser.opened import BrowserOf
from users.models import User
from users.services import first_staff
from users.services.choosing import reset_tokens

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = "school_number,full_name,role\nT-1,Teacher 1,teacher\nS-1,Student 1,\nbad number,Nobody,\n"
NARROW = 320
OWN = "lantern over the river"


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

    page.goto("/people/invite/?search=S-1")
    look(page, found, locale)
    page.click("main form[method=post] button")
    code = "".join(page.locator(".slips .code span").all_inner_texts())
    look(page, found, locale)
    phone = open_browser(None, reduced_motion="reduce", locale=locale)
    phone.goto(f"/J/{code}")
    look(phone, found, locale)
    phone.fill("[name=password]", OWN)
    phone.fill("[name=again]", OWN)
    phone.click("main form button")
    phone.wait_for_url("**/accounts/login/")
    look_at_a_link_by_mail(phone, found, locale)

    page.goto("/first-steps/")
    page.click("[aria-current=step] .actions a")
    page.fill("[name=title]", "Physics")
    look(page, found, locale)
    page.click("main form button")
    assert Section.objects.get().title == "Physics"
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def look_at_a_link_by_mail(page: Page, found: dict[str, list[str]], locale: str) -> None:
    """The pages between the mail and the sign-in."""
    with override_settings(EMAIL_IS_SET_UP=True):
        page.goto("/accounts/login/")
        look(page, found, locale)
        page.goto("/accounts/password/reset/")
        look(page, found, locale)
        page.fill("[name=email]", "S-1")
        page.click("main form button")
        page.wait_for_url("**/done/")
        look(page, found, locale)
    user = User.objects.get(school_number="S-1")
    User.objects.filter(pk=user.pk).update(email="s1@school.example")
    user.refresh_from_db()
    link = f"/accounts/password/reset/key/{int_to_base36(user.pk)}-{reset_tokens.make_token(user)}/"
    page.goto(link)
    page.wait_for_url("**-set-password/")
    look(page, found, locale)
    page.goto(f"{link[:-3]}aa/")
    look(page, found, locale)


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
