"""Guessing the codes of a second factor: one counter for each person, at every door."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from tests.support.callers import PASSWORD, Api, account
from tests.support.members import STAFF
from tests.support.second_factors import AUTHENTICATE, App, enrolled, enter, enter_with
from tests.support.second_factors import recovery_codes as codes_of
from users.identity import Person
from users.models import AccountNotice

pytestmark = pytest.mark.django_db(transaction=True)

MOST = 10
REAUTHENTICATE = "/accounts/2fa/reauthenticate/"
SPELLINGS = ("STAFF-1", "staff-1", "\uff33\uff34\uff21\uff26\uff26-1", "OLD-1")


def at_the_api(code: str, *, spelling: str = "STAFF-1", address: str = "127.0.0.1") -> Any:
    api = Api()
    api.client.defaults["REMOTE_ADDR"] = address
    given = {"school_number": spelling, "password": PASSWORD, "code": code}
    return api.post("auth/tokens/", given)


def is_judged(answer: Any) -> bool:
    return bool(answer.json()["code"] != "too_many_attempts")


@pytest.fixture
def app() -> App:
    user = account(Person("OLD-1", STAFF.full_name, STAFF.role), password=PASSWORD)
    user.school_number = STAFF.school_number
    user.save()
    return enrolled(STAFF)


@pytest.fixture
def recovery(app: App) -> list[str]:
    return codes_of(STAFF)


def test_the_api_judges_ten_wrong_codes_of_a_person_from_wherever(
    app: App, recovery: list[str]
) -> None:
    tried = [
        at_the_api(app.wrong_code, spelling=SPELLINGS[n % 4], address=f"10.0.{n}.1")
        for n in range(30)
    ]
    assert [is_judged(each) for each in tried] == [True] * MOST + [False] * 20
    for code in (app.code, recovery[0]):
        held = at_the_api(code, address="10.1.1.1")
        assert (held.status_code, held.json()["code"]) == (429, "too_many_attempts")
        assert int(held["Retry-After"]) > 300


def test_recovery_codes_are_counted_as_well(app: App, recovery: list[str]) -> None:
    assert [at_the_api(f"{n:08}").status_code for n in range(MOST + 1)] == [401] * MOST + [429]


def in_one_session(code: str, browser: Client) -> Any:
    return browser.post(AUTHENTICATE, {"code": code})


def in_a_new_session(code: str, browser: Client) -> Any:
    return enter(STAFF).post(AUTHENTICATE, {"code": code})


@pytest.mark.parametrize("way", [in_one_session, in_a_new_session])
def test_the_page_counts_with_the_api(way: Callable[[str, Client], Any], app: App) -> None:
    browser = enter(STAFF)
    for _ in range(MOST // 2):
        assert "Incorrect code" in way(app.wrong_code, browser).content.decode()
        assert is_judged(at_the_api(app.wrong_code))

    assert "Too many attempts" in way(app.code, browser).content.decode()
    assert not is_judged(at_the_api(app.code))
    assert browser.get("/admin/").status_code == 302
    assert not enter_with(app, STAFF).session.get("_auth_user_id")


def test_a_session_that_was_stolen_guesses_no_more(app: App) -> None:
    stolen = enter_with(app, STAFF)
    for _ in range(MOST):
        stolen.post(REAUTHENTICATE, {"code": app.wrong_code})
    assert "Too many attempts" in stolen.post(REAUTHENTICATE, {"code": app.code}).content.decode()
    assert not is_judged(at_the_api(app.code))


def test_a_right_code_forgives_no_wrong_ones(app: App) -> None:
    for _ in range(MOST - 1):
        at_the_api(app.wrong_code)
    assert at_the_api(app.code).status_code == 201
    assert at_the_api(app.wrong_code).status_code == 401
    assert at_the_api(app.code).status_code == 429


def test_right_codes_are_never_too_many(app: App) -> None:
    assert {at_the_api(app.code).status_code for _ in range(MOST + 5)} == {201}


def test_many_at_once_are_counted_exactly(app: App) -> None:
    wrong = app.wrong_code

    def guess(_: int) -> int:
        try:
            return int(at_the_api(wrong).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(guess, range(24)))
    assert sorted(statuses) == [401] * MOST + [429] * 14


def test_others_are_not_held_up(app: App) -> None:
    other = Person("STAFF-2", "Staff 2", STAFF.role)
    other_app = enrolled(other)
    for _ in range(MOST + 1):
        at_the_api(app.wrong_code)
    given = {"school_number": "STAFF-2", "password": PASSWORD, "code": other_app.code}
    assert Api().post("auth/tokens/", given).status_code == 201


def test_the_owner_is_told_on_every_page_until_they_have_read_it(app: App) -> None:
    owner = enter_with(app, STAFF)
    assert "wrong codes" not in owner.get("/lessons/").content.decode()
    for _ in range(3):
        at_the_api(app.wrong_code)

    assert "wrong codes" in owner.get("/lessons/").content.decode()
    page = owner.get("/accounts/").content.decode()
    assert "3 ×" in page
    turkish = Client(headers={"Accept-Language": "tr"})
    turkish.cookies = owner.cookies
    assert "yanlış kod" in turkish.get("/lessons/").content.decode()

    owner.post("/accounts/notices/seen/")

    assert "wrong codes" not in owner.get("/lessons/").content.decode()
    assert "3 ×" in owner.get("/accounts/").content.decode()
    at_the_api(app.wrong_code)
    rows = AccountNotice.objects.order_by("pk").values_list("wrong_codes", flat=True)
    assert list(rows) == [3, 1]
    assert "wrong codes" in owner.get("/lessons/").content.decode()


def test_what_is_not_judged_writes_nothing(app: App) -> None:
    for _ in range(MOST + 10):
        at_the_api(app.wrong_code)
    assert AccountNotice.objects.get().wrong_codes == MOST


def test_where_nothing_can_be_counted_nothing_is_judged(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    from attendance.live import throttle

    def away(*args: Any, **more: Any) -> int:
        raise throttle.Unavailable

    code = app.code
    monkeypatch.setattr(throttle, "wait_seconds", away)
    assert at_the_api(code).json()["code"] == "sign_in_unavailable"


@pytest.mark.parametrize(
    ("path", "field"),
    [("/accounts/reauthenticate/", "password"), ("/accounts/password/change/", "oldpassword")],
)
def test_a_session_that_was_stolen_guesses_no_passwords(path: str, field: str) -> None:
    account(STAFF, password=PASSWORD)
    stolen = enter(STAFF)
    new = {"password1": "a new one of mine", "password2": "a new one of mine"}
    for _ in range(MOST):
        stolen.post(path, {field: "wrong guess", **new})
    assert "Too many attempts" in stolen.post(path, {field: PASSWORD, **new}).content.decode()
    # That device has used its attempts up; the owner has theirs elsewhere.
    given = {"school_number": "STAFF-1", "password": PASSWORD}
    assert Api().post("auth/tokens/", given).status_code == 201
