"""A copy of the database makes no codes: what is secret of a second factor is stored encrypted."""

import contextlib
import io
import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.core.management import call_command
from django.test import Client

from tests.support.callers import PASSWORD, Api, text_of
from tests.support.lessons import student
from tests.support.members import STAFF
from tests.support.second_factors import AUTHENTICATE, enrolled, enter, enter_with
from tests.support.second_factors import recovery_codes as codes_of
from users import factor_secrets
from users.identity import Person
from users.models import AccountNotice, User

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "9c4f1d7be05a2836c1f7e9d0b3a4586271ffcc0912ab34cd56ef7890ab12cd34"
ME = student(7)


@pytest.fixture(autouse=True)
def asked(settings: Any) -> None:
    settings.STAFF_MFA = True


def rotate(settings: Any, *, is_listed: bool = True) -> None:
    former = settings.SECRET_KEY
    settings.SECRET_KEY = NEW
    settings.SECRET_KEY_FALLBACKS = [former] if is_listed else []


def asks(person: Person, code: str) -> tuple[int, str]:
    given = {"school_number": person.school_number, "password": PASSWORD, "code": code}
    answer = Api().post("auth/tokens/", given)
    return answer.status_code, answer.json().get("code", "")


def encrypt_factors(*options: str) -> dict[str, Any]:
    out = io.StringIO()
    with contextlib.suppress(SystemExit):
        call_command("encrypt_factors", "--json", *options, stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def stored() -> dict[str, dict[str, Any]]:
    return {row.type: row.data for row in Authenticator.objects.all()}


def make_plain() -> None:
    """As a release stored them that did not encrypt."""
    for row in Authenticator.objects.all():
        names = {"secret", "seed"} & set(row.data)
        plain = {name: factor_secrets.decrypt(row.data[name]) for name in names}
        Authenticator.objects.filter(pk=row.pk).update(data={**row.data, **plain})


def test_neither_secret_nor_codes_are_in_the_database() -> None:
    app, codes = enrolled(STAFF), codes_of(STAFF)
    text = json.dumps(stored())
    seed = factor_secrets.decrypt(stored()["recovery_codes"]["seed"])
    assert not [secret for secret in (app.secret, seed, *codes) if secret in text]
    assert asks(STAFF, app.code)[0] == 201
    assert asks(STAFF, codes[0])[0] == 201
    assert enter_with(app, STAFF).get("/admin/").status_code == 200


def test_plain_rows_work_and_the_command_encrypts_them_and_signs_nobody_out() -> None:
    app, codes = enrolled(STAFF), codes_of(STAFF)
    make_plain()
    assert stored()["totp"]["secret"] == app.secret
    browser = enter_with(app, STAFF)
    assert asks(STAFF, codes[0])[0] == 201

    assert encrypt_factors("--dry-run")["plain"] == 2
    assert stored()["totp"]["secret"] == app.secret
    assert encrypt_factors()["plain"] == 2

    assert app.secret not in json.dumps(stored())
    assert encrypt_factors() == {
        "present": 2,
        "former": 0,
        "plain": 0,
        "unreadable": 0,
        "is_dry_run": False,
    }
    assert browser.get("/admin/").status_code == 200
    assert asks(STAFF, app.code)[0] == 201
    assert asks(STAFF, codes[1])[0] == 201
    assert asks(STAFF, codes[0]) == (401, "second_factor_wrong")


def test_codes_that_came_from_elsewhere_are_encrypted_and_work_once() -> None:
    enrolled(STAFF)
    codes_of(STAFF)
    rows = Authenticator.objects.filter(type="recovery_codes")
    rows.update(data={"migrated_codes": ["abcd-1234", "efgh-5678"]})
    assert encrypt_factors()["plain"] == 1
    assert "abcd" not in json.dumps(stored())
    assert RecoveryCodes(rows.get()).get_unused_codes() == ["abcd-1234", "efgh-5678"]
    assert asks(STAFF, "efgh-5678")[0] == 201
    assert asks(STAFF, "efgh-5678")[0] == 401


def test_a_former_key_may_go_when_the_command_counts_none_under_it(settings: Any) -> None:
    app, codes = enrolled(ME), codes_of(ME)
    former = settings.SECRET_KEY
    rotate(settings)
    assert asks(ME, app.code)[0] == 201
    assert encrypt_factors("--dry-run")["former"] == 2
    assert encrypt_factors()["former"] == 2
    assert encrypt_factors()["former"] == 0

    settings.SECRET_KEY_FALLBACKS = []
    assert asks(ME, app.code)[0] == 201
    assert asks(ME, codes[0])[0] == 201

    # Before: the next key is listed already, and the present one writes.
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = former, [NEW]
    assert asks(ME, app.code)[0] == 201
    assert encrypt_factors("--dry-run")["former"] == 2


DAMAGED = {
    "of another key": lambda data: {**data},
    "cut off": lambda data: {**data, "secret": data["secret"][:-9]},
    "with another mark": lambda data: {**data, "secret": data["secret"].replace("attn", "attm")},
    "no secret of an app": lambda data: {**data, "secret": "abcdefg8"},
    "empty": lambda data: {},
}


@pytest.mark.parametrize("how", DAMAGED)
def test_what_no_key_opens_is_told_at_every_door_and_lets_nobody_in(
    how: str, settings: Any
) -> None:
    app = enrolled(STAFF)
    data = stored()["totp"]
    Authenticator.objects.update(data=DAMAGED[how](data))
    if how == "of another key":
        rotate(settings, is_listed=False)

    for _ in range(12):
        assert asks(STAFF, app.code) == (403, "second_factor_unreadable")
    browser = enter(STAFF)
    page = browser.post(AUTHENTICATE, {"code": app.code})
    turkish = browser.post(AUTHENTICATE, {"code": app.code}, headers={"Accept-Language": "tr"})

    assert page.status_code == 200
    assert "Ask your staff to remove it" in text_of(page)
    assert "Ask your staff" not in text_of(turkish)
    assert browser.get("/admin/").status_code == 302
    assert not AccountNotice.objects.exists()
    # No key is missing for a text that is plain.
    assert encrypt_factors("--dry-run")["unreadable"] == (how != "no secret of an app")


def test_a_factor_that_can_be_read_still_counts_beside_one_that_cannot() -> None:
    app, codes = enrolled(ME), codes_of(ME)
    Authenticator.objects.filter(type="totp").update(data={"secret": "attn1:nothing"})
    assert asks(ME, codes[0])[0] == 201
    browser = enter(ME)
    browser.post(AUTHENTICATE, {"code": codes[1]})
    assert browser.get("/me/").status_code == 200
    told = [asks(ME, app.code) for _ in range(11)]
    assert told[0] == (401, "second_factor_wrong")
    assert told[-1] == (429, "too_many_attempts")
    assert AccountNotice.objects.get().wrong_codes == 10


def test_pages_of_a_factor_that_cannot_be_read_say_so_and_staff_reset_it() -> None:
    app = enrolled(STAFF)
    codes_of(STAFF)
    owner = enter_with(app, STAFF)
    Authenticator.objects.filter(type="recovery_codes").update(data={"seed": "attn1:x"})
    owner.raise_request_exception = False
    page = owner.get("/accounts/2fa/")
    assert (page.status_code, "Ask your staff to remove it" in text_of(page)) == (403, True)

    boss = Person("BOSS", "Boss", STAFF.role)
    User.objects.create_superuser("BOSS", "Boss", PASSWORD)
    row = Authenticator.objects.get(type="totp")
    browser: Client = enter_with(enrolled(boss), boss)
    browser.post(f"/admin/mfa/authenticator/{row.pk}/delete/", {"post": "yes"})
    assert not Authenticator.objects.filter(user__school_number=STAFF.school_number).exists()


def test_new_ones_are_written_under_the_present_key(settings: Any) -> None:
    rotate(settings)
    enrolled(ME)
    assert encrypt_factors("--dry-run")["present"] == 1
