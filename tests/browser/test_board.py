"""The board with the keyboard alone, and with the connection lost."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from attendance.live import store
from attendance.services.check_in import check_in
from attendance.services.lessons import LessonPlan, start_lesson
from attendance.services.persistence import unified_persistence_task
from tests.browser.accessible import violations
from tests.browser.opened import BrowserOf
from tests.support.callers import account
from tests.support.lessons import TEACHER, student
from tests.support.sections import section_lesson, section_of_today
from tests.support.streaming import streaming
from users.identity import Person

pytestmark = pytest.mark.django_db(transaction=True)

MOST_TABS = 60
FOCUSED = """() => { const e = document.activeElement;
  return e.getAttribute('aria-label') || e.labels?.[0]?.innerText || e.innerText || '' }"""


def tab_to(page: Page, name: str) -> None:
    """Press Tab until something of this name has the focus, as somebody without a mouse does."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if name in page.evaluate(FOCUSED):
            return
    raise AssertionError(f"{name} cannot be reached with the keyboard")


def test_a_board_is_worked_with_the_keyboard_alone(
    open_browser: BrowserOf, said: list[str]
) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    check_in(lesson.id, student=Person("S-014", "Student 014"))
    page = open_browser(TEACHER)
    page.goto(f"/lessons/{lesson.id}/")
    tab_to(page, "Student 014")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Student 014")
    tab_to(page, "Present")
    page.keyboard.press("ArrowDown")
    tab_to(page, "Reason")
    page.keyboard.type("arrived with the tram")
    tab_to(page, "Save")
    page.keyboard.press("Enter")
    expect(page.locator("#r-S-014")).to_contain_text("Late")

    tab_to(page, "Finish")
    page.keyboard.press("Enter")
    tab_to(page, "Finish the lesson now")
    page.keyboard.press("Enter")
    expect(page.locator("#rows .state")).to_contain_text("Saved")
    assert not said


def test_the_missing_are_marked_one_after_another_with_the_keyboard(
    open_browser: BrowserOf, said: list[str]
) -> None:
    lesson = section_lesson(section_of_today((1, 2, 3)))
    page = open_browser(TEACHER)
    page.goto(f"/lessons/{lesson.id}/")
    expect(page.locator(".tile").first).to_have_text("0 of 3 here")
    tab_to(page, "Present: Student 0002")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("Student 0002: present")
    expect(page.locator(".tile").first).to_have_text("1 of 3 here")
    expect(page.get_by_label("Present: Student 0003")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".tile").first).to_have_text("2 of 3 here")
    # Somebody checks in: the rows are new, and what was said stays.
    check_in(lesson.id, student=student(1))
    expect(page.locator(".tile").first).to_have_text("3 of 3 here")
    page.get_by_label("Undo: Student 0003").click()
    expect(page.locator(".tile").first).to_have_text("2 of 3 here")
    assert not violations(page)
    assert not said


@pytest.mark.parametrize("width", [390, 1280])
def test_the_pages_of_a_course_lesson_have_no_fault(
    open_browser: BrowserOf, said: list[str], width: int
) -> None:
    section = section_of_today((1, 2), walk_ins="hold", policy={"late_after_s": 600})
    lesson = section_lesson(section, here=(1, 9))
    for person, path in (
        (TEACHER, "/lessons/"),
        (TEACHER, f"/lessons/{lesson.id}/"),
        (TEACHER, f"/lessons/{lesson.id}/screen/"),
        (student(9), f"/lessons/{lesson.id}/mine/"),
    ):
        scheme: Any = "dark" if width == 390 else "light"
        page = open_browser(
            person, viewport={"width": width, "height": 850}, color_scheme=scheme, locale="tr"
        )
        page.goto(path)
        assert not violations(page)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert not said


def test_a_board_without_a_connection_says_so_and_comes_back(open_browser: BrowserOf) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    page = open_browser(TEACHER)
    page.goto(f"/lessons/{lesson.id}/")
    expect(page.locator("#connection")).to_have_text("Looks every two seconds")
    page.context.set_offline(True)
    expect(page.locator("#connection")).to_have_text("No connection. What you see may be old.")
    check_in(lesson.id, student=Person("S-014", "Student 014"))

    page.context.set_offline(False)
    expect(page.locator("#r-S-014")).to_contain_text("Student 014")
    expect(page.locator("#connection")).to_have_text("Looks every two seconds")


def test_a_screen_without_a_connection_hides_a_code_that_has_ended(
    open_browser: BrowserOf, settings: Any
) -> None:
    settings.CODE_SECONDS = 2
    plan = LessonPlan("Physics", minutes=45, checks=("code",))
    lesson = start_lesson(plan, teacher=TEACHER)
    page = open_browser(TEACHER)
    page.goto(f"/lessons/{lesson.id}/screen/")
    expect(page.locator(".qr svg")).to_be_visible()
    page.context.set_offline(True)
    expect(page.locator("#stale")).to_be_visible(timeout=10_000)
    expect(page.locator(".qr svg")).not_to_be_visible()

    page.context.set_offline(False)
    expect(page.locator(".qr svg")).to_be_visible(timeout=10_000)
    expect(page.locator("#stale")).not_to_be_visible()


def test_a_board_hears_minutes_that_pass_and_the_end(
    open_browser: BrowserOf, said: list[str], live_server: Any, settings: Any
) -> None:
    with streaming(ATTN_ALLOWED_HOSTS="localhost,127.0.0.1") as port:
        origin = f"http://127.0.0.1:{port}"
        settings.STREAM_URL = f"{origin}/stream/"
        policy = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
        allowed = {"connect-src": ["'self'", origin]}
        settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": policy | allowed}
        plan = LessonPlan("Physics", ends_at=store.now() + timedelta(seconds=68))
        lesson = start_lesson(plan, teacher=TEACHER)
        page = open_browser(TEACHER)
        page.goto(f"/lessons/{lesson.id}/")
        expect(page.locator("#connection")).to_have_text("Live: rows come by themselves")
        expect(page.locator("#when")).to_contain_text("2 minutes left")
        expect(page.locator("#when")).to_contain_text("1 minute left", timeout=15_000)
        expect(page.locator("#rows .state")).to_contain_text("Over", timeout=75_000)
        expect(page.get_by_role("button", name="15 minutes more")).to_have_count(0)
        expect(page.get_by_role("button", name="Open the screen")).to_have_count(0)
        expect(page.locator("#connection")).to_have_text("Looks every five seconds")
        assert not violations(page)
        # How it is saved the stream does not know: the rows ask.
        unified_persistence_task()
        expect(page.locator("#rows .state")).to_contain_text("Saved", timeout=15_000)
    assert not said


def test_people_are_found_while_one_types_and_marked_one_after_another(
    open_browser: BrowserOf, said: list[str]
) -> None:
    for number in (1, 2):
        account(student(number))
    lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    page = open_browser(TEACHER, viewport={"width": 390, "height": 780}, color_scheme="dark")
    page.goto(f"/lessons/{lesson.id}/")
    page.get_by_text("Add a student").click()
    page.get_by_label("Find by number or name").press_sequentially("000")
    page.get_by_label("Present: Student 0002").click()
    expect(page.locator("#r-S-0002")).to_contain_text("Present")
    expect(page.locator("#people")).to_contain_text("In the register:")
    expect(page.get_by_label("Find by number or name")).to_be_focused()
    page.get_by_label("Present: Student 0001").click()
    expect(page.locator("#r-S-0001")).to_contain_text("Present")
    expect(page.locator("#said")).to_contain_text("Student 0001: present")
    assert not violations(page)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert not said
