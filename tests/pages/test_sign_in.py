"""Signing in on a page: limits, no sign-up, a second factor for staff, signing out."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from tests.pages.visitors import STAFF, STUDENT, enter, signed_in, text_of
from tests.support.callers import PASSWORD, Api, account
from tests.support.second_factors import set_up

pytestmark = pytest.mark.django_db(transaction=True)

LOGIN = "/accounts/login/"


def test_wrong_number_and_wrong_password_say_the_same() -> None:
    account(STUDENT, password=PASSWORD)
    tries = [enter(Client(), *each) for each in (("S-014", "no"), ("S-999", "no"))]
    said = [each.context["form"].non_field_errors() for each in tries]
    assert said[0] == said[1]
    assert "do not belong together" in said[0][0]


def test_one_account_has_ten_tries_and_others_are_not_held_up() -> None:
    account(STUDENT, password=PASSWORD)
    account(STAFF, password=PASSWORD)
    client = Client()
    tries = [text_of(enter(client, "S-014", "no")) for _ in range(11)]
    assert ["Too many attempts" in each for each in tries] == [False] * 10 + [True]
    assert "Too many attempts" in text_of(enter(client, "s-014", PASSWORD))
    assert enter(client, "STAFF-1", PASSWORD).status_code == 302


def test_the_api_and_the_page_count_together() -> None:
    account(STUDENT, password=PASSWORD)
    given = {"school_number": "S-014", "password": "no"}
    assert [Api().post("auth/tokens/", given).status_code for _ in range(10)] == [401] * 10
    assert "Too many attempts" in text_of(enter(Client(), "S-014", PASSWORD))


@pytest.mark.parametrize("path", ["signup/", "email/", "password/set/"])
def test_nobody_makes_an_account_or_takes_one_over(path: str) -> None:
    for client in (Client(), signed_in(STUDENT)):
        for answer in (client.get(f"/accounts/{path}"), client.post(f"/accounts/{path}", {})):
            assert answer.status_code == 404


def test_the_admin_is_entered_through_the_same_door() -> None:
    asked = Client().get("/admin/login/?next=/admin/")
    assert asked.headers["Location"] == f"{LOGIN}?next=%2Fadmin%2F"


def test_staff_set_a_second_factor_up_and_need_it_from_then_on(settings: Any) -> None:
    settings.STAFF_MFA = True
    account(STAFF, password=PASSWORD)
    staff = Client()
    enter(staff, "STAFF-1", PASSWORD)
    assert staff.get("/admin/").headers["Location"] == "/accounts/2fa/totp/activate/"
    app = set_up(staff)
    assert staff.get("/admin/").status_code == 200

    fresh = Client()
    second = enter(fresh, "STAFF-1", PASSWORD)
    assert second.headers["Location"] == "/accounts/2fa/authenticate/"
    assert fresh.get("/admin/").status_code == 302
    fresh.post("/accounts/2fa/authenticate/", {"code": app.code})
    assert fresh.get("/admin/").status_code == 200
    Authenticator.objects.all().delete()
    assert fresh.get("/admin/").status_code == 302


def test_teachers_and_students_need_no_second_factor(settings: Any) -> None:
    settings.STAFF_MFA = True
    assert signed_in(STUDENT).get("/me/").status_code == 200


def test_signing_out_here_and_everywhere() -> None:
    here, there = signed_in(STUDENT), signed_in(STUDENT)
    here.post("/accounts/logout/")
    assert (here.get("/me/").status_code, there.get("/me/").status_code) == (302, 200)

    here = signed_in(STUDENT)
    api = Api(STUDENT)
    assert here.post("/accounts/everywhere/").status_code == 302
    assert there.get("/me/").status_code == 302
    assert api.get("me/").status_code == 401


@pytest.mark.parametrize("path", ["", "password/change/", "2fa/", "2fa/totp/activate/"])
def test_the_pages_of_an_account_are_ours(path: str) -> None:
    account(STUDENT, password=PASSWORD)
    client = Client()
    enter(client, "S-014", PASSWORD)
    # A second factor may want the password once more.
    answer = client.get(f"/accounts/{path}", follow=True)
    assert answer.status_code == 200
    assert "attendance/tokens.css" in text_of(answer)


def test_the_language_is_kept() -> None:
    client = Client()
    client.post("/i18n/setlang/", {"language": "tr", "next": LOGIN})
    assert 'lang="tr"' in text_of(client.get(LOGIN))
