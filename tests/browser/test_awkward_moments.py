"""What people do besides what was meant: double clicks, Back, two tabs, and no connection."""

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from attendance.live import store
from attendance.models import LessonLedger
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import LessonPlan, start_lesson
from attendance.vocabulary import Verdict
from tests.browser.accessible import violations
from tests.browser.opened import BrowserOf, sign_in
from tests.support.lessons import TEACHER, student
from tests.support.members import OTHER_TEACHER
from tests.support.sections import section_lesson, section_of_today

pytestmark = pytest.mark.django_db(transaction=True)

NOT_CONFIRMED = "was not confirmed"


def status_of(page: Page, number: int) -> Any:
    return page.locator(f"#r-{student(number).school_number} .status")


def board_of_course(open_browser: BrowserOf, **options: Any) -> tuple[Page, Any]:
    lesson = section_lesson(section_of_today(range(1, 9)), here=(1, 2))
    page = open_browser(TEACHER, **options)
    page.goto(f"/lessons/{lesson.id}/")
    return page, lesson


def happened_to(page: Page, number: int) -> Any:
    """The history on the page of one student."""
    page.locator(f"#c-{student(number).school_number}").click()
    return page.locator(".history li")


def test_a_double_click_does_one_thing(open_browser: BrowserOf, said: list[str]) -> None:
    section_of_today(range(1, 4))
    board = open_browser(TEACHER)
    board.goto("/lessons/")
    board.get_by_role("button", name="Start a lesson of").dblclick()
    expect(board.locator("#rows[data-open]")).to_be_attached()
    lesson = store.teachers_lesson(TEACHER.school_number)
    assert lesson is not None
    assert LessonLedger.objects.count() == 1
    assert board.locator(".messages .message").all_inner_texts() == []

    board.get_by_role("button", name="Late: Student 0003").dblclick()
    expect(status_of(board, 3)).to_have_text("Late")
    end = board.locator("#when time").nth(1)
    before = end.inner_text()
    board.get_by_role("button", name="15 minutes more").dblclick()
    expect(end).not_to_have_text(before)
    assert store.read_lesson(lesson.id).ends_at.timestamp() - lesson.ends_at.timestamp() == 15 * 60
    expect(happened_to(board, 3)).to_have_count(1)
    board.get_by_label("Absent").check()
    board.get_by_label("Reason").fill("left")
    board.get_by_role("button", name="Save").dblclick()
    expect(status_of(board, 3)).to_have_text("Absent")
    expect(board.locator(".error, .warning")).to_have_count(0)
    expect(happened_to(board, 3)).to_have_count(2)
    board.goto(f"/lessons/{lesson.id}/")
    board.get_by_text("Finish", exact=True).click()
    board.get_by_role("button", name="Finish the lesson now").dblclick()
    expect(board.locator("#rows .state")).to_contain_text("Saved")
    expect(board.locator(".error, .warning")).to_have_count(0)

    other = start_lesson(LessonPlan("Physics", minutes=45), teacher=OTHER_TEACHER)
    phone = open_browser(student(1))
    phone.goto(f"/lessons/{other.id}/here/")
    phone.get_by_role("button", name="I am here").dblclick()
    expect(phone.get_by_role("heading", level=1)).to_have_text("You are here")
    expect(phone.get_by_text("You had checked in already")).to_have_count(0)
    assert store.read_lesson(other.id).record_count == 1
    assert not said


def test_back_shows_what_is_and_sends_nothing_again(
    open_browser: BrowserOf, said: list[str]
) -> None:
    section_of_today(range(1, 4))
    page = open_browser(TEACHER)
    sent: list[str] = []
    page.on("request", lambda it: sent.append(it.url) if it.method == "POST" else None)
    page.goto("/lessons/")
    page.get_by_role("button", name="Start a lesson of").click()
    page.get_by_role("button", name="Late: Student 0003").click()
    expect(status_of(page, 3)).to_have_text("Late")
    lesson = store.teachers_lesson(TEACHER.school_number)
    assert lesson is not None

    page.locator("#c-S-0003").click()
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number="S-0003",
            verdict=Verdict.ABSENT,
            actor=TEACHER,
            reason="left",
        )
    )
    page.go_back()
    assert status_of(page, 3).inner_text() == "Absent"
    page.locator("#c-S-0003").click()
    page.get_by_label("Late").check()
    page.get_by_label("Reason").fill("came later")
    page.get_by_role("button", name="Save").click()
    expect(status_of(page, 3)).to_have_text("Late")
    page.go_back()
    # The page of the record as it is now: what was sent is in its history.
    assert page.locator(".history li").count() == 3
    while not page.url.endswith("/lessons/"):
        page.go_back()
    assert page.get_by_role("heading", name="Now").count() == 1
    assert len(sent) == 3
    assert not said


