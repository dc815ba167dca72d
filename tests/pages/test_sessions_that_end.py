"""A session that ended: whoever clicks comes back to the page, and what they sent is not lost."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from attendance.live import store
from attendance.web import signed_out, unsent
from tests.pages.visitors import STAFF, STUDENT, lesson_with, signed_in, started_lesson, text_of
from tests.support.callers import PASSWORD, account
from tests.support.lessons import TEACHER
from users.identity import Person

pytestmark = pytest.mark.django_db(transaction=True)

LOGIN = "/accounts/login/"
ADDED = {"school_number": "S-077", "full_name": "Ada Typed", "request_id": "a1"}


def left(person: Person, page: str) -> Client:
    """A browser whose session has ended after it has shown a page."""
    client = Client()
    account(person, password=PASSWORD)
    client.force_login(account(person), "users.backends.AccountBackend")
    assert client.get(page).status_code == 200
    del client.cookies["sessionid"]
    return client


def sign_in_again(client: Client, address: str, person: Person = TEACHER) -> Any:
    account(person, password=PASSWORD)
    sent = {"login": person.school_number, "password": PASSWORD}
    return client.post(address, sent, follow=True)


@pytest.mark.parametrize("part", ["rows/", "screen/code/"])
def test_a_part_of_a_page_leads_the_whole_page_to_sign_in(part: str) -> None:
    board = f"/lessons/{started_lesson().id}/"
    page = f"{board}screen/" if "screen" in part else f"{board}?tab=here"
    asked = Client().get(
        f"{board}{part}",
        headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver{page}"},
    )
    assert (asked.headers["HX-Redirect"], asked.content) == (page, b"")
    assert "Location" not in asked.headers
    # Without a page that asks, it is the page that has this part.
    alone = Client().get(f"{board}{part}", headers={"HX-Request": "true"})
    assert alone.headers["HX-Redirect"] == page.partition("?")[0]


def test_operations_lead_to_sign_in_and_to_the_second_factor_as_a_whole(settings: Any) -> None:
    of_htmx = {"HX-Request": "true", "HX-Current-URL": "http://testserver/admin/operations/"}
    asked = Client().get("/admin/operations/figures/", headers=of_htmx)
    assert asked.headers["HX-Redirect"] == "/admin/operations/"
    settings.STAFF_MFA = True
    staff = signed_in(STAFF)
    second = staff.get("/admin/operations/figures/", headers=of_htmx)
    assert second.headers["HX-Redirect"] == "/accounts/2fa/totp/activate/"


@pytest.mark.parametrize(
    "before", ["https://evil.example/lessons/", "http://testserver//evil.example/", "nonsense"]
)
def test_nobody_is_led_to_another_site(before: str) -> None:
    board = f"/lessons/{started_lesson().id}/"
    headers = {"HX-Request": "true", "HX-Current-URL": before}
    led = Client().get(f"{board}rows/", headers=headers).headers["HX-Redirect"]
    assert led.startswith("/")
    assert not led.startswith("//")
    sent = Client().post(f"{board}add/", ADDED, HTTP_REFERER=before)
    assert sent.headers["Location"].startswith(f"{LOGIN}?next=/")
    assert not sent.headers["Location"].startswith(f"{LOGIN}?next=//")


def test_what_was_typed_comes_back_on_its_page_and_is_sent_with_one_click() -> None:
    lesson = started_lesson()
    board = f"/lessons/{lesson.id}/"
    client = left(TEACHER, board)
    sent = client.post(f"{board}add/", ADDED)
    assert sent.headers["Location"] == f"{LOGIN}?next={board}"
    assert store.read_lesson(lesson.id).record_count == 0
    login = client.get(sent.headers["Location"])
    assert "What you sent is kept" in text_of(login)
    assert "Ada Typed" not in text_of(login)

    page = sign_in_again(client, sent.headers["Location"])
    assert page.redirect_chain[-1][0] == board
    told = text_of(page)
    assert "This was not sent" in told
    assert f'action="{board}add/"' in told
    for name, value in ADDED.items():
        assert f'<input type="hidden" name="{name}" value="{value}">' in told
    assert "This was not sent" not in text_of(client.get("/lessons/"))

    client.post(f"{board}add/", ADDED)
    assert store.read_lesson(lesson.id).record_count == 1
    assert "This was not sent" not in text_of(client.get(board))


def test_what_was_typed_is_left_with_one_click() -> None:
    board = f"/lessons/{started_lesson().id}/"
    client = left(TEACHER, board)
    client.post(f"{board}add/", ADDED)
    assert "This was not sent" in text_of(sign_in_again(client, f"{LOGIN}?next={board}"))
    answer = client.post("/accounts/unsent/", HTTP_REFERER=f"http://testserver{board}")
    assert answer.headers["Location"] == board
    assert "This was not sent" not in text_of(client.get(board))


def test_somebody_else_does_not_read_what_was_typed() -> None:
    board = f"/lessons/{started_lesson().id}/"
    client = left(TEACHER, board)
    client.post(f"{board}add/", ADDED)
    page = sign_in_again(client, f"{LOGIN}?next={board}", STAFF)
    assert page.status_code == 200
    assert "Ada Typed" not in text_of(page)


@pytest.mark.parametrize("cookie", ["", "1", "1:forged"])
def test_nothing_of_a_stranger_is_kept(cookie: str) -> None:
    board = f"/lessons/{started_lesson().id}/"
    client = Client()
    if cookie:
        client.cookies[unsent.WHOSE] = cookie
    sent = client.post(f"{board}add/", ADDED)
    assert unsent.UNSENT not in sent.cookies
    assert "do it again" in text_of(client.get(sent.headers["Location"]))
    assert not cache.keys("*unsent*")


def test_too_much_is_not_kept_and_neither_are_files() -> None:
    board = f"/lessons/{started_lesson().id}/"
    client = left(TEACHER, board)
    client.post(f"{board}add/", ADDED | {"full_name": "x" * unsent.MOST_CHARACTERS})
    assert not cache.keys("*unsent*")
    student = left(STUDENT, "/me/absences/")
    sent = student.post("/me/absences/ask/", {"note": "typed"}, format="multipart")
    assert sent.headers["Location"] == f"{LOGIN}?next=/me/absences/ask/"
    assert not cache.keys("*unsent*")


def test_a_cache_that_is_away_changes_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    board = f"/lessons/{started_lesson().id}/"
    client = left(TEACHER, board)

    def away(*_: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(unsent.cache, "set", away)
        sent = client.post(f"{board}add/", ADDED)
    assert sent.headers["Location"] == f"{LOGIN}?next={board}"
    assert unsent.UNSENT not in sent.cookies


def test_a_click_of_a_script_is_kept_as_well() -> None:
    lesson = lesson_with(STUDENT)
    board = f"/lessons/{lesson.id}/"
    client = left(TEACHER, board)
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{board}?tab=all"}
    sent = client.post(f"{board}mark/", {"mark": "accept S-014"}, headers=headers)
    assert sent.headers["HX-Redirect"] == f"{board}?tab=all"
    page = sign_in_again(client, f"{LOGIN}?next={board}")
    assert f'action="{board}mark/"' in text_of(page)


def _patterns(
    resolver: URLResolver, prefix: str = "", space: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            inner = f"{space}{each.namespace}:" if each.namespace else space
            yield from _patterns(each, prefix + str(each.pattern), inner)
        elif each.name and not prefix.startswith("api/"):
            yield f"{space}{each.name}", each


_VALUES = {"lesson_id": "00000000-0000-7000-8000-000000000000", "school_number": "S-1"}
_WORDS = {"kind": "csv", "provider_id": "campus", "short": "ABCD", "code": "A" * 20}


def _address(name: str, pattern: URLPattern) -> str:
    names = pattern.pattern.regex.groupindex
    return reverse(name, kwargs={key: (_VALUES | _WORDS).get(key, "1") for key in names})


def test_each_address_that_takes_only_a_post_leads_to_the_page_that_has_its_form() -> None:
    """Every address of the site is asked; a new one that only takes a POST needs its page."""
    staff = signed_in(STAFF)
    led = set()
    for name, pattern in _patterns(get_resolver()):
        is_djangos = name.startswith("admin:") and "attendance_quarantine_" not in name
        if is_djangos or name == "scanned":
            continue
        answer = staff.get(_address(name, pattern))
        assert answer.status_code != 405, f"{name}: name its page in signed_out.PAGE_OF"
        if name in signed_out.PAGE_OF and answer.status_code == 302:
            led.add(name)
            assert reverse_of(name, pattern) == answer.headers["Location"]
    parts = {"rows", "people", "screen-code", "operations-figures"}
    assert led | parts == set(signed_out.PAGE_OF) - _GET_AS_WELL


_GET_AS_WELL = {"roster-import-preview"}


def reverse_of(name: str, pattern: URLPattern) -> str:
    return signed_out.page_of_address(_address(name, pattern))


def test_the_page_after_sign_in_is_one_that_can_be_read() -> None:
    lesson = started_lesson()
    for path in ("add/", "finish/", "held/"):
        asked = sign_in_again(Client(), f"{LOGIN}?next=/lessons/{lesson.id}/{path}")
        assert asked.status_code == 200
        assert "<h1>Physics</h1>" in text_of(asked)


def test_the_language_of_a_page_that_a_post_has_made_leads_back_to_the_page() -> None:
    board = f"/lessons/{started_lesson().id}/"
    desk = signed_in(TEACHER)
    wrong = desk.post(f"{board}add/", {"full_name": "Typed"})
    assert wrong.status_code == 400
    assert f'name="next" value="{board}"' in text_of(wrong)
    # Somebody who has signed out keeps the way to their page.
    client = Client()
    page = client.post(f"{LOGIN}?next={board}", {"login": "T-1", "password": "no"})
    assert f'name="next" value="{LOGIN}?next={board}"' in text_of(page)
    changed = client.post("/i18n/setlang/", {"language": "tr", "next": f"{board}add/"}, follow=True)
    assert changed.redirect_chain[-1][0] == f"{LOGIN}?next={board}"


def test_a_token_of_another_session_is_told_and_what_to_do() -> None:
    board = f"/lessons/{started_lesson().id}/"
    client = Client(enforce_csrf_checks=True)
    client.force_login(account(TEACHER), "users.backends.AccountBackend")
    client.get(board)
    told = client.post(f"{board}add/", ADDED, HTTP_REFERER=f"http://testserver{board}?tab=here")
    assert told.status_code == 403
    assert "Load the page again" in text_of(told)
    assert f'href="{board}?tab=here"' in text_of(told)
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{board}"}
    clicked = client.post(f"{board}mark/", {}, headers=headers)
    assert clicked.headers["HX-Redirect"] == board
    assert "Do it again" in text_of(client.get(board))
    assert Client(enforce_csrf_checks=True).post("/api/v1/receipts/", {}).status_code in {401, 403}
