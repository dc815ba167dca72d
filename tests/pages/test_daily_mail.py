"""The choice on the page of the account, and the link in the mail, also from a mail program."""

from datetime import time
from typing import Any

import pytest
from django.core import signing
from django.test import Client

from reports.digest.choice import stop_token
from reports.models import DigestOptOut
from tests.support.callers import account, signed_in, text_of
from tests.support.lessons import TEACHER, student
from tests.support.sections import section_of_today
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def mail(settings: Any) -> None:
    settings.EMAIL_IS_SET_UP, settings.DIGEST_AT = True, time(7)


@pytest.fixture
def teacher() -> User:
    section_of_today((1,))
    user = account(TEACHER)
    User.objects.filter(pk=user.pk).update(email="t-1@school.example")
    return user


def test_a_teacher_ends_it_on_their_account_and_has_it_again(teacher: User, settings: Any) -> None:
    desk = signed_in(TEACHER)
    assert 'name="wanted" value="no"' in text_of(desk.get("/accounts/"))
    for wanted, offered in (("no", "yes"), ("no", "yes"), ("yes", "no")):
        asked = desk.post("/reports/digest/", {"wanted": wanted}, follow=True)
        assert asked.redirect_chain == [("/accounts/", 302)]
        assert f'name="wanted" value="{offered}"' in text_of(asked)
        assert DigestOptOut.objects.filter(user=teacher).exists() is (wanted == "no")
    settings.EMAIL_IS_SET_UP = False
    assert 'name="wanted"' not in text_of(desk.get("/accounts/"))
    settings.EMAIL_IS_SET_UP = True
    User.objects.filter(pk=account(student(1)).pk).update(email="s@school.example")
    assert 'name="wanted"' not in text_of(signed_in(student(1)).get("/accounts/"))


def test_a_post_to_the_link_ends_it_and_a_get_changes_nothing(teacher: User) -> None:
    path = f"/reports/digest/{stop_token(teacher.pk)}/"
    # As a mail program is: without a cookie, and with checks of forms as they are served.
    program = Client(enforce_csrf_checks=True)
    for method in ("get", "head"):
        assert getattr(program, method)(path).status_code == 200
    assert not DigestOptOut.objects.exists()
    page = program.get(path)
    assert '<form method="post">' in text_of(page)
    assert TEACHER.full_name not in text_of(page)
    for _ in range(2):
        done = program.post(path, {"List-Unsubscribe": "One-Click"})
        assert done.status_code == 200
        assert list(DigestOptOut.objects.values_list("user", flat=True)) == [teacher.pk]
    assert '<form method="post">' not in text_of(done)
    # Also for whoever has to change a password first.
    User.objects.filter(pk=teacher.pk).update(must_change_password=True)
    assert signed_in(TEACHER).get(path).status_code == 200


def test_a_link_that_is_not_ours_ends_nothing(teacher: User) -> None:
    token = stop_token(teacher.pk)
    gone = stop_token(teacher.pk + 1_000_000)
    for wrong in (token[:-1], f"{token}A", signing.dumps(teacher.pk), gone, "1"):
        for answer in (
            Client().get(f"/reports/digest/{wrong}/"),
            Client().post(f"/reports/digest/{wrong}/"),
        ):
            assert answer.status_code == 404
    assert not DigestOptOut.objects.exists()
