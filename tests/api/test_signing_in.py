"""Tokens and sessions: shown once, revoked at once, limited per account."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken

from tests.support.callers import PASSWORD, Api, account
from tests.support.lessons import live_lesson, student
from users import caller_rows, credentials
from users.identity import Person, Role
from users.models import User
from users.tokens import MOST_TOKENS, issue_token

pytestmark = pytest.mark.django_db(transaction=True)

ME = student(1)


def sign_in(number: str = ME.school_number, password: str = PASSWORD, **more: str) -> Any:
    body = {"school_number": number, "password": password}
    api = Api()
    api.client.defaults |= more
    return api.post("auth/tokens/", body)


def with_token(token: str) -> Api:
    return Api(Authorization=f"Token {token}")


def test_a_token_is_shown_once_hashed_at_rest_and_expires() -> None:
    account(ME, password=PASSWORD)

    told = sign_in(f" {ME.school_number.lower()} ").json()

    row = AuthToken.objects.get()
    assert told["token"] not in {row.digest, row.token_key}
    assert with_token(told["token"]).get("me/").json() == {
        "school_number": ME.school_number,
        "full_name": ME.full_name,
        "role": "student",
    }
    AuthToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    cache.clear()
    assert with_token(told["token"]).get("me/").json()["code"] == "invalid_token"


def test_an_entry_in_the_cache_does_not_outlive_the_token() -> None:
    token = issue_token(account(ME).pk)
    assert with_token(token.token).get("me/").status_code == 200
    digest = AuthToken.objects.get().digest
    found = caller_rows.find_token(digest)
    assert found is not None
    ended = found[0]._replace(expires_at=timezone.now() - timedelta(seconds=1))
    cache.set(credentials._key(f"token:{digest}"), credentials._token_entry(ended, found[1]))

    assert with_token(token.token).get("me/").status_code == 401


@pytest.mark.parametrize("leave", ["auth/tokens/current/", "auth/tokens/"])
def test_leaving_takes_effect_at_once(leave: str) -> None:
    user = account(ME)
    here, there = (issue_token(user.pk).token for _ in range(2))
    for token in (here, there):
        assert with_token(token).get("me/").status_code == 200

    assert with_token(here).delete(leave).status_code == 204

    assert with_token(here).get("me/").status_code == 401
    assert with_token(there).get("me/").status_code == (401 if leave == "auth/tokens/" else 200)


def test_leaving_everywhere_ends_sessions_too() -> None:
    account(ME, password=PASSWORD)
    client = Client()
    client.login(username=ME.school_number, password=PASSWORD)
    assert client.get("/api/v1/me/").status_code == 200

    Api(ME).delete("auth/tokens/")

    assert client.get("/api/v1/me/").status_code == 401


def test_a_session_gets_a_token_and_a_token_gets_none() -> None:
    account(ME, password=PASSWORD)
    client = Client()
    client.login(username=ME.school_number, password=PASSWORD)

    answer = client.post("/api/v1/auth/tokens/", {}, content_type="application/json")

    assert answer.status_code == 201
    assert with_token(answer.json()["token"]).post("auth/tokens/").status_code == 400


@pytest.mark.parametrize(
    "change", [{"is_active": False}, {"role": "teacher"}, {"full_name": "Another Name"}]
)
def test_a_changed_user_is_another_at_once(change: dict[str, Any]) -> None:
    api = Api(ME)
    api.get("me/")

    user = User.objects.get()
    for name, value in change.items():
        setattr(user, name, value)
    user.save()

    answer = api.get("me/")
    if "is_active" in change:
        assert answer.status_code == 401
    else:
        assert change.items() <= answer.json().items()


def test_what_is_changed_in_bulk_is_told_to_the_cache(tmp_path: Path) -> None:
    api = Api(ME)
    api.get("me/")
    file = tmp_path / "users.csv"
    file.write_text(f"school_number,full_name,role\n{ME.school_number},New Name,teacher\n")

    call_command("import_users", str(file), "--json")

    assert api.get("me/").json()["full_name"] == "New Name"


def test_a_slow_reader_does_not_bring_back_what_was_revoked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token = issue_token(account(ME).pk).token
    real = credentials._find_token

    def slow(digest: str) -> bytes:
        found = real(digest)
        AuthToken.objects.all().delete()
        return found

    monkeypatch.setattr(credentials, "_find_token", slow)
    assert with_token(token).get("me/").status_code == 401
    assert with_token(token).get("me/").status_code == 401


def test_without_the_cache_postgresql_answers_and_a_process_remembers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token = issue_token(account(ME).pk).token
    with_token(token).get("me/")

    class Down:
        def __getattr__(self, name: str) -> Any:
            raise ConnectionError("no cache")

    monkeypatch.setattr(credentials, "cache", Down())
    assert with_token(token).get("me/").status_code == 200
    monkeypatch.setattr(credentials, "REMEMBERED_SECONDS", 0)
    AuthToken.objects.all().delete()
    assert with_token(token).get("me/").status_code == 401


def test_the_oldest_token_makes_room() -> None:
    user = account(ME)
    tokens = [issue_token(user.pk).token for _ in range(MOST_TOKENS + 2)]

    assert AuthToken.objects.count() == MOST_TOKENS
    assert with_token(tokens[0]).get("me/").status_code == 401
    assert with_token(tokens[-1]).get("me/").status_code == 200


@pytest.mark.parametrize("header", ["Token", "Token ", "Bearer x", "Token nonsense", "Token ü"])
def test_a_strange_header_opens_nothing(header: str) -> None:
    answer = Api(Authorization=header).get("me/")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Token"


def test_guessing_is_limited_for_an_account_and_an_address() -> None:
    account(ME, password=PASSWORD)

    guesses = [sign_in(password="wrong guess") for _ in range(10)]
    held, elsewhere = sign_in(), sign_in(REMOTE_ADDR="10.9.9.9")

    assert {each.status_code for each in guesses} == {401}
    assert {each.json()["code"] for each in guesses} == {"invalid_credentials"}
    assert (held.status_code, held.json()["code"]) == (429, "too_many_attempts")
    assert int(held["Retry-After"]) > 0
    # The owner, from another address, is not locked out.
    assert elsewhere.status_code == 201


def test_a_forged_header_makes_no_other_address() -> None:
    account(ME, password=PASSWORD)
    for n in range(10):
        sign_in(password="wrong guess", HTTP_X_FORWARDED_FOR=f"10.0.0.{n}")

    assert sign_in(HTTP_X_FORWARDED_FOR="10.0.0.99").status_code == 429


def test_the_limit_is_exact_for_many_at_once() -> None:
    account(ME, password=PASSWORD)

    def guess(_: int) -> int:
        try:
            return int(sign_in(password="wrong guess").status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(guess, range(30)))

    assert sorted(statuses) == [401] * 10 + [429] * 20


def test_the_admin_has_the_same_limit() -> None:
    boss = Person("STAFF-1", "Staff 1", Role.STAFF)
    account(boss, password=PASSWORD)
    form = {"login": boss.school_number, "password": "wrong guess"}
    door = Client().get("/admin/login/").headers["Location"]

    pages = [Client().post(door, form) for _ in range(11)]
    right = Client().post(door, form | {"password": PASSWORD})

    assert b"Too many attempts" not in pages[9].content
    assert b"Too many attempts" in pages[10].content
    assert b"Too many attempts" in right.content
    cache.clear()
    assert Client().post(door, form | {"password": PASSWORD}).status_code == 302


def test_a_hall_behind_one_address_signs_in() -> None:
    people = [student(n) for n in range(1, 25)]
    for person in people:
        account(person, password=PASSWORD)
    assert {sign_in(person.school_number).status_code for person in people} == {201}


def test_a_student_does_not_see_who_else_is_there() -> None:
    lesson = live_lesson(3)
    found = Api(student(9)).get("lessons/find/?lesson_name=phys").json()["results"]
    assert [each["id"] for each in found] == [str(lesson.id)]
    assert "counts" not in found[0]
