"""The teacher's minute: one click to a status, two to an excuse, by mouse, by key and by thumb."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from attendance.services.check_in import check_in
from tests.browser.accessible import violations
from tests.browser.opened import BrowserOf
from tests.support.lessons import TEACHER, student
from tests.support.sections import section_lesson, section_of_today

pytestmark = pytest.mark.django_db(transaction=True)

LAPTOP = {"width": 1280, "height": 800}
IN_VIEW = """() => [...document.querySelectorAll('.register tr[id]')]
  .filter((row) => row.getBoundingClientRect().bottom <= innerHeight).length"""


def board_of(open_browser: BrowserOf, **options: Any) -> tuple[Page, Any]:
    lesson = section_lesson(section_of_today(range(1, 31)), here=(1, 2))
    page = open_browser(TEACHER, viewport=LAPTOP, **options)
    page.goto(f"/lessons/{lesson.id}/?sort=name")
    return page, lesson


def status_of(page: Page, number: int) -> Any:
    return page.locator(f"#r-{student(number).school_number} .status")


def test_late_takes_one_click_an_excuse_two_and_both_are_undone(
    open_browser: BrowserOf, said: list[str]
) -> None:
    page, _lesson = board_of(open_browser)
    assert page.evaluate(IN_VIEW) >= 10
    page.get_by_role("button", name="Late: Student 0003").click()
    expect(status_of(page, 3)).to_have_text("Late")
    expect(page.locator("#r-S-0003 .why")).to_have_text("came late")

    page.get_by_role("button", name="Excused: Student 0004").click()
    assert not violations(page)
    page.get_by_role("button", name="Ill", exact=True).click()
    expect(status_of(page, 4)).to_have_text("Excused")
    expect(page.locator("#reasons")).not_to_be_visible()
    page.get_by_role("button", name="Excused: Student 0005").click()
    page.get_by_label("Another reason").fill("a wedding")
    page.keyboard.press("Enter")
    expect(page.locator("#r-S-0005 .why")).to_have_text("a wedding")

    page.get_by_role("button", name="Undo: Student 0005").click()
    expect(status_of(page, 5)).to_have_text("Not yet here")
    page.get_by_role("button", name="Redo: Student 0005").click()
    expect(status_of(page, 5)).to_have_text("Excused")
    assert not violations(page)
    assert not said


def test_the_register_by_key(open_browser: BrowserOf, said: list[str]) -> None:
    page, _lesson = board_of(open_browser)
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "l"):
        page.keyboard.press(key)
    expect(status_of(page, 3)).to_have_text("Late")
    # The place is kept: the next key goes on from the same row.
    page.keyboard.press("ArrowDown")
    page.keyboard.press("a")
    expect(status_of(page, 4)).to_have_text("Absent")
    page.keyboard.press("Control+z")
    expect(status_of(page, 4)).to_have_text("Not yet here")
    page.keyboard.press("/")
    page.keyboard.type("late")
    expect(page.locator("#search")).to_have_value("late")
    expect(status_of(page, 3)).to_have_text("Late")
    assert not said


def test_a_row_by_thumb_while_others_come(open_browser: BrowserOf, said: list[str]) -> None:
    lesson = section_lesson(section_of_today(range(1, 9)))
    phone = {"width": 390, "height": 780}
    page = open_browser(TEACHER, viewport=phone, locale="tr", color_scheme="dark", has_touch=True)
    page.goto(f"/lessons/{lesson.id}/")
    button = page.get_by_role("button", name="Geç: Student 0003")
    box = button.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 44
    button.tap()
    expect(page.locator("#r-S-0003 [aria-pressed=true]")).to_have_text("G")
    check_in(lesson.id, student=student(5))
    expect(page.locator("#r-S-0005 [aria-pressed=true]")).to_have_text("V")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert not violations(page)
    assert not said


@pytest.mark.parametrize("size", [(1024, 768), (1920, 1080), (3840, 2160)])
def test_the_projector_shows_everything_without_scrolling(
    open_browser: BrowserOf, said: list[str], size: tuple[int, int]
) -> None:
    lesson = section_lesson(section_of_today((1, 2)), here=(1,))
    page = open_browser(TEACHER, viewport={"width": size[0], "height": size[1]})
    page.goto(f"/lessons/{lesson.id}/screen/")
    for larger in (False, True):
        if larger:
            page.get_by_role("button", name="Larger code").click()
        for part in (".qr svg", ".here", "#until"):
            box = page.locator(part).bounding_box()
            assert box is not None
            assert box["y"] >= 0
            assert box["x"] + box["width"] <= size[0]
            assert box["y"] + box["height"] <= size[1]
    page.get_by_role("button", name="Light or dark").click()
    assert page.evaluate("document.documentElement.dataset.look") == "dark"
    assert not violations(page)
    assert not said


def test_from_the_lessons_to_the_projector_in_two_clicks(open_browser: BrowserOf) -> None:
    section_of_today((1, 2))
    page = open_browser(TEACHER, viewport=LAPTOP)
    page.goto("/lessons/")
    page.get_by_role("button", name="Start a lesson of").first.click()
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Open the screen").click()
    expect(opened.value.locator(".qr svg")).to_be_visible()
