"""Operations in a browser: figures come by themselves, and whoever reads keeps their place."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from attendance.models import LessonLedger, PersistenceRun
from attendance.vocabulary import Trigger
from tests.browser import school
from tests.browser.opened import BrowserOf
from tests.support.lessons import ended_lesson

pytestmark = pytest.mark.django_db(transaction=True)


def test_figures_come_by_themselves_and_nobody_loses_their_place(
    open_browser: BrowserOf, said: list[str]
) -> None:
    for _ in range(40):
        PersistenceRun.objects.create(trigger=Trigger.SCHEDULER)
    page = open_browser(school.STAFF, viewport={"width": 320, "height": 640})
    page.goto("/admin/operations/")
    page.locator("#state-ended").focus()
    page.evaluate("document.querySelector('.scroll').scrollLeft = 90")
    page.evaluate("window.scrollTo(0, 300)")

    ended_lesson(2)
    LessonLedger.objects.update(ends_at=timezone.now())
    expect(page.locator("#state-ended strong")).to_have_text("1")
    expect(page.locator("#state-ended")).to_be_focused()
    assert page.evaluate("document.querySelector('.scroll').scrollLeft") == 90
    assert page.evaluate("window.scrollY") == 300

    page.get_by_role("button", name="Persist now").click()
    expect(page.locator(".messages .message")).to_contain_text("1 lesson: 2 records inserted")
    expect(page.locator("#run-rows tr").first).to_contain_text("2")
    assert not said
