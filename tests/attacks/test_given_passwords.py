"""A password that somebody else has set opens one page: the one on which it is changed."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from attendance.live import store
from attendance.selectors.screens import find_code
from attendance.services.lessons import LessonPlan, start_lesson
from tests.support.callers import PASSWORD, Api, account, text_of
from tests.support.campus import campus_at, use_campus
from tests.support.doors import endpoints_of_somebody, pages
from tests.support.lessons import TEACHER, live_lesson, student
from tests.support.members import STAFF
from tests.support.second_factors import ACTIVATE, LOGIN, enrolled, enter, enter_with
from tests.support.strange_campus import strange_campus
from users.credentials import forget_users
from users.demo_numbers import DEMO_STUDENT_NUMBER
from users.identity import Person
from users.models import User
from users.proofs import CAMPUS_BACKEND, DEMO_BACKEND
from users.tokens import issue_token

pytestmark = pytest.mark.django_db(transaction=True)

CHANGE = "/accounts/password/change/"
OWN = "lantern over the river"
OPEN = {
    *("healthz", "readyz", "set_language", "switch", "sign-out-everywhere"),
    *("manifest", "service-worker", "offline"),
    *("account_login", "account_logout", "account_inactive", "mfa_authenticate"),
    *("openid_connect_login", "openid_connect_callback"),
    *("account_reset_password", "account_reset_password_done", "type-link"),
    *("account_reset_password_from_key", "account_reset_password_from_key_done"),
    *("join", "join-scanned", "digest-stop"),
    *("type-code", "scanned", "account_change_password"),
    # Below /api/, where nothing is.
    "no-such-address",
}


def given(person: Person) -> User:
    """Somebody whose password is one that an import has set."""
    user = account(person, password=PASSWORD)
    user.must_change_password = True
    user.save()
    return user


def change(browser: Client, then: str = "") -> Any:
    form = {"oldpassword": PASSWORD, "password1": OWN, "password2": OWN, "next": then}
    return browser.post(CHANGE, form)


def is_led(answer: Any, page: str = CHANGE) -> bool:
    return bool(answer.status_code == 302 and answer.headers["Location"].startswith(page))


def with_token(token: str) -> Api:
    return Api(Authorization=f"Token {token}")


def asks_for_token(person: Person, **more: str) -> tuple[int, str]:
    body = {"school_number": person.school_number, "password": PASSWORD, **more}
    answer = Api().post("auth/tokens/", body)
    return answer.status_code, answer.json().get("code", "")


def test_every_page_leads_to_the_change_and_opens_after_it() -> None:
    given(student(7))
    browser = enter(student(7), client=Client(raise_request_exception=False))
    tried = pages()
    assert len(tried) > 100
    for name, path in tried:
        if name not in OPEN:
            assert is_led(browser.get(path)), (name, path)
            assert is_led(browser.post(path)), (name, path)

    part = browser.get("/me/", headers={"HX-Request": "true"})
    assert part.headers["HX-Redirect"].startswith(CHANGE)
    page = browser.get(browser.get("/me/?x=1").headers["Location"])
    assert "Choose one that only you know" in text_of(page)
    assert 'name="next" value="/me/?x=1"' in text_of(page)
    assert change(browser, "/me/?x=1").headers["Location"] == "/me/?x=1"
    assert browser.get("/me/").status_code == 200


def test_a_scan_waits_while_its_student_chooses_a_password() -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45, checks=("code",)), teacher=TEACHER)
    shown = find_code(lesson.id)
    given(student(7))
    phone, here = Client(), f"/lessons/{lesson.id}/here/"
    link = f"/C/{shown.short_code}/{shown.code.whole}"

    assert is_led(phone.get(link), here)
    asked = phone.get(here)
    assert is_led(asked, LOGIN)
    form = {"login": student(7).school_number, "password": PASSWORD, "next": here}
    assert is_led(phone.post(LOGIN, form), here)
    for answer in (phone.get(here), phone.post(here)):
        assert answer.headers["Location"] == f"{CHANGE}?{urlencode({'next': here})}"
    assert store.read_lesson(lesson.id).record_count == 0
    assert change(phone, here).headers["Location"] == here
    assert "I am here" in text_of(phone.get(here))
    assert "You are here" in text_of(phone.post(here, follow=True))

    # Whoever has signed in already scans, and the scan is kept as well.
    given(student(8))
    phone = enter(student(8))
    assert is_led(phone.get(link), here)
    assert change(phone, here).headers["Location"] == here
    assert "You are here" in text_of(phone.post(here, follow=True))


def test_no_endpoint_answers_and_no_token_is_issued() -> None:
    user = given(student(7))
    assert asks_for_token(student(7)) == (403, "password_change_needed")
    assert asks_for_token(student(7), password="wrong guess")[1] == "invalid_credentials"

    browser = enter(student(7))
    api = with_token(issue_token(user.pk).token)
    tried = endpoints_of_somebody()
    assert len(tried) >= 50
    for name, method, path in tried:
        answer = api.send(method, path, {})
        told = (answer.status_code, answer.json().get("code"))
        assert told == (403, "password_change_needed"), (name, method, path)
    json: dict[str, Any] = {"data": {}, "content_type": "application/json"}
    for answer in (browser.get("/api/v1/me/"), browser.post("/api/v1/auth/tokens/", **json)):
        assert (answer.status_code, answer.json()["code"]) == (403, "password_change_needed")

    assert change(browser).status_code == 302
    assert api.get("me/").status_code == 401
    assert browser.get("/api/v1/me/").status_code == 200
    assert browser.post("/api/v1/auth/tokens/", **json).status_code == 201


def test_a_factor_that_there_is_comes_before_and_one_that_is_missing_after(settings: Any) -> None:
    settings.STAFF_MFA = True
    given(STAFF)
    browser = enter(STAFF)
    assert is_led(browser.get(ACTIVATE))
    assert is_led(browser.get("/admin/"))
    change(browser)
    assert is_led(browser.get("/admin/"), ACTIVATE)

    app = enrolled(STAFF)
    given(STAFF)
    assert asks_for_token(STAFF) == (401, "second_factor_missing")
    assert asks_for_token(STAFF, code=app.code) == (403, "password_change_needed")
    half = Client()
    half.force_login(User.objects.get(), "users.backends.AccountBackend")
    assert is_led(change(half), "/accounts/2fa/reauthenticate/")
    assert User.objects.get().check_password(PASSWORD)
    whole = enter_with(app, STAFF)
    assert is_led(whole.get("/admin/"))
    change(whole)
    assert whole.get("/admin/").status_code == 200


def test_whoever_comes_by_another_door_is_not_asked(settings: Any) -> None:
    demo = given(Person(DEMO_STUDENT_NUMBER, "Demo Student"))
    settings.DEMO_PASSWORD = "of this demo alone"
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, DEMO_BACKEND]
    browser = Client()
    demo.backend = DEMO_BACKEND
    browser.force_login(demo, DEMO_BACKEND)
    assert browser.get("/me/").status_code == 200

    given(Person("S-014", "Student 014"))
    with strange_campus() as found:
        use_campus(settings, campus_at(found.issuer))
        browser, door = Client(), "/accounts/oidc/campus/login/"
        asked = browser.post(door).headers["Location"]
        browser.get(f"{door}callback/", found.callback(asked))
    assert browser.session["_auth_user_backend"] == CAMPUS_BACKEND
    assert browser.get("/me/").status_code == 200
    made = browser.post("/api/v1/auth/tokens/", {}, content_type="application/json")
    assert with_token(made.json()["token"]).get("me/").status_code == 200
    assert is_led(enter(Person("S-014", "Student 014")).get("/me/"))


def test_a_flag_that_comes_later_is_asked_at_once_and_costs_a_check_in_no_query(
    django_assert_num_queries: Any,
) -> None:
    user, lesson = account(student(7), password=PASSWORD), live_lesson(1)
    api = with_token(issue_token(user.pk).token)
    api.get("me/")
    with django_assert_num_queries(0):
        assert api.post(f"lessons/{lesson.id}/check-in/").status_code in {200, 201}
    User.objects.filter(pk=user.pk).update(must_change_password=True)
    forget_users([user.pk])
    assert api.post(f"lessons/{lesson.id}/check-in/").json()["code"] == "password_change_needed"
