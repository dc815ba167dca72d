"""Signing in and the first page of each role."""

from typing import Any

import pytest
from playwright.sync_api import expect

from attendance.services.lessons import LessonPlan, start_lesson
from tests.browser.accessible import violations
from tests.browser.opened import BrowserOf
from tests.support.callers import PASSWORD, account
from tests.support.campus import campus_at, use_campus
from tests.support.lessons import TEACHER
from tests.support.oidc_server.people import PASSWORD as CAMPUS_PASSWORD
from tests.support.oidc_server.running import identity_provider
from users.identity import Person

STUDENT = Person("S-014", "Student 014")
PHONE = {"width": 320, "height": 640}

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


def test_a_student_signs_in_with_the_campus_and_checks_in(
    open_browser: BrowserOf, live_server: Any, settings: Any, said: list[str]
) -> None:
    account(STUDENT)
    lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    callback = f"{live_server.url}/accounts/oidc/campus/login/callback/"
    with identity_provider(callback, STUDENT.school_number) as issuer:
        use_campus(settings, campus_at(issuer, ATTN_OIDC_NAME="Example University"))
        policy = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
        allowed = {"form-action": ["'self'", settings.CAMPUS.origin]}
        settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": policy | allowed}
        page = open_browser(viewport=PHONE)
        page.goto(f"/lessons/{lesson.id}/here/")
        assert not violations(page)
        page.get_by_role("button", name="Sign in with Example University").click()
        page.get_by_label("Name").fill(STUDENT.school_number)
        page.get_by_label("Password").fill(CAMPUS_PASSWORD)
        page.get_by_role("button", name="Go on").click()
        # The detour leads back to the lesson whose code was scanned.
        page.get_by_role("button", name="I am here").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("You are here")
    assert not said
