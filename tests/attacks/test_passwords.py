"""Passwords: one form at every door, none that everybody guesses, none that somebody else knows."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.support.callers import PASSWORD, Api, account, text_of
from tests.support.lessons import student
from tests.support.second_factors import enter
from users import importing
from users.identity import Person, Role
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

ME = student(7)
BOSS = Person("BOSS", "Boss", Role.STAFF)
COMPOSED = "caf\u00e9 \u015feker evi"
DECOMPOSED = "cafe\u0301 s\u0327eker evi"
CHANGE = "/accounts/password/change/"
HEAD = "school_number,full_name,role,email,password\n"


def boss() -> Client:
    User.objects.create_superuser(BOSS.school_number, BOSS.full_name, PASSWORD)
    return enter(BOSS)


def me() -> User:
    return User.objects.get(school_number=ME.school_number)


def token_status(password: str) -> tuple[int, str]:
    answer = Api().post("auth/tokens/", {"school_number": ME.school_number, "password": password})
    return answer.status_code, answer.json().get("code", "")


def change_to(browser: Client, new: str, *, old: str = PASSWORD, then: str = "") -> Any:
    form = {"oldpassword": old, "password1": new, "password2": new, "next": then}
    return browser.post(CHANGE, form)


def by_its_owner(password: str) -> str:
    account(ME, password=PASSWORD)
    return text_of(change_to(enter(ME), password))


def added_in_the_admin(password: str) -> str:
    values = {"school_number": ME.school_number, "full_name": ME.full_name, "role": "student"}
    given = {"usable_password": "true", "password1": password, "password2": password}
    return text_of(boss().post("/admin/users/user/add/", {**values, **given}))


def set_in_the_admin(password: str) -> str:
    pk = account(ME, password=PASSWORD).pk
    given = {"usable_password": "true", "password1": password, "password2": password}
    return text_of(boss().post(f"/admin/users/user/{pk}/password/", given))


def by_import(password: str) -> str:
    row = f"{ME.school_number},{ME.full_name},,,{password}\n"
    return json.dumps([bad.detail for bad in importing.import_users(io.StringIO(HEAD + row)).bad])


def by_createsuperuser(password: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", password)
    given = {"school_number": ME.school_number, "full_name": ME.full_name}
    try:
        call_command("createsuperuser", interactive=False, stdout=io.StringIO(), **given)
    except CommandError as error:
        return str(error)
    return ""


DOORS: dict[str, Callable[[str], str]] = {
    each.__name__: each for each in (by_its_owner, added_in_the_admin, set_in_the_admin, by_import)
}


def set_by(door: str, password: str, monkeypatch: pytest.MonkeyPatch) -> str:
    if door == "by_createsuperuser":
        return by_createsuperuser(password, monkeypatch)
    return DOORS[door](password)


@pytest.mark.parametrize("door", [*DOORS, "by_createsuperuser"])
def test_every_door_refuses_a_common_password_and_stores_another_in_one_form(
    door: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for common in ("PASSWORD1!", "Şifre1234", "ｓｕｎｓｈｉｎｅ"):
        assert "too common" in set_by(door, common, monkeypatch), common
        assert not User.objects.filter(school_number=ME.school_number).exists() or (
            me().check_password(PASSWORD)
        )
        User.objects.all().delete()

    set_by(door, DECOMPOSED, monkeypatch)
    kept = me().password
    assert me().check_password(COMPOSED)
    assert me().check_password(DECOMPOSED)
    assert me().password == kept
    assert not me().check_password("cafe seker evi")


GUESSED = (
    *("Password1!", "p@ssw0rd99", "letmein2024", "!!dragon!!", "1234qwer", "1q2w3e4r5t!"),
    *("Galatasaray1905", "FENERBAHÇE1907", "İSTANBUL34", "ıstanbul.34", "beşiktaş-1903"),
    *("Seni Seviyorum", "seniseviyorum<3", "mustafa1923", "QWERTYUIOPĞÜ", "parola2026."),
)
TAKEN = (
    *("correct horse battery", "sturdy-Horse-77", "qx7-lamp-ridge", "dört yeşil kaplumbağa"),
    # Its word is common, and what stands around it is more than a year and a sign.
    *("dragon8264019375", "x" + "!" * 200_000 + "9"),
)


def test_what_is_common_is_found_in_other_letters_and_with_something_around_it() -> None:
    for guessed in GUESSED:
        with pytest.raises(ValidationError, match=r"too common|similar"):
            validate_password(guessed.replace("Seni Sev", "SeniSev"))
    for taken in TAKEN:
        validate_password(taken)
    # Eight characters as typed, seven as anybody counts them.
    with pytest.raises(ValidationError, match="too short"):
        validate_password("zu\u0308rv-ka")
    with pytest.raises(ValidationError, match="similar"):
        validate_password("jose\u0301phine-k", User(full_name="Jos\u00e9phine-K"))


def test_either_form_opens_every_door() -> None:
    account(ME, password=COMPOSED)
    assert token_status(DECOMPOSED)[0] == 201
    browser = enter(ME, DECOMPOSED)
    assert browser.get("/me/").status_code == 200
    assert browser.post("/accounts/reauthenticate/", {"password": DECOMPOSED}).status_code == 302
    same = text_of(change_to(browser, COMPOSED, old=DECOMPOSED))
    assert "This is the password that you have" in same
    assert change_to(browser, PASSWORD, old=DECOMPOSED).status_code == 302
    assert me().check_password(PASSWORD)


@pytest.mark.parametrize("door", ["token", "page", "reauthenticate"])
def test_a_hash_of_the_form_as_typed_works_once_more_and_is_made_anew(door: str) -> None:
    user = account(ME)
    user.password = make_password(DECOMPOSED)
    user.save()
    assert token_status(COMPOSED) == (401, "invalid_credentials")

    if door == "token":
        assert token_status(DECOMPOSED)[0] == 201
    elif door == "page":
        assert enter(ME, DECOMPOSED).get("/me/").status_code == 200
    else:
        browser = Client()
        browser.force_login(user, "users.backends.AccountBackend")
        browser.post("/accounts/reauthenticate/", {"password": DECOMPOSED})
        # Its own session goes on, though the hash is another one.
        assert browser.get("/me/").status_code == 200

    assert token_status(COMPOSED)[0] == 201
    assert token_status("cafe\u0301 seker evi")[0] == 401


def test_a_number_that_nobody_has_takes_as_many_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.contrib.auth import hashers

    hasher, made = type(hashers.get_hasher()), []
    real = hasher.encode

    def encode(self: Any, *args: Any, **more: Any) -> str:
        made.append(1)
        return str(real(self, *args, **more))

    account(ME, password=COMPOSED)
    monkeypatch.setattr(hasher, "encode", encode)
    counts = []
    for number in (ME.school_number, "NOBODY-1"):
        for password in ("wrong guess", "wrong gue\u0301ss"):
            made.clear()
            Api().post("auth/tokens/", {"school_number": number, "password": password})
            counts.append(len(made))
    assert counts == [1, 2, 1, 2]


def test_an_import_and_staff_give_passwords_and_their_owner_changes_them() -> None:
    account(ME)
    rows = f"{ME.school_number},{ME.full_name},,,{PASSWORD}\nS-9,Nine,,,{PASSWORD}\nS-10,Ten,,,\n"
    with CaptureQueriesContext(connection) as queries:
        importing.import_users(io.StringIO(HEAD + rows))
    written = [q["sql"] for q in queries if q["sql"].startswith(("UPDATE", "INSERT"))]
    assert len([sql for sql in written if "users_securityevent" not in sql]) == 2
    flagged = User.objects.filter(must_change_password=True).values_list("school_number", flat=True)
    assert set(flagged) == {ME.school_number, "S-9"}

    browser = enter(ME)
    own = "lantern over the river"
    assert change_to(browser, own, then="/me/").headers["Location"] == "/me/"
    assert browser.get("/me/").status_code == 200
    assert token_status(own)[0] == 201
    importing.import_users(io.StringIO(HEAD + rows))
    assert not me().must_change_password

    admin = boss()
    given = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    admin.post(f"/admin/users/user/{me().pk}/password/", given)
    assert me().must_change_password
    form = {"usable_password": "false", "unset-password": "yes", "password1": "", "password2": ""}
    admin.post(f"/admin/users/user/{me().pk}/password/", form)
    assert not me().must_change_password
    assert not me().has_usable_password()

    own_page = f"/admin/users/user/{User.objects.get(school_number='BOSS').pk}/password/"
    assert admin.post(own_page, given).headers["Location"] == CHANGE
    assert not User.objects.get(school_number="BOSS").must_change_password


def test_the_shipped_list_is_ours_in_one_form() -> None:
    lines = (Path(importing.__file__).parent / "common_passwords.txt").read_text().splitlines()
    words = [line for line in lines if not line.startswith("#")]
    assert len(set(words)) == len(words) > 200
    assert all(word.isascii() and word == word.lower().strip() and word for word in words)
