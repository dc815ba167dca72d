"""Hashing is bounded: a flood of sign-ins leaves threads for check-ins."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.support.callers import PASSWORD, Api, account
from tests.support.lessons import live_lesson, student
from tests.support.second_factors import LOGIN, enter
from users import hashing
from users.errors import SignInBusy
from users.identity import Person, Role
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

ME = student(7)


@pytest.fixture(autouse=True)
def in_use(settings: Any, monkeypatch: pytest.MonkeyPatch, quick_passwords: None) -> None:
    """Passwords are hashed as in use, only quicker."""
    settings.PASSWORD_HASHERS = [
        "users.hashing.GatedPBKDF2",
        "users.hashing.GatedPBKDF2SHA1",
        "users.hashing.GatedScrypt",
    ]
    monkeypatch.setattr(hashing.GatedPBKDF2, "iterations", 10)
    monkeypatch.setattr(hashing, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(hashing, "gate", hashing.Gate(2))


@contextmanager
def full() -> Iterator[None]:
    """As many hash as may, in other threads than this one."""
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(hashing.gate.passed())
        yield


def sign_in(number: str = ME.school_number, password: str = PASSWORD, **more: Any) -> Any:
    return Api().post("auth/tokens/", {"school_number": number, "password": password, **more})


def test_while_all_hash_a_sign_in_hears_so_and_counts_for_nothing() -> None:
    account(ME, password=PASSWORD)
    with full():
        told = [sign_in(password="wrong guess") for _ in range(15)]
        unknown = sign_in("NOBODY-1")
    for each in (*told, unknown):
        assert (each.status_code, each.json()["code"]) == (503, "sign_in_busy")
        wait = int(each["Retry-After"])
        assert hashing.SOONEST <= wait <= hashing.LATEST
    assert sign_in().status_code == 201


def test_the_page_says_so_and_keeps_the_number() -> None:
    account(ME, password=PASSWORD)
    form = {"login": ME.school_number, "password": PASSWORD}
    with full():
        answer = Client().post(LOGIN, form)
        turkish = Client(headers={"Accept-Language": "tr"}).post(LOGIN, form)
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) >= hashing.SOONEST
    assert f'value="{ME.school_number}"' in answer.content.decode()
    assert "Many people are signing in" in answer.content.decode()
    assert "oturum açıyor" in turkish.content.decode()
    assert Client().post(LOGIN, form).status_code == 302


@pytest.mark.parametrize("path", ["/accounts/reauthenticate/", "/accounts/password/change/"])
def test_every_door_that_hashes_is_gated(path: str) -> None:
    account(ME, password=PASSWORD)
    own = enter(ME)
    form = {"password": PASSWORD, "oldpassword": PASSWORD}
    with full():
        answer = own.post(
            path, {**form, "password1": "another of mine", "password2": "another of mine"}
        )
    assert answer.status_code == 503
    assert answer["Retry-After"]
    assert User.objects.get().check_password(PASSWORD)


def test_the_admin_is_gated_too() -> None:
    boss = User.objects.create_superuser("BOSS", "Boss", PASSWORD)
    victim = account(ME, password=PASSWORD)
    browser = enter(Person(boss.school_number, "Boss", Role.STAFF))
    form = {"password1": "another of mine", "password2": "another of mine"}
    with full():
        answer = browser.post(f"/admin/users/user/{victim.pk}/password/", form)
    assert answer.status_code == 503
    assert browser.post("/admin/password_change/").headers["Location"].startswith("/accounts/")


def test_check_ins_go_on_while_all_hash() -> None:
    lesson, api = live_lesson(1), Api(ME)
    with full():
        assert api.post(f"lessons/{lesson.id}/check-in/").status_code == 201


def test_at_once_hash_as_many_as_may_and_wait_as_many_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hashing, "WAIT_SECONDS", 60.0)
    within, most, lock = 0, 0, threading.Lock()
    go_on = threading.Event()

    def one(_: int) -> bool:
        nonlocal within, most
        try:
            with hashing.gate.passed():
                with lock:
                    within += 1
                    most = max(most, within)
                go_on.wait()
                with lock:
                    within -= 1
                return True
        except SignInBusy:
            with lock:
                told.append(True)
                if len(told) == 16:
                    go_on.set()
            return False

    told: list[bool] = []
    with ThreadPoolExecutor(20) as pool:
        passed = list(pool.map(one, range(20)))
    # Two within and two who wait: the other sixteen hear so at once.
    assert (most, passed.count(True), passed.count(False)) == (2, 4, 16)


def test_whoever_comes_again_gets_in() -> None:
    people = [student(n) for n in range(1, 25)]
    for person in people:
        account(person, password=PASSWORD)

    def come(person: Person) -> int:
        try:
            while (answer := sign_in(person.school_number)).status_code == 503:
                pass
            return int(answer.status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(come, people)) == {201}


def test_a_hash_that_fails_leaves_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        with pytest.raises(ZeroDivisionError), hashing.gate.passed():
            raise ZeroDivisionError
    account(ME, password=PASSWORD)
    assert sign_in().status_code == 201


@pytest.mark.parametrize("kind", ["default", "pbkdf2_sha1", "scrypt"])
def test_passwords_keep_the_framework_s_format(kind: str, settings: Any) -> None:
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
        "django.contrib.auth.hashers.ScryptPasswordHasher",
    ]
    kept = make_password(PASSWORD, hasher=kind)
    settings.PASSWORD_HASHERS = [
        f"users.hashing.Gated{each}" for each in ("PBKDF2", "PBKDF2SHA1", "Scrypt")
    ]
    assert check_password(PASSWORD, kept)
    with full(), pytest.raises(SignInBusy):
        check_password(PASSWORD, kept)


def test_where_no_seat_is_left_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    account(ME, password=PASSWORD)
    monkeypatch.setattr(hashing, "WAIT_SECONDS", 60.0)
    end = threading.Event()

    def wait() -> None:
        with hashing.gate.passed():
            end.wait()

    others = [threading.Thread(target=wait) for _ in range(4)]
    for each in others:
        each.start()
    while not is_full():
        pass
    try:
        with CaptureQueriesContext(connection) as queries:
            answer = sign_in()
    finally:
        end.set()
        for each in others:
            each.join()
    assert answer.json()["code"] == "sign_in_busy"
    assert len(queries) == 0
    assert sign_in().status_code == 201


def is_full() -> bool:
    try:
        hashing.gate.check_room()
    except SignInBusy:
        return True
    return False
