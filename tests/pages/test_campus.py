"""Signing in with the campus's identity provider, which is a real one."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import environ
import pytest
import requests
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from pytest_django import DjangoDbBlocker

from attn_project.oidc import NEEDED, read_campus
from tests.pages.visitors import STAFF, STUDENT, text_of
from tests.support.callers import account
from tests.support.campus import campus_at, use_campus
from tests.support.oidc_server.people import PASSWORD, WITHOUT_NUMBER
from tests.support.oidc_server.running import identity_provider
from users.models import SecurityEvent, User

pytestmark = pytest.mark.django_db(transaction=True)

SITE = "http://testserver"
LOGIN = "/accounts/oidc/campus/login/"
CALLBACK = f"{SITE}{LOGIN}callback/"


@pytest.fixture(scope="module")
def provider(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """One for all tests here: each comes with a browser of its own, and it keeps nothing else."""
    people = ("s-014", "S-999", "STAFF-1")
    with django_db_blocker.unblock(), identity_provider(CALLBACK, *people) as issuer:
        yield issuer


@pytest.fixture
def campus(provider: str, settings: Any) -> str:
    """The provider's address; it knows a student, a member of staff and two others."""
    use_campus(settings, campus_at(provider))
    return provider


def confirm(asked: str, username: str, password: str = PASSWORD) -> str:
    """Sign in at the provider, as a browser would; returns where it sends the browser back to."""
    browser = requests.Session()
    page = browser.get(asked)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    following = re.search(r'name="next" value="([^"]*)"', page.text)
    assert token
    assert following
    given = {
        "csrfmiddlewaretoken": token[1],
        "next": following[1].replace("&amp;", "&"),
        "username": username,
        "password": password,
    }
    answer = browser.post(page.url, given, allow_redirects=False)
    while answer.is_redirect:
        where = answer.headers["Location"]
        if where.startswith(SITE):
            return where.removeprefix(SITE)
        answer = browser.get(requests.compat.urljoin(answer.url, where), allow_redirects=False)
    raise AssertionError(f"the provider answered {answer.status_code}: {answer.text[:500]}")


def sign_in(client: Client, username: str, following: str = "") -> Any:
    asked = client.post(f"{LOGIN}?{urlencode({'next': following})}" if following else LOGIN)
    assert asked.status_code == 302
    return client.get(confirm(asked.headers["Location"], username))


def test_whoever_the_campus_knows_is_signed_in_by_number_and_goes_on(campus: str) -> None:
    account(STUDENT)
    phone = Client()
    page = text_of(phone.get("/accounts/login/?next=/lessons/1/here/"))
    assert "Sign in with Campus account" in page
    assert f'action="{LOGIN}?next=%2Flessons%2F1%2Fhere%2F"' in page

    done = sign_in(phone, "s-014", "/lessons/1/here/")
    assert (done.status_code, done.headers["Location"]) == (302, "/lessons/1/here/")
    assert STUDENT.full_name in text_of(phone.get("/me/"))
    # Nothing of the provider is kept: its word counts anew each time.
    assert not SocialAccount.objects.exists()
    event = SecurityEvent.objects.get()
    assert (event.kind, event.details) == ("signed_in", {"door": "campus"})


def test_the_request_to_the_campus_is_bound_to_this_browser(campus: str) -> None:
    asked = Client().post(LOGIN).headers["Location"]
    query = parse_qs(urlsplit(asked).query)
    assert asked.startswith(campus)
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [CALLBACK]
    assert set(query["scope"][0].split()) == {"openid", "profile"}
    assert len(query["state"][0]) >= 16


def test_nobody_gets_an_account_by_the_campus(campus: str) -> None:
    stranger = Client()
    answer = sign_in(stranger, "S-999")
    assert (answer.status_code, 'data-code="campus_account_unknown"' in text_of(answer)) == (
        403,
        True,
    )
    assert not User.objects.exists()
    event = SecurityEvent.objects.get()
    assert (event.kind, event.details["code"]) == ("sign_in_failed", "campus_account_unknown")
    assert event.typed not in {"", "S-999"}
    assert stranger.get("/me/").status_code == 302


def test_a_person_without_a_number_is_told_so(campus: str) -> None:
    answer = sign_in(Client(), WITHOUT_NUMBER)
    assert answer.status_code == 403
    assert 'data-code="campus_number_missing"' in text_of(answer)


def test_whoever_may_not_sign_in_may_not_by_the_campus_either(campus: str) -> None:
    User.objects.filter(pk=account(STUDENT).pk).update(is_active=False)
    phone = Client()
    answer = sign_in(phone, "s-014")
    assert answer.headers["Location"] == "/accounts/inactive/"
    assert SecurityEvent.objects.get().details["code"] == "account_inactive"
    assert phone.get("/me/").status_code == 302


def test_an_answer_that_this_browser_did_not_ask_for_signs_nobody_in(campus: str) -> None:
    account(STUDENT)
    asked = Client().post(LOGIN).headers["Location"]
    stolen = confirm(asked, "s-014")
    victim = Client()
    answer = victim.get(stolen)
    assert (answer.status_code, 'data-code="campus_sign_in_failed"' in text_of(answer)) == (
        401,
        True,
    )
    assert victim.get("/me/").status_code == 302


def test_staff_need_their_second_factor_all_the_same(campus: str, settings: Any) -> None:
    settings.STAFF_MFA = True
    account(STAFF)
    staff = Client()
    assert sign_in(staff, "STAFF-1").status_code == 302
    assert staff.get("/admin/").headers["Location"] == "/accounts/2fa/totp/activate/"


def test_looking_at_the_address_starts_nothing(campus: str) -> None:
    assert Client().get(LOGIN).status_code == 200
    assert Client(enforce_csrf_checks=True).post(LOGIN).status_code == 403


def test_no_account_is_linked_to_one_of_the_campus(campus: str) -> None:
    assert Client().post(f"{LOGIN}?process=connect").status_code == 404
    assert Client().get("/accounts/connections/").status_code == 404


def test_whoever_turns_back_at_the_campus_is_asked_again(campus: str) -> None:
    browser = Client()
    asked = browser.post(LOGIN).headers["Location"]
    state = parse_qs(urlsplit(asked).query)["state"][0]
    answer = browser.get(f"{LOGIN}callback/", {"error": "access_denied", "state": state})
    assert answer.headers["Location"] == "/accounts/login/"


def test_a_campus_that_does_not_answer_leaves_the_password(settings: Any) -> None:
    use_campus(settings, campus_at("http://127.0.0.1:9/o"))
    answer = Client().post(LOGIN)
    assert 'data-code="campus_sign_in_failed"' in text_of(answer)
    assert "use your password" in text_of(answer)


def test_without_a_provider_there_is_no_button_and_no_address() -> None:
    assert "oidc" not in text_of(Client().get("/accounts/login/"))
    assert Client().post(LOGIN).status_code == 404
    assert Client().get(f"{LOGIN}callback/").status_code == 404


def test_a_provider_that_is_half_set_is_refused() -> None:
    env = environ.Env()
    env.ENVIRON = {"ATTN_OIDC_ISSUER": "https://campus.example"}
    with pytest.raises(ImproperlyConfigured, match="ATTN_OIDC_CLIENT_ID, ATTN_OIDC_CLIENT_SECRET"):
        read_campus(env, is_https=True)
    env.ENVIRON = dict(zip(NEEDED, ("http://campus.example", "attn", "s", "n"), strict=True))
    with pytest.raises(ImproperlyConfigured, match="https://"):
        read_campus(env, is_https=True)