def test_back_from_a_mark_leads_to_the_mark(open_browser: BrowserOf, said: list[str]) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    page = open_browser(student(1), viewport={"width": 390, "height": 780})
    page.goto("/courses/")
    page.goto(f"/lessons/{lesson.id}/here/")
    page.get_by_role("button", name="I am here").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("You are here")
    page.goto("/me/")
    page.go_back()
    expect(heading).to_have_text("You are here")
    page.go_back()
    expect(heading).to_have_text("My courses")
    page.go_forward()
    expect(heading).to_have_text("You are here")
    assert store.read_lesson(lesson.id).record_count == 1
    assert not said


def test_two_tabs_know_of_one_another(open_browser: BrowserOf, said: list[str]) -> None:
    older, lesson = board_of_course(open_browser)
    newer = older.context.new_page()
    newer.goto(older.url)
    older.get_by_role("button", name="Late: Student 0003").click()
    expect(status_of(newer, 3)).to_have_text("Late")
    newer.get_by_role("button", name="Absent: Student 0003").click()
    expect(status_of(older, 3)).to_have_text("Absent")
    older.get_by_role("button", name="Undo: Student 0003").click()
    expect(older.locator("#said .error")).to_contain_text("changed")
    expect(status_of(older, 3)).to_have_text("Absent")
    assert not violations(older)

    phone = open_browser(student(5))
    tabs = [phone, phone.context.new_page()]
    for tab in tabs:
        tab.goto(f"/lessons/{lesson.id}/here/")
    for tab in tabs:
        tab.get_by_role("button", name="I am here").click()
        expect(tab.get_by_role("heading", level=1)).to_have_text("You are here")
    expect(tabs[1].get_by_text("You had checked in already")).to_be_visible()
    expect(tabs[0].get_by_text("You had checked in already")).to_have_count(0)
    assert store.read_lesson(lesson.id).record_count == 4
    assert not said


def test_a_board_says_which_mark_was_not_confirmed(open_browser: BrowserOf) -> None:
    page, lesson = board_of_course(open_browser, viewport={"width": 390, "height": 780})
    page.context.set_offline(True)
    page.get_by_role("button", name="Late: Student 0003").click()
    told = page.locator("#said .error")
    expect(told).to_contain_text(f"“Late: Student 0003” {NOT_CONFIRMED}")
    expect(status_of(page, 3)).to_have_text("Not yet here")
    page.get_by_role("button", name="Excused: Student 0004").click()
    page.get_by_label("Another reason").fill("a wedding")
    page.keyboard.press("Enter")
    # The reason stays where it was typed.
    expect(page.locator("#reasons [role=alert]")).to_contain_text(NOT_CONFIRMED)
    expect(page.get_by_label("Another reason")).to_have_value("a wedding")
    assert not violations(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert store.read_lesson(lesson.id).record_count == 2

    page.context.set_offline(False)
    page.get_by_role("button", name="Excuse", exact=True).click()
    expect(page.locator("#r-S-0004 .why")).to_have_text("a wedding")
    expect(page.locator("#reasons")).not_to_be_visible()
    page.get_by_role("button", name="Late: Student 0003").click()
    expect(page.locator("#said")).to_contain_text("Student 0003: late")
    expect(told).to_have_count(0)


def test_a_phone_whose_session_has_ended_is_led_back_to_its_button(
    open_browser: BrowserOf, said: list[str]
) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    page = open_browser(student(1), viewport={"width": 390, "height": 780})
    page.goto(f"/lessons/{lesson.id}/here/")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="I am here").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    sign_in(page, student(1))
    assert not violations(page)
    page.get_by_role("button", name="Send it now").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are here")
    assert not said


def test_rows_that_ask_do_not_take_the_answer_of_a_press(
    open_browser: BrowserOf, said: list[str]
) -> None:
    page, lesson = board_of_course(open_browser)
    held: list[Route] = []
    to_hold = ["/rows/", "/mark/"]

    def hold(route: Route) -> None:
        """The first of each kind waits."""
        kind = next((each for each in to_hold if each in route.request.url), "")
        if kind:
            to_hold.remove(kind)
            held.append(route)
        else:
            route.continue_()

    def wait_for(count: int) -> None:
        while len(held) < count:
            page.wait_for_timeout(50)

    # An answer of the rows is on its way when a press is made: it comes before the other, ...
    page.route(f"**/lessons/{lesson.id}/**", hold)
    check_in(lesson.id, student=student(5))
    wait_for(1)
    page.get_by_role("button", name="Late: Student 0003").click()
    wait_for(2)
    with page.expect_response("**/rows/**"):
        held[0].continue_()
    page.wait_for_timeout(200)
    held[1].continue_()
    expect(page.locator("#said")).to_contain_text("Student 0003: late")
    expect(status_of(page, 3)).to_have_text("Late")
    expect(status_of(page, 5)).to_have_text("Present")

    # ... or after it.
    to_hold.append("/rows/")
    check_in(lesson.id, student=student(6))
    wait_for(3)
    page.get_by_role("button", name="Late: Student 0004").click()
    expect(page.locator("#said")).to_contain_text("Student 0004: late")
    held[2].continue_()
    expect(status_of(page, 6)).to_have_text("Present")
    assert not said
