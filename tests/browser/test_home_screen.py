"""ATTN on a home screen: what its service worker keeps, and what is left without a connection."""

import pytest
from playwright.sync_api import expect

from attendance.services.lessons import LessonPlan, start_lesson
from tests.browser.accessible import violations
from tests.browser.opened import BrowserOf
from tests.support.lessons import TEACHER
from users.identity import Person

pytestmark = pytest.mark.django_db(transaction=True)

STUDENT = Person("S-014", "Student 014")
PHONE = {"width": 320, "height": 640}

KEPT = """async () => {
  const kept = [];
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      const answer = await cache.match(request);
      kept.push([new URL(request.url).pathname, await answer.text()]);
    }
  }
  return kept;
}"""


def test_the_worker_keeps_the_look_and_nothing_of_anybody(open_browser: BrowserOf) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    page = open_browser(STUDENT, viewport=PHONE)
    page.goto("/me/")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.goto(f"/lessons/{lesson.id}/here/")
    page.get_by_role("button", name="I am here").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are here")
    page.goto("/courses/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")

    kept = page.evaluate(KEPT)
    assert len(kept) > 10
    assert {path for path, _ in kept if not path.startswith("/static/")} == {"/offline/"}
    for path, text in kept:
        for word in (STUDENT.full_name, STUDENT.school_number, str(lesson.id), "csrf"):
            assert word not in text or path.endswith(".js"), (path, word)

    page.context.set_offline(True)
    page.goto("/me/")
    expect(page.get_by_role("heading", level=1)).to_have_text("No connection")
    assert not violations(page)
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
