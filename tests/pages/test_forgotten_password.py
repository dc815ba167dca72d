"""A forgotten password: a link by mail that is good once, and no answer that tells who is here."""

import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from attn_project.logs import Lines
from jobs import draining
from jobs.models import Job
from tests.pages.visitors import STAFF, enter, signed_in, text_of
from tests.support.callers import PASSWORD, Api, account
from tests.support.lessons import student
from tests.support.second_factors import enrolled
from tests.support.smtp_server import MailServer, mail_server
from users.models import SecurityEvent, User
from users.services import merge_people

pytestmark = pytest.mark.django_db(transaction=True)

ASK = "/accounts/password/reset/"
ADDRESS = "ayse@school.example"
OWN = "lantern over the river"
PERSON = student(1)


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with mail_server(settings) as found:
        yield found


def somebody(**changes: Any) -> User:
    user = account(PERSON, password=PASSWORD)
    User.objects.filter(pk=user.pk).update(**{"email": ADDRESS, **changes})
    return User.objects.get(pk=user.pk)


def ask(typed: str, **more: Any) -> Any:
    return Client(**more).post(ASK, {"email": typed}, follow=True)


def links(server: MailServer) -> list[str]:
    draining.drain()
    found = []
    for letter in server.letters:
        text = letter.get_body(("plain",))
        assert text is not None
        found += re.findall(r"https://attn\.example\.org(/\S+)", text.get_content())
    return found


def choose(link: str, client: Client | None = None) -> Any:
    client = client or Client()
    page = client.get(link, follow=True)
    if "form" not in page.context or page.context.get("token_fail"):
        return page
    fields = {"password1": OWN, "password2": OWN}
    return client.post(page.redirect_chain[-1][0], fields, follow=True)


@pytest.mark.parametrize("typed", ["s-0001", "AYSE@School.example"])
def test_a_link_by_mail_leads_to_a_new_password_once(server: MailServer, typed: str) -> None:
    user = somebody(must_change_password=True)
    desk, api = signed_in(PERSON), Api(PERSON)

    assert "a link is on its way" in text_of(ask(typed))
    assert "reset/key" not in str(Job.objects.values_list())
    (link,) = links(server)
    assert server.letters[0]["Subject"] == "Choose a new password for ATTN"
    assert "S-0001" not in str(server.letters[0]["Subject"])

    assert User.objects.get(pk=user.pk).check_password(PASSWORD)
    answer = choose(link)
    assert answer.redirect_chain[-1][0] == "/accounts/login/"
    now = User.objects.get(pk=user.pk)
    assert now.check_password(OWN)
    assert not now.must_change_password
    assert "This link is over" in text_of(choose(link))

    assert desk.get("/me/").status_code == 302
    assert api.get("me/").status_code == 401
    kinds = list(SecurityEvent.objects.filter(subject=user).values_list("kind", flat=True))
    assert {"link_made", "link_used", "password_changed"} <= set(kinds)
    assert "password_set" not in kinds[:3]


def test_the_second_factor_is_asked_for_afterwards(server: MailServer) -> None:
    somebody()
    enrolled(PERSON)
    ask("S-0001")
    choose(links(server)[0])

    browser = Client()
    assert "2fa/authenticate" in enter(browser, "S-0001", OWN)["Location"]


def test_known_and_unknown_get_the_same_answer_for_the_same_work(server: MailServer) -> None:
    somebody()
    seen = []
    unknown = ("S-0404", "S-0405", "S-0406", "nobody@school.example", "no number at all!")
    for typed in (*unknown, "S-0001", ADDRESS):
        browser = Client()
        browser.get(ASK)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = browser.post(ASK, {"email": typed}, follow=True)
        said = re.sub(r'value="[^"]*"|csrf[^>]*', "", text_of(page))
        seen.append((page.status_code, said, len(queries)))

    assert len(set(seen)) == 1
    assert Job.objects.count() == 7
    assert len(links(server)) == 2


def test_a_former_number_and_a_merged_one_lead_to_the_account_of_today(server: MailServer) -> None:
    user, boss = somebody(), account(STAFF)
    account(student(2))
    merge_people(duplicate="S-0002", into="S-0001", actor=boss, reason="the same person")
    User.objects.filter(pk=user.pk).update(school_number="S-0077")
    for typed in ("S-0002", "S-0001"):
        ask(typed)
    assert len(links(server)) == 2
    assert all("S-0077" in str(letter) for letter in server.letters)


@pytest.mark.parametrize(
    "changes",
    [{"email": ""}, {"is_active": False}, {"password": "!"}],
    ids=lambda changes: next(iter(changes)),
)
def test_who_may_have_no_link_gets_none_also_after_asking(
    server: MailServer, changes: dict[str, Any]
) -> None:
    user = somebody()
    ask("S-0001")
    (link,) = links(server)
    ask("S-0001")
    User.objects.filter(pk=user.pk).update(**changes)

    assert len(links(server)) == 1
    assert "This link is over" in text_of(choose(link))
    ask("S-0001")
    assert len(links(server)) == 1


def test_a_link_ends_after_an_hour_and_when_its_owner_signs_out_everywhere(
    server: MailServer, settings: Any
) -> None:
    user = somebody()
    ask("S-0001")
    (link,) = links(server)
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert "This link is over" in text_of(choose(link))
    settings.PASSWORD_RESET_TIMEOUT = 3600
    assert Client().get(link).status_code == 302
    User.objects.filter(pk=user.pk).update(session_version=7)
    assert "This link is over" in text_of(choose(link))


def test_asking_is_counted_and_a_mailbox_is_not_filled(server: MailServer) -> None:
    somebody()
    for typed in ("S-0001", " s-0001", ADDRESS, "s-0001", ADDRESS):
        assert "a link is on its way" in text_of(ask(typed))
    assert len(links(server)) == 3
    for typed in ("S-0001", "S-0404"):
        for _ in range(6):
            page = ask(typed)
        assert "Too many attempts" in text_of(page)


def test_the_link_has_the_address_of_the_site_whatever_the_request_says(
    server: MailServer, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    somebody()
    ask("S-0001", HTTP_HOST="evil.example")
    draining.drain()
    assert "evil.example" not in str(server.letters[0])


def test_without_mail_the_page_says_whom_to_ask_and_sends_nothing(settings: Any) -> None:
    settings.PASSWORD_HELP = "Ask at room 12."
    somebody()
    done = Client().get(f"{ASK}done/", follow=True)
    for page in (Client().get(ASK), ask("S-0001"), done, Client().get("/accounts/login/")):
        assert page.status_code == 200
        assert "Ask at room 12." in text_of(page)
        assert "by mail" not in text_of(page)
    assert not Job.objects.exists()


def test_the_log_of_the_site_has_no_link(server: MailServer) -> None:
    somebody()
    ask("S-0001")
    (link,) = links(server)
    record = logging.LogRecord("x", 20, "", 1, "Not Found: %s", (link,), None)
    assert link.rstrip("/").rpartition("-")[2] not in Lines("%(message)s").format(record)
