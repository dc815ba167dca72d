"""The security log where people see it: their own part on the account's page, all in the admin."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.pages.visitors import STAFF, STUDENT, enter, signed_in, text_of
from tests.support.callers import PASSWORD, account
from tests.support.factories import SecurityEventFactory, UserFactory
from tests.support.lessons import TEACHER
from users.models import FormerNumber, SecurityKind, User

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/users/securityevent/"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("sign-in failed, 2 ×, from 192.0.2.0/24", "password set anew, by somebody else")),
        (
            "tr",
            (
                "oturum açılamadı, 2 ×, 192.0.2.0/24 ağından",
                "parola yeniden belirlendi, başkası tarafından",
            ),
        ),
    ],
)
def test_people_see_what_happened_with_their_account(language: str, words: tuple[str, ...]) -> None:
    own, staff = account(STUDENT, password=PASSWORD), account(STAFF)
    for _ in range(2):
        enter(Client(REMOTE_ADDR="192.0.2.9"), STUDENT.school_number, "wrong")
    SecurityEventFactory.create(kind=SecurityKind.PASSWORD_SET, subject=own, actor=staff)
    SecurityEventFactory.create(kind=SecurityKind.RECORDS_READ, subject=own, actor=staff)
    SecurityEventFactory.create(kind=SecurityKind.TOKEN_MADE, subject=staff)

    page: Any = signed_in(STUDENT).get("/accounts/", headers={"Accept-Language": language})

    assert all(each in text_of(page) for each in words)
    assert [event.kind for event in page.context["recent"]] == ["password_set", "sign_in_failed"]


def test_the_page_of_an_account_shows_ten() -> None:
    own = account(STUDENT)
    for _ in range(12):
        SecurityEventFactory.create(subject=own)
    assert len(signed_in(STUDENT).get("/accounts/").context["recent"]) == 10


def shown(answer: Any) -> list[int]:
    return [row.pk for row in answer.context["cl"].result_list]


def test_staff_find_events_by_number_kind_and_day() -> None:
    person = UserFactory.create(school_number="P-1")
    FormerNumber.objects.create(number="OLD-1", user=person)
    of_them = SecurityEventFactory.create(subject=person, actor=None)
    by_them = SecurityEventFactory.create(actor=person, kind=SecurityKind.EXPORTED)
    other = SecurityEventFactory.create()
    desk = signed_in(STAFF)

    for number in ("p-1", "old-1"):
        assert shown(desk.get(LIST, {"q": number})) == [by_them.pk, of_them.pk]
    assert shown(desk.get(LIST, {"q": "no number at all"})) == []
    kind = {"kind__exact": "signed_in"}
    assert set(shown(desk.get(LIST, kind))) >= {other.pk, of_them.pk}
    assert by_them.pk not in shown(desk.get(LIST, kind))
    assert shown(desk.get(LIST, {"happened_at__lt": "2020-01-01 00:00:00+00:00"})) == []


def test_a_long_log_is_not_counted_to_its_end() -> None:
    SecurityEventFactory.create()
    desk = signed_in(STAFF)
    with CaptureQueriesContext(connection) as queries:
        desk.get(LIST)
    counts = [each["sql"] for each in queries if "COUNT(*)" in each["sql"]]
    assert counts
    assert all("LIMIT" in each for each in counts if "securityevent" in each)


def test_nobody_but_staff_reads_the_log_and_nobody_changes_it() -> None:
    event = SecurityEventFactory.create()
    for person in (STUDENT, TEACHER):
        assert signed_in(person).get(LIST).status_code == 302
    assert signed_in(STAFF).get(LIST).status_code == 200
    desk = Client()
    desk.force_login(
        User.objects.create_superuser("BOSS", "Boss", PASSWORD), "users.backends.AccountBackend"
    )
    assert desk.post(f"{LIST}{event.pk}/change/", {"kind": "exported"}).status_code == 403
    assert desk.post(f"{LIST}{event.pk}/delete/", {"post": "yes"}).status_code == 403
    assert desk.get(f"{LIST}add/").status_code == 403


def test_who_has_no_password_is_not_led_to_change_it() -> None:
    assert "/accounts/password/change/" not in text_of(signed_in(STUDENT).get("/accounts/"))
    account(TEACHER, password=PASSWORD)
    assert "/accounts/password/change/" in text_of(signed_in(TEACHER).get("/accounts/"))
