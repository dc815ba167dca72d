"""What `open_browser` is: it opens a page, in a browser of somebody's own; and signing in."""

from collections.abc import Callable

from playwright.sync_api import Page

from tests.support.callers import PASSWORD, account
from tests.support.lessons import TEACHER
from users.identity import Person

BrowserOf = Callable[..., Page]


def sign_in(page: Page, person: Person = TEACHER) -> None:
    """By the form on which the page stands."""
    account(person, password=PASSWORD)
    page.get_by_label("School number").fill(person.school_number)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
