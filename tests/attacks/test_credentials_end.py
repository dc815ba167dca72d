"""Sessions and tokens end with what proved them, at once and by one rule."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from knox.models import AuthToken
from pytest_django import DjangoAssertNumQueries

from tests.support.callers import PASSWORD, Api, account
from tests.support.factories import UserFactory
from tests.support.second_factors import enrolled, enter, enter_with
from users import credentials
from users.demo_numbers import DEMO_STAFF_NUMBER
from users.identity import Person, Role
from users.models import User
from users.proofs import DEMO_BACKEND
from users.tokens import issue_token, revoke_everywhere

pytestmark = pytest.mark.django_db(transaction=True)

SOMEBODY = Person("T-7", "Teacher 7", Role.TEACHER)
OTHER = "another password of T-7"
DEMO = "of this demo alone"


def token_of(person: Person, password: str = PASSWORD) -> str:
    given = {"school_number": person.school_number, "password": password}
    return str(Api().post("auth/tokens/", given).json()["token"])


def opens(token: str) -> bool:
    return bool(Api(Authorization=f"Token {token}").get("me/").status_code == 200)


def is_in(browser: Client) -> bool:
    return browser.get("/lessons/").status_code == 200


def by_hand() -> None:
    user = User.objects.get(school_number=SOMEBODY.school_number)
    user.set_password(OTHER)
    user.save()


def by_the_admin() -> None:
    boss = User.objects.create_superuser("BOSS", "Boss", PASSWORD)
    browser = Client()
    browser.force_login(boss, "users.backends.AccountBackend")
    pk = User.objects.get(school_number=SOMEBODY.school_number).pk
    form = {"password1": OTHER, "password2": OTHER, "usable_password": "true"}
    browser.post(f"/admin/users/user/{pk}/password/", form)


def in_bulk() -> None:
    rows = User.objects.filter(school_number=SOMEBODY.school_number)
    rows.update(password=make_password(OTHER))
    credentials.forget_users(rows.values_list("pk", flat=True))


def made_unusable() -> None:
    user = User.objects.get(school_number=SOMEBODY.school_number)
    user.set_unusable_password()
    user.save()


def everywhere() -> None:
    revoke_everywhere(User.objects.get(school_number=SOMEBODY.school_number).pk)


def deactivated() -> None:
    user = User.objects.get(school_number=SOMEBODY.school_number)
    user.is_active = False
    user.save()


def with_a_new_factor() -> None:
    enrolled(SOMEBODY)


ENDS = (by_hand, by_the_admin, in_bulk, made_unusable, everywhere, deactivated, with_a_new_factor)


@pytest.mark.parametrize("end", ENDS)
def test_what_proved_them_ends_and_so_do_they(end: Callable[[], None]) -> None:
    account(SOMEBODY, password=PASSWORD)
    token, browser = token_of(SOMEBODY), enter(SOMEBODY)
    handed = browser.post("/api/v1/auth/tokens/", {}, content_type="application/json").json()
    assert opens(token)
    assert opens(handed["token"])
    assert is_in(browser)

    end()

    assert not opens(token)
    assert not opens(handed["token"])
    assert not is_in(browser)


def test_whoever_changes_their_password_stays_and_their_other_sessions_and_tokens_end() -> None:
    account(SOMEBODY, password=PASSWORD)
    token, here, there = token_of(SOMEBODY), enter(SOMEBODY), enter(SOMEBODY)
    form = {"oldpassword": PASSWORD, "password1": OTHER, "password2": OTHER}
    here.post("/accounts/password/change/", form)
    assert (is_in(here), is_in(there), opens(token)) == (True, False, False)
    assert opens(token_of(SOMEBODY, OTHER))


def test_a_changed_password_leaves_the_factor_that_the_session_showed(settings: Any) -> None:
    settings.STAFF_MFA = "teachers"
    app = enrolled(SOMEBODY)
    here = enter_with(app, SOMEBODY)
    form = {"oldpassword": PASSWORD, "password1": OTHER, "password2": OTHER}
    here.post("/accounts/password/change/", form)
    assert is_in(here)


def test_a_password_that_is_set_again_brings_nothing_back(tmp_path: Any) -> None:
    account(SOMEBODY, password=PASSWORD)
    token, browser = token_of(SOMEBODY), enter(SOMEBODY)
    by_hand()
    user = User.objects.get()
    user.set_password(PASSWORD)
    user.save()
    # Salted anew: the same password is another hash.
    assert not opens(token)
    assert not is_in(browser)


def test_an_import_that_changes_no_password_ends_nothing(tmp_path: Any) -> None:
    account(SOMEBODY, password=PASSWORD)
    token = token_of(SOMEBODY)
    file = tmp_path / "users.csv"
    file.write_text("school_number,full_name,role\nT-7,New Name,teacher\n")
    call_command("import_users", str(file), "--json")
    assert opens(token)


def test_a_session_that_ended_while_it_asked_gets_no_token_that_lives() -> None:
    account(SOMEBODY, password=PASSWORD)
    browser = enter(SOMEBODY)
    caller = credentials.caller_of_session(browser.session)
    assert caller is not None
    by_hand()
    assert not opens(issue_token(caller.user_id, proof=caller.proof).token)


@pytest.fixture
def demo(settings: Any) -> Person:
    settings.DEMO_PASSWORD = DEMO
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, DEMO_BACKEND]
    person = Person(DEMO_STAFF_NUMBER, "Demo staff", Role.STAFF)
    account(person)
    return person


def test_the_end_of_the_demo_ends_what_its_password_opened(demo: Person, settings: Any) -> None:
    token, browser = token_of(demo, DEMO), enter(demo, DEMO)
    assert opens(token)
    assert is_in(browser)
    handed = browser.post("/api/v1/auth/tokens/", {}, content_type="application/json").json()

    backends = settings.AUTHENTICATION_BACKENDS
    settings.AUTHENTICATION_BACKENDS = [each for each in backends if each != DEMO_BACKEND]
    assert (opens(token), opens(handed["token"]), is_in(browser)) == (False, False, False)

    # The next demo has another password.
    settings.AUTHENTICATION_BACKENDS = backends
    settings.DEMO_PASSWORD = "of the next demo"
    assert (opens(token), opens(handed["token"]), is_in(browser)) == (False, False, False)
    settings.DEMO_PASSWORD = DEMO
    assert (opens(token), opens(handed["token"]), is_in(browser)) == (True, True, True)


def test_the_demo_ends_for_whoever_has_a_second_factor_too(demo: Person, settings: Any) -> None:
    from allauth.mfa.totp.internal import auth

    from tests.support.second_factors import AUTHENTICATE, App

    app = App()
    auth.TOTP.activate(User.objects.get(), app.secret)
    browser = enter(demo, DEMO)
    browser.post(AUTHENTICATE, {"code": app.code})
    assert is_in(browser)
    backends = settings.AUTHENTICATION_BACKENDS
    settings.AUTHENTICATION_BACKENDS = [each for each in backends if each != DEMO_BACKEND]
    assert not is_in(browser)


def test_it_is_seen_without_a_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    account(SOMEBODY, password=PASSWORD)
    token = token_of(SOMEBODY)
    opens(token)
    by_hand()
    with django_assert_num_queries(0):
        assert credentials.caller_of_token(token) is None
    assert AuthToken.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"role": "teacher"},
        {"is_active": False},
        {"must_change_password": True},
        {"password": "!"},
    ],
)
def test_whoever_is_new_is_remembered_as_they_would_be_read(fields: dict[str, Any]) -> None:
    user = UserFactory.create(**fields)
    at_once = remembered(user)

    credentials.forget_users([user.pk])

    assert at_once is not None
    assert at_once == remembered(user)


def remembered(user: User) -> Any:
    return cache.get(credentials._key(credentials._user_key(user.pk)))
