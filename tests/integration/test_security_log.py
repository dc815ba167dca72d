"""The security log: which events are written, and what is kept out of them."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connection
from django.test import Client

from attendance.services.access.devices import COOKIE, device_of, digest_of
from tests.support.callers import PASSWORD, Api, account, signed_in
from tests.support.lessons import student
from tests.support.second_factors import enrolled, enter_with, set_up
from tests.support.security_log import enter, kinds, only
from users.models import SecurityEvent, SecurityKind, User

pytestmark = pytest.mark.django_db(transaction=True)

ONE = student(1)
SECRET = "my password in the wrong field"


def token(number: str, password: str = PASSWORD, **more: str) -> Any:
    given = {"school_number": number, "password": password, **more}
    return Api().post("auth/tokens/", given)


def test_a_sign_in_on_a_page_says_who_where_and_by_which_request() -> None:
    user, browser = account(ONE, password=PASSWORD), Client(REMOTE_ADDR="192.0.2.77")
    browser.get("/accounts/login/")
    device = device_of(browser.cookies[COOKIE].value)

    answer = enter(browser, "s-0001", PASSWORD)

    event = only(SecurityKind.SIGNED_IN)
    assert (event.subject, event.actor, event.details) == (user, user, {"door": "page"})
    assert event.address == "192.0.2.0/24"
    assert event.request_id == answer.headers["X-Request-ID"]
    assert event.device == digest_of(device)
    assert (len(event.device), event.device in device.id) == (12, False)


def test_failures_are_counted_in_one_row_and_then_held_up() -> None:
    user, browser = account(ONE, password=PASSWORD), Client(REMOTE_ADDR="2001:db8:1:2::3")
    for _ in range(13):
        enter(browser, "S-0001", "wrong")

    failed, locked = only(SecurityKind.SIGN_IN_FAILED), only(SecurityKind.SIGN_IN_LOCKED)
    assert (failed.subject, failed.actor, failed.times) == (user, None, 10)
    assert failed.happened_at < failed.last_at
    assert failed.details == {"door": "page", "code": "invalid_credentials"}
    assert (locked.subject, locked.times, locked.address) == (user, 1, "2001:db8:1::/48")


def test_what_was_typed_is_not_kept_where_nobody_has_that_number() -> None:
    account(ONE, password=PASSWORD)
    for number in (SECRET, SECRET, "NOBODY-1"):
        enter(Client(), number, "wrong")

    first, second = SecurityEvent.objects.order_by("id")
    assert (first.subject, first.times, second.times) == (None, 2, 1)
    assert first.typed
    assert first.typed != second.typed
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(e::text, ' ') FROM users_securityevent AS e")
        (text,) = cursor.fetchone()
    assert "password in" not in text.lower()
    assert "NOBODY" not in text


def test_tokens_are_made_ended_and_all_ended() -> None:
    user = account(ONE, password=PASSWORD)
    first = token("S-0001").json()["token"]
    own = Api(Authorization=f"Token {first}")
    own.delete("auth/tokens/current/")
    second = token("S-0001").json()["token"]
    Api(Authorization=f"Token {second}").delete("auth/tokens/")

    made = SecurityEvent.objects.get(kind=SecurityKind.TOKEN_MADE)
    assert (made.times, made.actor) == (2, user)
    assert only(SecurityKind.SIGNED_IN).details == {"door": "api"}
    assert only(SecurityKind.TOKEN_ENDED).actor == user
    assert only(SecurityKind.SIGNED_OUT_EVERYWHERE).subject == user


def test_signing_out_here_and_everywhere_on_the_page() -> None:
    user = account(ONE)
    signed_in(ONE).post("/accounts/logout/")
    assert only(SecurityKind.SIGNED_OUT).actor == user
    signed_in(ONE).post("/accounts/everywhere/")
    assert only(SecurityKind.SIGNED_OUT_EVERYWHERE).actor == user


def test_a_second_factor_is_followed_from_its_beginning_to_its_end() -> None:
    user, browser = account(ONE, password=PASSWORD), Client()
    enter(browser, "S-0001", PASSWORD)
    set_up(browser)
    browser.get("/accounts/2fa/recovery-codes/")
    browser.get("/accounts/2fa/recovery-codes/download/")
    browser.post("/accounts/2fa/totp/deactivate/")

    assert kinds(user) == [
        "signed_in",
        "factor_added",
        "recovery_codes_made",
        "recovery_codes_seen",
        "factor_removed",
    ]


def test_codes_at_every_door() -> None:
    app = enrolled(ONE)
    user = User.objects.get(school_number=ONE.school_number)
    before = len(kinds(user))
    enter_with(app, ONE)
    token("S-0001")
    token("S-0001", code=app.wrong_code)

    assert kinds(user)[before:] == [
        "factor_shown",
        "signed_in",
        "sign_in_failed",
        "factor_wrong_code",
    ]
    assert only(SecurityKind.SIGN_IN_FAILED).details["code"] == "second_factor_missing"


def test_wrong_codes_are_held_up_once() -> None:
    app = enrolled(ONE)
    for _ in range(12):
        token("S-0001", code=app.wrong_code)
    assert only(SecurityKind.FACTOR_WRONG_CODE).times == 10
    assert only(SecurityKind.SIGN_IN_LOCKED).details == {"what": "second_factor"}


def change(person: User, **changes: Any) -> dict[str, Any]:
    given = {"school_number": person.school_number, "full_name": person.full_name}
    return {**given, "role": person.role, "email": "", "is_active": "on", **changes}


def test_what_staff_do_with_an_account_is_written_down() -> None:
    boss = User.objects.create_superuser("BOSS", "Boss", PASSWORD)
    person, browser = account(ONE), Client()
    browser.force_login(boss, "users.backends.AccountBackend")
    page = f"/admin/users/user/{person.pk}/"
    group = Group.objects.create(name="g")
    new = "another password of theirs"
    browser.post(f"{page}change/", change(person, role="teacher", groups=[group.pk]))
    browser.post(f"{page}change/", change(person, role="teacher", is_active=""))
    given = {"password1": new, "password2": new, "usable_password": "true"}
    browser.post(f"{page}password/", given)

    rows = SecurityEvent.objects.filter(subject=person).order_by("id")
    assert [(row.kind, row.actor, row.details) for row in rows] == [
        ("account_changed", boss, {"fields": ["role"], "role": "teacher"}),
        ("account_changed", boss, {"fields": ["group"]}),
        ("account_changed", boss, {"fields": ["is_active"]}),
        ("password_set", boss, {}),
    ]
    made = SecurityEvent.objects.get(kind=SecurityKind.ACCOUNT_MADE)
    assert (made.subject, made.actor, made.details) == (boss, None, {"role": "staff"})


def test_a_password_changed_on_the_own_page_and_by_a_command() -> None:
    user, browser, new = account(ONE, password=PASSWORD), Client(), "another password of theirs"
    enter(browser, "S-0001", PASSWORD)
    fields = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    browser.post("/accounts/password/change/", fields)
    user.refresh_from_db()
    user.set_unusable_password()
    user.save()

    assert kinds(user)[-2:] == ["password_changed", "password_set"]


def test_a_hash_that_is_made_anew_is_no_change() -> None:
    user = account(ONE, password=PASSWORD)
    User.objects.filter(pk=user.pk).update(password=user.password.replace("$", "$", 1))
    user.refresh_from_db()
    user.password = "pbkdf2_sha1$1$salt$x"
    user.save(update_fields=["password"])
    assert kinds(user) == []


def test_an_import_says_whose_role_and_password_it_sets(tmp_path: Path) -> None:
    account(ONE)
    file = tmp_path / "people.csv"
    file.write_text(
        "school_number,full_name,role,email,password\n"
        "S-0001,Student 0001,teacher,,a first password of theirs\n"
        "T-9,Teacher 9,teacher,,\nS-2,Student 2,student,,\n"
    )
    call_command("import_users", str(file), stdout=StringIO())

    rows = SecurityEvent.objects.order_by("id").values_list("kind", "subject__school_number")
    assert list(rows) == [
        ("account_made", "T-9"),
        ("password_set", "S-0001"),
        ("account_changed", "S-0001"),
    ]


def test_ending_another_session_and_a_token_of_ones_own() -> None:
    user = account(ONE, password=PASSWORD)
    here, elsewhere = Client(), Client()
    for browser in (here, elsewhere):
        enter(browser, "S-0001", PASSWORD)
    api = Api(Authorization=f"Token {token('S-0001').json()['token']}")
    shown = here.get("/accounts/sessions/").context["sessions"]
    (other,) = (each for each, _words in shown if not each.is_current)
    here.post(f"/accounts/sessions/{other.id}/end/")
    assert only(SecurityKind.SIGNED_OUT).actor == user
    own = api.get("me/tokens/").json()["results"][0]
    api.delete(f"me/tokens/{own['id']}/")
    assert only(SecurityKind.TOKEN_ENDED).actor == user
