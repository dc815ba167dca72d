"""A phone in a hall: no connection when it is pressed, a lesson that ends, the camera."""

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from attendance.live import store
from attendance.selectors.screens import find_code
from attendance.services.lessons import LessonPlan, finish_lesson, start_lesson
from tests.browser.accessible import violations
from tests.browser.opened import BrowserOf
from tests.browser.troubles import away
from tests.support.lessons import TEACHER
from users.identity import Person

pytestmark = pytest.mark.django_db(transaction=True)

STUDENT = Person("S-014", "Student 014")
PHONE = {"width": 320, "height": 640}
NOT_YET, TOO_LATE = "Not sent yet: no connection", "there was no connection in time"


def lesson_with_code() -> Any:
    return start_lesson(LessonPlan("Physics", minutes=45, checks=("code",)), teacher=TEACHER)


def link_of(lesson: Any) -> str:
    shown = find_code(lesson.id)
    return f"/C/{shown.short_code}/{shown.code.whole}"


def press(page: Page) -> None:
    page.get_by_role("button", name="I am here").click()


def test_a_press_without_a_connection_is_kept_and_sent(open_browser: BrowserOf) -> None:
    lesson = lesson_with_code()
    page = open_browser(STUDENT, viewport=PHONE)
    page.goto(link_of(lesson))
    page.context.set_offline(True)
    press(page)
    expect(page.get_by_text(NOT_YET)).to_be_visible()
    assert not violations(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert store.read_lesson(lesson.id).record_count == 0
    page.context.set_offline(False)
    expect(page.get_by_role("heading", level=1)).to_have_text("You are here")
    assert page.url.endswith(f"/lessons/{lesson.id}/mine/")
    assert store.read_lesson(lesson.id).record_count == 1
    # The answer has become the page: its scripts run, and it can be loaded again.
    assert str(lesson.id) in page.evaluate("localStorage['attn.receipts']")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are here")


def test_a_press_whose_answer_was_lost_is_one_mark(open_browser: BrowserOf) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    page = open_browser(STUDENT, viewport=PHONE)
    page.goto(f"/lessons/{lesson.id}/here/")
    sent: list[str | None] = []

    def lose_the_first(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        sent.append(route.request.post_data)
        if len(sent) == 1:
            route.fetch(max_redirects=0)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/here/", lose_the_first)
    press(page)
    expect(page.get_by_text("You had checked in already")).to_be_visible()
    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert store.read_lesson(lesson.id).record_count == 1


def test_a_press_that_waits_too_long_is_not_sent(open_browser: BrowserOf) -> None:
    lesson = lesson_with_code()
    page = open_browser(STUDENT, viewport=PHONE)
    page.clock.install()
    page.goto(link_of(lesson))
    page.context.set_offline(True)
    press(page)
    expect(page.get_by_text(NOT_YET)).to_be_visible()
    # The scan was kept for five minutes.
    page.clock.fast_forward("05:30")
    expect(page.get_by_text(TOO_LATE)).to_be_visible()
    page.context.set_offline(False)
    page.clock.fast_forward("00:30")
    expect(page.get_by_text(TOO_LATE)).to_be_visible()
    assert store.read_lesson(lesson.id).record_count == 0


def test_a_page_that_was_left_sends_nothing(open_browser: BrowserOf) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    page = open_browser(STUDENT, viewport=PHONE)
    page.goto(f"/lessons/{lesson.id}/here/")
    page.context.set_offline(True)
    press(page)
    expect(page.get_by_text(NOT_YET)).to_be_visible()
    page.goto("about:blank")
    page.context.set_offline(False)
    page.go_back()
    expect(page.get_by_role("button", name="I am here")).to_be_visible()
    page.wait_for_timeout(500)
    assert not page.get_by_text(NOT_YET).is_visible()
    assert store.read_lesson(lesson.id).record_count == 0


def test_what_the_server_says_meanwhile_is_its_page(open_browser: BrowserOf) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    page = open_browser(STUDENT, viewport=PHONE)
    page.goto(f"/lessons/{lesson.id}/here/")
    with away("redis"):
        press(page)
        expect(page.get_by_role("heading", level=2)).to_have_text("The server is busy")
    # The page that the answer has become looks again by itself.
    expect(page.get_by_role("button", name="I am here")).to_be_visible()
    page.context.set_offline(True)
    press(page)
    expect(page.get_by_text(NOT_YET)).to_be_visible()
    finish_lesson(lesson.id, actor=TEACHER)
    page.context.set_offline(False)
    expect(page.get_by_role("heading", level=2)).to_have_text("This lesson is over")
    assert not violations(page)


def test_an_open_page_says_by_itself_that_the_lesson_is_over(open_browser: BrowserOf) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    page = open_browser(STUDENT, viewport=PHONE)
    page.clock.install()
    page.goto(f"/lessons/{lesson.id}/here/")
    finish_lesson(lesson.id, actor=TEACHER)
    page.clock.fast_forward("44:00")
    expect(page.get_by_role("button", name="I am here")).to_be_visible()
    page.clock.fast_forward("01:05")
    expect(page.get_by_role("heading", level=2)).to_have_text("This lesson is over")
    assert not violations(page)


def test_a_typed_code_is_kept_until_it_is_changed(open_browser: BrowserOf) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    page = open_browser(STUDENT, viewport=PHONE)
    page.goto("/c/")
    field = page.get_by_label("The code on the screen")
    expect(field).to_be_focused()
    page.keyboard.type("WRONG")
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    expect(page.get_by_text(NOT_YET)).to_be_visible()
    field.fill(find_code(lesson.id).short_code)
    expect(page.get_by_text(NOT_YET)).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.get_by_text(NOT_YET)).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_role("heading", level=1)).to_have_text("Physics")
    page.goto("/c/")
    field.fill("WRONG")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("There is no such lesson")
    expect(field).not_to_be_focused()


