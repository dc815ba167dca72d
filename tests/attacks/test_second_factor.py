"""The second factor at every door: staff have none of their rights without it."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from knox.models import AuthToken
from pytest_django import DjangoAssertNumQueries

from tests.support.callers import PASSWORD, Api, account
from tests.support.doors import endpoints_of_somebody, pages
from tests.support.lessons import TEACHER, live_lesson, student
from tests.support.members import STAFF
from tests.support.second_factors import ACTIVATE, enrolled, enter, enter_with, set_up
from tests.support.second_factors import recovery_codes as codes_of
from users.identity import Person
from users.models import SecurityEvent, TokenProof, User
from users.tokens import issue_token

pytestmark = pytest.mark.django_db(transaction=True)

API = "/api/v1/"
OPEN = {
    *("healthz", "readyz", "set_language", "switch", "sign-out-everywhere"),
    *("account_login", "account_logout", "account_inactive", "mfa_authenticate"),
    *("openid_connect_login", "openid_connect_callback"),
    *("account_reset_password", "account_reset_password_done", "type-link"),
    *("account_reset_password_from_key", "account_reset_password_from_key_done"),
    *("join", "join-scanned", "digest-stop"),
    # The same for everybody: they know no caller.
    *("manifest", "service-worker", "offline"),
    # Below /api/, where nothing is.
    "no-such-address",
}
"""Doors that ask for nothing: the ways in and out."""

SET_UP = {
    *("account", "account_reauthenticate", "account_change_password"),
    *("mfa_index", "mfa_activate_totp"),
}


@pytest.fixture(autouse=True)
def asked(settings: Any) -> None:
    settings.STAFF_MFA = True


def token_for(person: Person, **more: str) -> Any:
    given = {"school_number": person.school_number, "password": PASSWORD, **more}
    return Api().post("auth/tokens/", given)


def with_token(token: str) -> Api:
    return Api(Authorization=f"Token {token}")


def is_asked(answer: Any, leads_to: str) -> bool:
    return bool(answer.status_code == 302 and answer.headers["Location"].startswith(leads_to))


def test_no_page_opens_without_the_factor_but_those_that_set_it_up() -> None:
    account(STAFF, password=PASSWORD)
    browser = Client(raise_request_exception=False)
    enter(STAFF, client=browser)
    tried = pages()
    assert len(tried) > 100

    for name, path in tried:
        if name in OPEN | SET_UP:
            continue
        assert is_asked(browser.get(path), ACTIVATE), (name, path)
        assert is_asked(browser.post(path), ACTIVATE), (name, path)


def test_no_page_takes_a_factor_away_that_was_not_shown() -> None:
    account(STAFF, password=PASSWORD)
    browser = Client(raise_request_exception=False)
    browser.force_login(User.objects.get(), "users.backends.AccountBackend")
    enrolled(STAFF)
    browser.force_login(User.objects.get(), "users.backends.AccountBackend")

    for name, path in pages():
        if name not in OPEN | {"mfa_reauthenticate"}:
            assert is_asked(browser.get(path), "/accounts/2fa/reauthenticate/"), (name, path)
            assert is_asked(browser.post(path), "/accounts/2fa/reauthenticate/"), (name, path)
    assert Authenticator.objects.exists()


def test_a_password_alone_gets_no_token_and_a_session_without_factor_no_api() -> None:
    account(STAFF, password=PASSWORD)
    answer = token_for(STAFF)
    assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_needed")

    browser = enter(STAFF)
    for method, path in (("get", "me/"), ("get", "lessons/"), ("post", "auth/tokens/")):
        refused = getattr(browser, method)(API + path, **_json(method))
        assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_needed")
    assert browser.delete(f"{API}auth/tokens/").status_code == 204


def _json(method: str) -> dict[str, Any]:
    return {"data": {}, "content_type": "application/json"} if method == "post" else {}


@pytest.mark.parametrize("role", ["staff", "teacher", "student"])
def test_whoever_has_a_factor_gets_no_token_without_its_code(role: str, settings: Any) -> None:
    settings.STAFF_MFA = False
    person = {"staff": STAFF, "teacher": TEACHER, "student": student(1)}[role]
    app = enrolled(person)
    recovery = codes_of(person)

    missing, wrong = token_for(person), token_for(person, code=app.wrong_code)
    right, again = token_for(person, code=app.code), token_for(person, code=recovery[0])

    assert (missing.status_code, missing.json()["code"]) == (401, "second_factor_missing")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "second_factor_wrong")
    assert (right.status_code, again.status_code) == (201, 201)
    assert token_for(person, code=recovery[0]).json()["code"] == "second_factor_wrong"
    assert TokenProof.objects.filter(has_factor=True).count() == 2


def test_a_token_with_the_code_opens_what_staff_may() -> None:
    app = enrolled(STAFF)
    token = token_for(STAFF, code=app.code).json()["token"]
    assert with_token(token).get("runs/").status_code == 200


def test_a_session_hands_what_it_showed_to_its_token() -> None:
    app = enrolled(STAFF)
    browser = enter_with(app, STAFF)
    answer = browser.post(f"{API}auth/tokens/", {}, content_type="application/json")
    assert with_token(answer.json()["token"]).get("runs/").status_code == 200


def test_a_token_from_before_somebody_was_staff_is_none_of_staff() -> None:
    person = Person(STAFF.school_number, STAFF.full_name)
    token = issue_token(account(person).pk).token
    assert with_token(token).get("me/").status_code == 200
    user = User.objects.get()
    user.role = "staff"
    user.save()
    assert with_token(token).get("me/").json()["code"] == "second_factor_needed"


def test_a_session_from_before_the_factor_ends_and_the_one_that_set_it_up_goes_on() -> None:
    account(STAFF, password=PASSWORD)
    other, owner = enter(STAFF), enter(STAFF)
    token = issue_token(User.objects.get().pk).token

    app = set_up(owner)

    assert is_asked(other.get("/lessons/"), "/accounts/login/")
    assert other.get(f"{API}me/").status_code == 401
    assert with_token(token).get("me/").status_code == 401
    assert owner.get("/admin/").status_code == 200
    assert owner.get(f"{API}runs/").status_code == 200
    assert enter(STAFF).get("/admin/").status_code == 302
    assert enter_with(app, STAFF).get("/admin/").status_code == 200


def test_taking_a_factor_away_ends_the_others_and_closes_the_pages() -> None:
    app = enrolled(STAFF)
    codes_of(STAFF)
    owner, other = enter_with(app, STAFF), enter_with(app, STAFF)
    token = token_for(STAFF, code=app.code).json()["token"]

    owner.post("/accounts/2fa/reauthenticate/", {"code": app.code})
    owner.post("/accounts/2fa/totp/deactivate/")

    assert not Authenticator.objects.exists()
    assert is_asked(owner.get("/admin/"), ACTIVATE)
    assert owner.get("/accounts/").status_code == 200
    assert is_asked(other.get("/lessons/"), "/accounts/login/")
    assert with_token(token).get("me/").status_code == 401


def test_a_factor_that_somebody_else_resets_ends_everything_with_its_recovery_codes() -> None:
    app = enrolled(STAFF)
    codes_of(STAFF)
    owner = enter_with(app, STAFF)
    token = token_for(STAFF, code=app.code).json()["token"]
    boss = User.objects.create_superuser("BOSS", "Boss", PASSWORD)
    boss_app = enrolled(Person("BOSS", "Boss"))
    browser = enter_with(boss_app, Person("BOSS", "Boss"))
    row = Authenticator.objects.get(user__school_number=STAFF.school_number, type="totp")

    page = browser.get("/admin/mfa/authenticator/")
    shown = browser.get(f"/admin/mfa/authenticator/{row.pk}/change/")
    browser.post(f"/admin/mfa/authenticator/{row.pk}/delete/", {"post": "yes"})

    assert page.status_code == 200
    assert app.secret not in shown.content.decode()
    assert not Authenticator.objects.exclude(user=boss).exists()
    event = SecurityEvent.objects.filter(kind="factor_removed").earliest("id")
    assert (event.actor, event.subject_id, event.details) == (boss, row.user_id, {"what": "totp"})
    assert is_asked(owner.get("/lessons/"), "/accounts/login/")
    assert with_token(token).get("me/").status_code == 401


def test_new_recovery_codes_end_other_sessions_and_keep_ones_own() -> None:
    app = enrolled(STAFF)
    owner, other = enter_with(app, STAFF), enter_with(app, STAFF)
    owner.post("/accounts/2fa/reauthenticate/", {"code": app.code})
    owner.post("/accounts/2fa/recovery-codes/generate/")
    assert owner.get("/admin/").status_code == 200
    assert is_asked(other.get("/lessons/"), "/accounts/login/")


def test_using_a_code_ends_nothing() -> None:
    app = enrolled(STAFF)
    recovery = codes_of(STAFF)
    owner = enter_with(app, STAFF)
    assert token_for(STAFF, code=app.code).status_code == 201
    assert token_for(STAFF, code=recovery[1]).status_code == 201
    assert owner.get("/admin/").status_code == 200


def test_the_mark_of_a_session_is_of_its_user_alone() -> None:
    app = enrolled(STAFF)
    browser = enter_with(app, STAFF)
    browser.post("/accounts/logout/")
    other = Person("STAFF-9", "Staff 9", STAFF.role)
    account(other, password=PASSWORD)
    enter(other, client=browser)
    assert is_asked(browser.get("/admin/"), ACTIVATE)


def test_a_factor_that_was_begun_and_not_shown_opens_nothing() -> None:
    enrolled(STAFF)
    browser = enter(STAFF)
    assert is_asked(browser.get("/lessons/"), "/accounts/login/")
    assert browser.get(f"{API}me/").status_code == 401


def test_teachers_are_asked_where_the_site_says_so(settings: Any) -> None:
    account(TEACHER, password=PASSWORD)
    assert token_for(TEACHER).status_code == 201
    settings.STAFF_MFA = "teachers"
    assert token_for(TEACHER).json()["code"] == "second_factor_needed"
    assert is_asked(enter(TEACHER).get("/lessons/"), ACTIVATE)
    assert token_for(STAFF).status_code == 401
    account(student(1), password=PASSWORD)
    assert token_for(student(1)).status_code == 201


def test_nobody_is_asked_where_the_site_does_not(settings: Any) -> None:
    settings.STAFF_MFA = False
    account(STAFF, password=PASSWORD)
    assert enter(STAFF).get("/admin/").status_code == 200
    assert token_for(STAFF).status_code == 201


def test_a_check_in_still_asks_postgresql_for_nothing(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    app, lesson = enrolled(student(9)), live_lesson(1)
    api = with_token(token_for(student(9), code=app.code).json()["token"])
    api.get("me/")
    with django_assert_num_queries(0):
        assert api.post(f"lessons/{lesson.id}/check-in/").status_code == 201


def test_a_token_without_a_proof_is_none() -> None:
    row, token = AuthToken.objects.create(user=account(student(1)))
    assert with_token(token).get("me/").status_code == 200
    TokenProof.objects.filter(token=row).delete()
    from django.core.cache import cache

    cache.clear()
    assert with_token(token).get("me/").status_code == 401


def test_no_endpoint_answers_staff_who_showed_no_factor() -> None:
    account(STAFF, password=PASSWORD)
    api = with_token(issue_token(User.objects.get().pk).token)
    tried = endpoints_of_somebody()
    assert len(tried) >= 50
    for name, method, path in tried:
        answer = api.send(method, path, {})
        told = (answer.status_code, answer.json().get("code"))
        assert told == (403, "second_factor_needed"), (name, method, path)
