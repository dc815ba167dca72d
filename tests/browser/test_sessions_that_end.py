"""A session that ends under an open page, in a real browser."""

from typing import Any

import pytest
from playwright.sync_api import expect

from attendance.live import store
from attendance.services.lessons import LessonPlan, start_lesson
from tests.browser.accessible import violations
from tests.browser.opened import BrowserOf, sign_in
from tests.support.lessons import TEACHER

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("path", ["", "screen/"])
def test_a_page_that_asks_by_itself_leads_to_sign_in_and_back(
    open_browser: BrowserOf, said: list[str], path: str
) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    page = open_browser(TEACHER)
    page.goto(f"/lessons/{lesson.id}/{path}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Physics")
    page.context.clear_cookies(name="sessionid")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in", timeout=10_000)
    assert page.locator("#rows, #shown").count() == 0
    sign_in(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Physics")
    assert page.url.endswith(f"/lessons/{lesson.id}/{path}")
    assert not said


def test_what_was_typed_is_in_its_form_again(open_browser: BrowserOf, said: list[str]) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    page = open_browser(TEACHER, viewport={"width": 390, "height": 780}, color_scheme="dark")
    page.goto(f"/lessons/{lesson.id}/")
    page.get_by_text("Add a student").click()
    page.get_by_label("School number").fill("S-077")
    page.get_by_label("Full name").fill("Ada Typed")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Add as present").click()
    sign_in(page)

    expect(page.locator("#unsent")).to_contain_text("look at it and send it")
    expect(page.get_by_label("School number")).to_have_value("S-077")
    expect(page.get_by_label("Full name")).to_have_value("Ada Typed")
    expect(page.get_by_role("button", name="Send it now")).not_to_be_visible()
    assert not violations(page)
    page.get_by_role("button", name="Add as present").click()
    expect(page.locator("#r-S-077")).to_contain_text("Ada Typed")
    expect(page.locator("#unsent")).to_have_count(0)
    assert not said


def test_a_button_that_was_pressed_is_pressed_again(
    open_browser: BrowserOf, said: list[str]
) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    page: Any = open_browser(TEACHER)
    page.goto(f"/lessons/{lesson.id}/")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="15 minutes more").click()
    sign_in(page)
    assert not violations(page)
    page.get_by_role("button", name="Send it now").click()
    expect(page.locator("#unsent")).to_have_count(0)
    minutes = (store.read_lesson(lesson.id).ends_at - lesson.ends_at).total_seconds() / 60
    assert minutes == 15
    assert not said