CAMERA = """
globalThis.BarcodeDetector = class {
  static async getSupportedFormats() { return ["qr_code"]; }
  async detect() {
    globalThis.looked?.();
    return globalThis.seen ? [{ rawValue: globalThis.seen }] : [];
  }
};
navigator.mediaDevices.getUserMedia = async () => {
  const stream = document.createElement("canvas").captureStream();
  for (const track of stream.getTracks()) {
    track.stop = () => sessionStorage.setItem("stopped", "yes");
  }
  return stream;
};
"""


LOOK_TWICE = """seen => new Promise((done) => {
  let left = 2;
  globalThis.seen = seen;
  globalThis.looked = () => --left || done();
})"""


def test_the_camera_reads_the_codes_of_this_site_alone(
    open_browser: BrowserOf, live_server: Any, said: list[str]
) -> None:
    lesson = lesson_with_code()
    page = open_browser(STUDENT, viewport=PHONE)
    page.goto("/c/")
    button = page.get_by_role("button", name="Scan with the camera")
    page.wait_for_load_state("networkidle")
    expect(button).to_be_hidden()

    page.add_init_script(CAMERA)
    page.reload()
    button.click()
    expect(page.get_by_label("What the camera sees")).to_be_visible()
    expect(page.get_by_role("button", name="Stop the camera")).to_be_visible()
    assert not violations(page)
    path = link_of(lesson)
    for other in ("https://elsewhere.example" + path, live_server.url + "/me/", "WIFI:S:x;;"):
        page.evaluate(LOOK_TWICE, other)
        expect(page.get_by_text("That is not the code of a lesson here")).to_be_visible()
    assert page.url.endswith("/c/")
    page.evaluate("seen => { globalThis.seen = seen; }", (live_server.url + path).upper())
    expect(page.get_by_role("button", name="I am here")).to_be_visible()
    assert page.evaluate("sessionStorage.stopped") == "yes"
    assert not said
