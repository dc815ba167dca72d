"""Attacks on who somebody is: every spelling, every door, every address.

Bounded: each takes a few seconds, against this process alone.
"""

from typing import Any

import pytest
from django.test import Client

from attendance.errors import InvalidCredentials, TooManyAttempts
from attendance.services.access.sign_in import SignIn, sign_in
from tests.support.callers import PASSWORD, Api, account
from users.demo_numbers import DEMO_STAFF_NUMBER
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)

VICTIM = Person("S-0040", "Student 0040")
TRIES = 10
SPELLINGS = (
    *("S-0040", "s-0040", " S-0040 ", "\uff33-0040", "S\uff0d0040", "s-\uff10\uff10\uff14\uff10"),
    *("\u017f-0040", "\u00a0S-0040", "\u24c8-0040", "S-004\u2070", "OLD-40"),
    *("\uff2f\uff2c\uff24-40", "S-0040\n"),
)
"""Of one account: capitals, spaces, full width, a long s, circles, superscripts, an old number."""

NO_NUMBERS = (
    "S-0040\u200b",
    "\u0455-0040",
    "S 0040",
    "S-0040-\u2122\u00e9",
    "\u00df-0040",
    "S" * 40,
)


def ask(number: str, password: str = "wrong guess", **more: Any) -> Any:
    api = Api()
    api.client.defaults |= more
    return api.post("auth/tokens/", {"school_number": number, "password": password})


def statuses(*numbers: str) -> list[int]:
    return [ask(number).status_code for number in numbers]


@pytest.fixture
def victim() -> None:
    user = account(Person("OLD-40", VICTIM.full_name), password=PASSWORD)
    user.school_number = VICTIM.school_number
    user.save()


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_of_a_number_is_judged_while_its_account_is_held(
    victim: None, spelling: str
) -> None:
    assert statuses(*[VICTIM.school_number] * TRIES) == [401] * TRIES

    right = ask(spelling, PASSWORD)

    assert (right.status_code, right.json()["code"]) == (429, "too_many_attempts")


def test_all_spellings_count_together(victim: None) -> None:
    assert statuses(*SPELLINGS[:TRIES]) == [401] * TRIES
    assert ask(VICTIM.school_number, PASSWORD).status_code == 429


def test_what_is_no_number_counts_together_and_holds_nobody_up(victim: None) -> None:
    tried = [ask(NO_NUMBERS[n % len(NO_NUMBERS)]) for n in range(24)]
    judged = [each for each in tried if each.json().get("code") == "invalid_credentials"]
    assert len(judged) <= TRIES
    assert 429 in {each.status_code for each in tried}
    assert ask(VICTIM.school_number, PASSWORD).status_code == 201


@pytest.mark.parametrize("spelling", ["DEMO-STAFF\t", "\nDEMO-STAFF", "\u2003demo-staff"])
def test_the_door_of_the_demo_takes_no_spelling_that_is_counted_elsewhere(
    settings: Any, spelling: str
) -> None:
    settings.DEMO_PASSWORD = "of this demo alone"
    settings.AUTHENTICATION_BACKENDS = [
        *settings.AUTHENTICATION_BACKENDS,
        "users.backends.DemoBackend",
    ]
    account(Person(DEMO_STAFF_NUMBER, "Demo staff", Role.STAFF))
    assert statuses(*[DEMO_STAFF_NUMBER] * TRIES) == [401] * TRIES

    with pytest.raises((InvalidCredentials, TooManyAttempts)):
        sign_in(SignIn(spelling, settings.DEMO_PASSWORD, "127.0.0.1"))


def test_the_page_counts_by_the_account_too(victim: None) -> None:
    browser = Client()
    for spelling in SPELLINGS[:TRIES]:
        browser.post("/accounts/login/", {"login": spelling, "password": "wrong guess"})
    answer = browser.post("/accounts/login/", {"login": "\uff33-0040", "password": PASSWORD})
    assert "Too many attempts" in answer.content.decode()
