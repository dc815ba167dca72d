"""The first page, whose pages are whose, and what every page sends along."""

import re

import pytest
from django.test import Client

from tests.pages.visitors import STUDENT, signed_in
from tests.support.callers import PASSWORD, account
from users.identity import Person, Role

pytestmark = pytest.mark.django_db

FIRST_PAGES = {Role.STUDENT: "/me/", Role.TEACHER: "/lessons/", Role.STAFF: "/first-steps/"}


@pytest.mark.parametrize("role", Role)
def test_each_role_has_a_first_page(role: Role) -> None:
    client = signed_in(Person("X-1", "Somebody", role))
    assert client.get("/").headers["Location"] == FIRST_PAGES[role]
    assert client.get(FIRST_PAGES[role]).status_code == 200


@pytest.mark.parametrize("path", ["/", "/lessons/", "/me/"])
def test_who_has_not_signed_in_is_asked_to_and_comes_back(path: str) -> None:
    account(STUDENT, password=PASSWORD)
    client = Client()
    there = client.get(path).headers["Location"]
    assert there == f"/accounts/login/?next={path}"

    form = client.get(there)
    hidden = re.findall(r'type="hidden" name="next" value="([^"]*)"', form.content.decode())
    assert path in hidden
    entered = {"login": "s-014", "password": PASSWORD, "next": path}
    assert client.post("/accounts/login/", entered).headers["Location"] == path


def test_what_is_not_there_says_so_in_our_words() -> None:
    for client in (Client(), signed_in(STUDENT)):
        answer = client.get("/nothing/here/")
        assert (answer.status_code, b"There is nothing here" in answer.content) == (404, True)


def test_a_form_that_is_too_old_says_what_to_do() -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/accounts/login/", {"login": "S-014", "password": PASSWORD})
    assert (answer.status_code, b"load the page again" in answer.content) == (403, True)


def test_a_page_of_another_role_says_so() -> None:
    answer = signed_in(STUDENT).get("/lessons/")
    assert answer.status_code == 403
    assert b"not for your role" in answer.content


def test_pages_ask_postgresql_nothing_to_know_who_looks(
    django_assert_num_queries: pytest.FixtureRequest,
) -> None:
    client = signed_in(STUDENT)
    client.get("/")
    with django_assert_num_queries(0):  # type: ignore[operator]
        client.get("/")


def test_no_page_has_anything_inline() -> None:
    for client, path in ((Client(), "/accounts/login/"), (signed_in(STUDENT), "/me/")):
        answer = client.get(path)
        text = answer.content.decode()
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text)
