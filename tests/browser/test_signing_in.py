"""Signing in and the first page of each role."""

import pytest
from playwright.sync_api import expect

from tests.browser.accessible import violations
from tests.browser.conftest import BrowserOf
from tests.callers import PASSWORD, account
from users.identity import Person

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_teacher_signs_in_and_sees_the_lessons(
    open_browser: BrowserOf, teacher: Person, said: list[str]
) -> None:
    account(teacher, password=PASSWORD)
    page = open_browser()
    page.goto("/")
    page.get_by_label("School number").fill(teacher.school_number)
    page.get_by_label("Password").fill(PASSWORD)
    assert not violations(page)
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("My lessons")
    assert not violations(page)
    assert not said
