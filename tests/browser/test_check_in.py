"""A phone: from the link to the mark, and the mark that comes back by its receipt."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from attendance.live import client, store
from attendance.models import LessonLedger, QuarantinedPayload
from attendance.selectors.screens import find_code
from attendance.services.lessons import LessonPlan, start_lesson
from tests.browser.accessible import violations
from tests.browser.opened import BrowserOf
from tests.support.callers import PASSWORD, account
from tests.support.lessons import TEACHER
from users.identity import Person

pytestmark = pytest.mark.django_db(transaction=True)

STUDENT = Person("S-014", "Student 014")
OTHER = Person("S-015", "Student 015")
PHONE = {"width": 320, "height": 640}
MOST_TABS = 10
"""Further away, the button would be hard to reach."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_checks_in_with_the_keyboard_alone(
    scheme: str, open_browser: BrowserOf, said: list[str]
) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45, checks=("code",)), teacher=TEACHER)
    shown = find_code(lesson.id)
    page = open_browser(STUDENT, viewport=PHONE, color_scheme=scheme)
    page.goto(f"/C/{shown.short_code}/{shown.code.whole}")
    assert not violations(page)
    button = page.get_by_role("button", name="I am here")
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if button.evaluate("it => it === document.activeElement"):
            break
    expect(button).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("You are here")
    assert not violations(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert store.read_lesson(lesson.id).record_count == 1
    assert not said


def test_a_mark_that_the_server_has_lost_comes_back_by_itself(
    open_browser: BrowserOf, said: list[str]
) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    page = open_browser(STUDENT, viewport=PHONE)
    page.goto(f"/lessons/{lesson.id}/here/")
    page.get_by_role("button", name="I am here").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are here")
    client.connection().flushdb()

    page.goto(f"/lessons/{lesson.id}/mine/")
    expect(page.get_by_role("heading", level=1)).to_have_text("You are here")
    # That the page was not found is the browser's own word; nothing else may be said.
    assert all("404" in each for each in said)


def test_a_receipt_of_a_lesson_that_nobody_knows_is_told_to_wait_for_staff(
    open_browser: BrowserOf,
) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    page = open_browser(STUDENT, viewport=PHONE)
    page.goto(f"/lessons/{lesson.id}/here/")
    page.get_by_role("button", name="I am here").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are here")
    client.connection().flushdb()
    LessonLedger.objects.all().delete()

    for _ in range(2):
        page.goto(f"/lessons/{lesson.id}/mine/")
        expect(page.get_by_text("handed to the staff")).to_be_visible()
    assert not violations(page)
    assert QuarantinedPayload.objects.count() == 1


def test_a_page_that_waits_comes_to_life_by_itself(open_browser: BrowserOf) -> None:
    later = store.now() + timedelta(seconds=12)
    plan = LessonPlan("Physics", minutes=45, starts_at=later)
    lesson = start_lesson(plan, teacher=TEACHER)
    page = open_browser(STUDENT, viewport=PHONE)
    page.goto(f"/lessons/{lesson.id}/here/")
    expect(page.get_by_role("heading", level=2)).to_have_text("Not open yet")
    loads: list[str] = []
    page.on("framenavigated", lambda frame: loads.append(frame.url))

    expect(page.get_by_role("button", name="I am here")).to_be_visible(timeout=40_000)
    # It looked more than once, and was loaded when there was something new.
    assert len(loads) == 1


def test_a_receipt_that_the_server_knows_is_sent_more_and_more_seldom(
    open_browser: BrowserOf,
) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    page = open_browser(STUDENT, viewport=PHONE)
    page.goto(f"/lessons/{lesson.id}/here/")
    page.get_by_role("button", name="I am here").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are here")

    sent: list[str] = []
    page.on("request", lambda it: sent.append(it.url) if "/receipts/" in it.url else None)
    kept = "JSON.parse(localStorage['attn.receipts'])"
    # Minutes ago that it was sent, and whether it is sent now: after 10, 20, 40, 80 minutes.
    for minutes, is_sent in ((9, False), (11, True), (11, False), (21, True), (39, False)):
        page.evaluate(
            f"() => {{ const all = {kept}; for (const it of Object.values(all))"
            f" it.sent = Date.now() - {minutes * 60_000};"
            " localStorage['attn.receipts'] = JSON.stringify(all); }"
        )
        sent.clear()
        page.goto("/me/")
        page.wait_for_load_state("networkidle")
        assert len(sent) == is_sent, minutes


def test_somebody_elses_receipt_on_a_shared_phone_loads_no_page_for_ever(
    open_browser: BrowserOf,
) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    page = open_browser(STUDENT, viewport=PHONE)
    page.goto(f"/lessons/{lesson.id}/here/")
    page.get_by_role("button", name="I am here").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are here")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    account(OTHER, password=PASSWORD)
    page.get_by_label("School number").fill(OTHER.school_number)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("My attendance")

    loads: list[str] = []
    page.on("framenavigated", lambda frame: loads.append(frame.url))
    with page.expect_response("**/api/v1/receipts/") as answer:
        page.goto(f"/lessons/{lesson.id}/mine/")
    assert answer.value.status == 403
    page.wait_for_timeout(1_000)
    assert len(loads) == 1
