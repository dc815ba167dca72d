"""A hall behind one address: nobody locks others out, and nobody guesses without limit."""

from typing import Any

import pytest
from django.test import Client

from attendance.errors import InvalidCredentials
from attendance.live.payloads import LiveLesson
from attendance.live.throttle import Limit
from attendance.services.access import devices, limit_keys, limits, sign_in_limits
from attendance.services.access.sign_in import SignIn, sign_in
from attendance.services.lessons import LessonPlan, start_lesson
from tests.support.callers import PASSWORD, Api, account
from tests.support.lessons import TEACHER, code_of, student
from users.identity import Person, Role
from users.models import User
from users.tokens import issue_token

pytestmark = pytest.mark.django_db(transaction=True)

LOGIN = "/accounts/login/"
VICTIM = student(40)
HALL = "10.20.30.40"


def browser(address: str = HALL) -> Client:
    """Somebody's own, on the page where one signs in."""
    client = Client(REMOTE_ADDR=address)
    client.get(LOGIN)
    return client


def types(client: Client, person: Person = VICTIM, password: str = PASSWORD) -> bool:
    """Whether somebody who types this is in."""
    form = {"login": person.school_number, "password": password}
    return bool(client.post(LOGIN, form).status_code == 302)


def at_the_api(number: str, password: str = "wrong guess", *, address: str = HALL) -> int:
    api = Api()
    api.client.defaults["REMOTE_ADDR"] = address
    given = {"school_number": number, "password": password}
    return int(api.post("auth/tokens/", given).status_code)


@pytest.fixture
def victim() -> User:
    return account(VICTIM, password=PASSWORD)


@pytest.fixture
def few_strangers(monkeypatch: pytest.MonkeyPatch) -> int:
    """Of a hundred tries of strangers the test need not make all."""
    assert sign_in_limits.STRANGERS.times >= 100
    monkeypatch.setattr(sign_in_limits, "STRANGERS", Limit("few-strangers", 20, 300))
    return 20


def test_ten_wrong_ones_of_a_classmate_hold_nobody_up_in_their_own_browser(victim: User) -> None:
    classmate, own = browser(), browser()
    assert [types(classmate, password="wrong") for _ in range(12)] == [False] * 12
    assert [at_the_api(VICTIM.school_number) for _ in range(11)] == [401] * 10 + [429]
    assert not types(classmate)
    assert types(own)


def test_whoever_signed_in_here_before_is_held_up_by_nobody(
    victim: User, few_strangers: int
) -> None:
    own = browser()
    assert types(own)
    own.post("/accounts/logout/")
    tried = [at_the_api(VICTIM.school_number, address=f"10.0.{n}.1") for n in range(24)]
    assert tried == [401] * few_strangers + [429] * (24 - few_strangers)
    assert not types(browser("10.9.9.9"))
    assert types(own)


def test_a_known_device_has_ten_tries_as_well(victim: User) -> None:
    own = browser()
    assert types(own)
    own.post("/accounts/logout/")
    assert [types(own, password="wrong") for _ in range(10)] == [False] * 10
    assert not types(own)


def test_a_device_is_known_for_those_alone_who_signed_in_on_it(
    victim: User, few_strangers: int
) -> None:
    classmate = student(41)
    account(classmate, password=PASSWORD)
    theirs = browser()
    assert types(theirs, classmate)
    theirs.post("/accounts/logout/")
    for n in range(few_strangers):
        at_the_api(VICTIM.school_number, address=f"10.0.{n}.1")
    assert not types(theirs)


def test_a_cookie_of_a_visitor_is_worth_nothing_once_an_account_is_on_it(victim: User) -> None:
    own = browser()
    seen = devices.device_of(own.cookies[devices.COOKIE].value)
    assert types(own)
    device = devices.device_of(own.cookies[devices.COOKIE].value)
    assert device.accounts == (victim.pk,)
    assert device.id != seen.id


@pytest.mark.parametrize("cookie", ["", "x", "WyJhIiwgWzFdXQ:1:x", "x" * 5_000, "changed"])
def test_a_cookie_that_is_not_ours_is_none(victim: User, cookie: str) -> None:
    if cookie == "changed":
        cookie = devices.cookie_of(devices.UNKNOWN) + "x"
    forger = Client(REMOTE_ADDR=HALL)
    forger.cookies[devices.COOKIE] = cookie
    assert [types(forger, password="wrong") for _ in range(10)] == [False] * 10
    assert at_the_api(VICTIM.school_number) == 429


