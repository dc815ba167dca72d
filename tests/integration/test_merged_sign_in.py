"""Nobody signs in with a merged account: its sessions and tokens end; the other number is told."""

from typing import Any

import pytest
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries

from attendance.web.campus import CampusAdapter
from attn_project.oidc import Campus
from tests.support.callers import PASSWORD, Api, account
from tests.support.people import merge, unmerge
from users.backends import AccountBackend
from users.credentials import caller_of_token
from users.identity import Person, Role
from users.models import User
from users.tokens import issue_token

pytestmark = pytest.mark.django_db(transaction=True)

OLD, NEW = Person("OLD-1", "Ada Old"), Person("NEW-1", "Ada")
STAFF = Person("STAFF-1", "Staff 1", Role.STAFF)


@pytest.fixture(autouse=True)
def plain_http(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def old() -> User:
    return account(OLD, password=PASSWORD)


@pytest.fixture
def new() -> User:
    return account(NEW, password=PASSWORD)


def sign_in(number: str) -> Any:
    return Api().post("auth/tokens/", {"school_number": number, "password": PASSWORD})


def of_token(token: str) -> Any:
    return Client(headers={"Authorization": f"Token {token}"}).get("/api/v1/me/")


def enter(client: Client, number: str) -> Any:
    return client.post("/accounts/login/", {"login": number, "password": PASSWORD})


def test_tokens_and_sessions_end_at_once_and_those_of_the_other_go_on(old: User, new: User) -> None:
    tokens = [issue_token(user.pk).token for user in (old, new)]
    browsers = [Client(), Client()]
    for browser, user in zip(browsers, (old, new), strict=True):
        browser.force_login(user, "users.backends.AccountBackend")
        assert browser.get("/me/").status_code == 200
    assert [of_token(token).status_code for token in tokens] == [200, 200]

    merge(old, new)

    assert [of_token(token).status_code for token in tokens] == [401, 200]
    assert [browser.get("/me/").status_code for browser in browsers] == [302, 200]


def test_whoever_signs_in_with_the_old_number_is_told_the_new_one(old: User, new: User) -> None:
    merge(old, new)

    answer = sign_in("old-1")
    page = enter(Client(), "OLD-1")
    turkish = enter(Client(headers={"Accept-Language": "tr"}), "OLD-1")

    assert (answer.status_code, answer.json()["code"]) == (403, "account_merged")
    assert answer.json()["into"] == "NEW-1"
    assert "Sign in with NEW-1" in answer.json()["detail"]
    assert page.status_code == 200
    assert "Sign in with NEW-1" in page.content.decode()
    assert "NEW-1 ile oturum açın" in turkish.content.decode()
    assert sign_in("NEW-1").status_code == 201


def test_only_whoever_has_the_password_is_told(old: User, new: User) -> None:
    merge(old, new)
    wrong = Api().post("auth/tokens/", {"school_number": "OLD-1", "password": "a wrong one"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_credentials")
    assert "NEW-1" not in wrong.content.decode()


def test_the_campus_does_not_sign_a_merged_account_in(old: User, new: User, settings: Any) -> None:
    merge(old, new)
    claims = {"userinfo": {"preferred_username": "old-1"}}
    login = SocialLogin(account=SocialAccount(extra_data=claims))
    request = RequestFactory().get("/")
    request.session = Client().session
    settings.CAMPUS = Campus(name="Campus", number_claim="preferred_username")
    with pytest.raises(ImmediateHttpResponse) as caught:
        CampusAdapter(request).pre_social_login(request, login)
    assert caught.value.response.status_code == 403
    assert "Sign in with NEW-1" in caught.value.response.content.decode()


def test_what_slips_through_while_a_merge_is_written_signs_nobody_in(old: User, new: User) -> None:
    merge(old, new)
    # Whoever had shown the password just before gets a token or a session just after.
    assert of_token(issue_token(old.pk).token).status_code == 401
    browser = Client()
    browser.force_login(old, "users.backends.AccountBackend")
    assert browser.get("/me/").status_code == 302
    assert AccountBackend().get_user(old.pk) is None
    assert AccountBackend().get_user(new.pk) == new


def test_taking_it_back_lets_the_old_account_in_again(old: User, new: User) -> None:
    token = issue_token(old.pk).token
    merge(old, new)
    unmerge(old)
    assert of_token(token).status_code == 401
    assert sign_in("OLD-1").status_code == 201
    assert enter(Client(), "OLD-1").status_code == 302


def test_a_caller_knows_all_numbers_at_once_and_without_a_query(
    old: User, new: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    token = issue_token(new.pk).token

    def numbers() -> tuple[str, ...]:
        caller = caller_of_token(token)
        assert caller is not None
        return caller.numbers

    assert numbers() == ("NEW-1",)
    merge(old, new)
    with django_assert_num_queries(0):
        assert numbers() == ("NEW-1", "OLD-1")
    old.school_number = "OLD-2"
    old.save()
    assert numbers() == ("NEW-1", "OLD-2", "OLD-1")
    unmerge(old)
    assert numbers() == ("NEW-1",)


def test_who_owns_a_number_is_not_who_acts(old: User, new: User) -> None:
    merge(old, new)
    caller = caller_of_token(issue_token(new.pk).token)
    assert caller is not None
    assert caller.as_owner_of("OLD-1") == Person("OLD-1", "Ada")
    assert caller.as_owner_of("NEW-1") is caller.person
    assert caller.as_owner_of("X-1") is caller.person