def test_new_cookies_make_no_new_tries_beyond_those_of_the_account(
    victim: User, few_strangers: int
) -> None:
    for _ in range(few_strangers // 10 + 1):
        fresh = browser()
        for _ in range(10):
            types(fresh, password="wrong")
    answer = browser().post(LOGIN, {"login": VICTIM.school_number, "password": PASSWORD})
    assert "Too many attempts" in answer.content.decode()


def test_six_hundred_behind_one_address_get_in() -> None:
    people = [student(n) for n in range(1, 601)]
    made = User(password="")
    made.set_password(PASSWORD)
    User.objects.bulk_create(
        User(school_number=p.school_number, full_name=p.full_name, password=made.password)
        for p in people
    )
    # Each mistypes first: at that moment nobody has succeeded.
    for person in people:
        tried = limit_keys.of_typed(person.school_number)
        with (
            pytest.raises(InvalidCredentials),
            sign_in_limits.counted(tried, sign_in_limits.Origin(HALL)),
        ):
            raise InvalidCredentials
    for person in people:
        assert sign_in(SignIn(person.school_number, PASSWORD, HALL))


def test_an_address_tries_only_so_many_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_limits, "ACCOUNTS_FROM_ONE_ADDRESS", Limit("few", 5, 300))
    known = account(student(1), password=PASSWORD)
    own = browser()
    assert types(own, student(1))
    own.post("/accounts/logout/")
    assert [at_the_api(f"X-{n}") for n in range(7)] == [401] * 5 + [429] * 2
    assert at_the_api("X-1") == 401
    assert at_the_api("X-9", address="10.1.1.1") == 401
    assert types(own, student(1))
    assert known.pk


def test_those_who_get_in_use_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_limits, "ACCOUNTS_FROM_ONE_ADDRESS", Limit("few", 5, 300))
    people = [student(n) for n in range(1, 12)]
    for person in people:
        account(person, password=PASSWORD)
    assert {at_the_api(p.school_number, PASSWORD) for p in people} == {201}


@pytest.mark.parametrize(
    ("first", "second", "is_one"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("2001:DB8:1:2::1", "2001:0db8:0001:0002:0000:0000:0000:0002", True),
        ("fe80::1%eth0", "fe80::2", True),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
        ("10.0.0.1", "10.0.0.2", False),
        ("", "nonsense", True),
    ],
)
def test_one_subscriber_is_one_address(first: str, second: str, is_one: bool) -> None:
    assert (limit_keys.of_address(first) == limit_keys.of_address(second)) is is_one


def test_an_attacker_with_a_whole_network_has_ten_tries(victim: User) -> None:
    tried = [at_the_api(VICTIM.school_number, address=f"2001:db8:0:1::{n:x}") for n in range(12)]
    assert tried == [401] * 10 + [429] * 2


WRONG = {"code": "AAAAAAAA"}


def coded_lesson(teacher: Person = TEACHER) -> LiveLesson:
    return start_lesson(LessonPlan("Physics", minutes=30, checks=("code",)), teacher=teacher)


def test_wrong_codes_of_nobody_hold_up_nobody_who_signed_in() -> None:
    lesson = coded_lesson()
    path = f"/api/v1/lessons/{lesson.id}/scans/"
    typed = {"code": lesson.data.short_code + code_of(lesson).typed}
    as_json: dict[str, Any] = {"content_type": "application/json"}
    in_the_hall: dict[str, Any] = {"REMOTE_ADDR": HALL}
    account(student(2), password=PASSWORD)
    known, signed = browser(), browser()
    for each in (known, signed):
        assert types(each, student(2))
    known.post("/accounts/logout/")
    token = issue_token(account(student(1)).pk).token
    with_token = Client(headers={"Authorization": f"Token {token}"}, **in_the_hall)

    stranger = Client(**in_the_hall)
    # In as many lessons that none of them asks for a longer code.
    others = [coded_lesson(Person(f"T-{n}", f"Teacher {n}", Role.TEACHER)) for n in range(2, 7)]
    guessed = [
        stranger.post(f"/api/v1/lessons/{others[n % 5].id}/scans/", WRONG, **as_json).status_code
        for n in range(125)
    ]

    assert guessed == [403] * 120 + [429] * 5
    held = stranger.post("/c/", typed)
    assert (held.status_code, stranger.post(path, typed, **as_json).status_code) == (429, 429)
    assert "Sign in first" in stranger.post(path, typed, **as_json).json()["detail"]
    assert "Sign in first" in held.content.decode()
    assert with_token.post(path, typed, **as_json).status_code == 201
    assert signed.post("/c/", typed).status_code == 302
    assert known.post("/c/", typed).status_code == 302
    assert stranger.post(path, {"code": code_of(lesson).whole}, **as_json).status_code == 201


def test_whoever_signed_in_guesses_no_more_than_others() -> None:
    lesson = coded_lesson()
    path, api = f"lessons/{lesson.id}/scans/", Api(student(1))
    most = limits.WRONG_SCANS_OF_ONE.times
    guessed = [api.post(path, WRONG).status_code for _ in range(most + 3)]
    assert guessed == [403] * most + [429] * 3
    assert Api(student(2)).post(path, WRONG).status_code == 403
