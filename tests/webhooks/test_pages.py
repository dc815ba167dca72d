"""Staff add endpoints, see what became of each delivery, and send again; nobody else does."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client

from jobs import draining
from tests.support.callers import signed_in, text_of
from tests.support.lessons import TEACHER
from tests.support.members import STAFF
from tests.support.subscriber import OK, answers, says, subscriber
from users.models import SecurityEvent
from webhooks.models import Delivery, WebhookEndpoint, WebhookEvent
from webhooks.telling import Happening, tell
from webhooks.vocabulary import WebhookKind

pytestmark = pytest.mark.django_db(transaction=True)

ENDPOINTS, DELIVERIES = "/admin/webhooks/webhookendpoint/", "/admin/webhooks/delivery/"
DOCUMENT = Path(settings.BASE_DIR) / "docs" / "how-to" / "webhooks.md"


def form(url: str, **changes: Any) -> dict[str, Any]:
    return {"name": "crm", "url": url, "kinds": ["lesson.started", "lesson.ended"], **changes}


def add(staff: Client, url: str) -> tuple[WebhookEndpoint, str]:
    page = staff.post(f"{ENDPOINTS}new/", form(url))
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", text_of(page).replace("&#x2B;", "+"))
    assert secret, text_of(page)
    assert "no-store" in page.headers["Cache-Control"]
    return WebhookEndpoint.objects.get(), secret[0]


def test_an_endpoint_from_its_form_to_a_ping_that_the_document_verifies() -> None:
    staff = signed_in(STAFF)
    assert "Add an endpoint" in text_of(staff.get(ENDPOINTS))
    with subscriber() as there:
        endpoint, secret = add(staff, there.url)
        page = f"{ENDPOINTS}{endpoint.pk}/change/"
        assert secret not in text_of(staff.get(page))
        sent = staff.post(f"{ENDPOINTS}{endpoint.pk}/ping/", follow=True)
        assert "A ping is on its way" in text_of(sent)
        draining.drain()
        shown = text_of(staff.get(f"{DELIVERIES}{Delivery.objects.get().pk}/change/"))
        assert "delivered" in shown
        assert f"&quot;endpoint_id&quot;:{endpoint.pk}" in shown

    (message,) = there.messages
    code = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert code
    names: dict[str, Any] = {}
    exec(code[1], names)
    assert names["verify"](message.headers, message.body, secret)
    assert not names["verify"](message.headers, message.body + b" ", secret)
    old = message.headers | {"webhook-timestamp": "1"}
    assert not names["verify"](old, message.body, secret)


def test_a_bad_address_is_refused_in_the_form_in_the_reader_s_language() -> None:
    staff = signed_in(STAFF)
    page = staff.post(f"{ENDPOINTS}new/", form("https://10.0.0.1/"))
    assert "leads into a private network" in text_of(page)
    staff.post("/i18n/setlang/", {"language": "tr"})
    page = staff.post(f"{ENDPOINTS}new/", form("https://me:secret@example.org/"))
    assert "imzasından tanınır" in text_of(page)
    assert not WebhookEndpoint.objects.exists()


def test_off_on_a_new_secret_another_name_and_what_was_missed() -> None:
    staff = signed_in(STAFF)
    with subscriber(says(500)) as there:
        endpoint, former = add(staff, there.url)
        at = f"{ENDPOINTS}{endpoint.pk}/"
        staff.post(f"{at}edit/", form(there.url, name="other"))
        assert "whsec_" in text_of(staff.post(f"{at}secret/"))
        assert former not in text_of(staff.get(f"{at}secret/"))
        staff.post(f"{at}off/", {"reason": "it moves"})
        assert "it moves" in text_of(staff.get(ENDPOINTS))
        tell([Happening(WebhookKind.LESSON_STARTED, "a", {})])
        assert "is switched off" in text_of(staff.post(f"{at}ping/", follow=True))
        staff.post(f"{at}on/")
        span = {"since": "2020-01-01 00:00", "until": "2099-01-01 00:00"}
        sent = text_of(staff.post(f"{at}replay/", span, follow=True))
        assert "1 delivery is on its way." in sent
        backwards = {"since": span["until"], "until": span["since"]}
        assert "not after the beginning" in text_of(staff.post(f"{at}replay/", backwards))
        draining.drain()
        delivery = Delivery.objects.get()
        assert "it has not taken it" in text_of(staff.get(f"{DELIVERIES}{delivery.pk}/change/"))

        there.behave = answers(OK)
        action = {"action": "send_again", "_selected_action": [delivery.pk]}
        assert "1 delivery is on its way." in text_of(
            staff.post(f"{DELIVERIES}?state__exact=waiting", action, follow=True)
        )
        draining.drain()
        assert Delivery.objects.get().state == "delivered"
        message_id = WebhookEvent.objects.get().message_id
        call_command("replay_webhooks", "other", "--id", message_id)
        call_command("replay_webhooks", "other", "--since", "2020-01-01T00:00")
        draining.drain()
        assert len(there.messages) == 3
        with pytest.raises(CommandError, match="no instant"):
            call_command("replay_webhooks", "other", "--since", "yesterday")
        with pytest.raises(CommandError, match="Nothing to send"):
            call_command("replay_webhooks", "other", "--id", "msg_0")
    said = SecurityEvent.objects.filter(kind="webhook_changed")
    assert {event.details["what"] for event in said} == {
        *("added", "changed", "rotated", "switched off", "switched on", "sent again"),
    }


def test_nobody_but_staff_sees_or_changes_any() -> None:
    staff = signed_in(STAFF)
    with subscriber() as there:
        endpoint, _ = add(staff, there.url)
    teacher = signed_in(TEACHER)
    for address in (ENDPOINTS, DELIVERIES, f"{ENDPOINTS}{endpoint.pk}/change/"):
        assert teacher.get(address).status_code in {302, 403}
    for verb in ("off", "on", "ping", "replay", "secret", "edit"):
        answer = teacher.post(f"{ENDPOINTS}{endpoint.pk}/{verb}/", {"reason": "x"})
        assert answer.status_code in {302, 403}
        if verb in {"on", "ping"}:
            assert staff.get(f"{ENDPOINTS}{endpoint.pk}/{verb}/").status_code == 405
    assert teacher.post(f"{ENDPOINTS}new/", form(there.url)).status_code in {302, 403}
    before = (endpoint.is_active, endpoint.sealed_secret)
    endpoint.refresh_from_db()
    assert (endpoint.is_active, endpoint.sealed_secret) == before
    assert not Delivery.objects.exists()


def test_an_endpoint_is_removed_after_it_was_asked() -> None:
    staff = signed_in(STAFF)
    with subscriber() as there:
        endpoint, _ = add(staff, there.url)
    address = f"{ENDPOINTS}{endpoint.pk}/remove/"
    assert "Remove" in text_of(staff.get(f"{ENDPOINTS}{endpoint.pk}/change/"))
    assert "crm" in text_of(staff.get(address))
    assert 'value="Remove"' in staff.get(address).content.decode()
    assert WebhookEndpoint.objects.exists()
    assert signed_in(TEACHER).post(address).status_code == 302
    assert WebhookEndpoint.objects.exists()

    assert "The endpoint crm is removed." in text_of(staff.post(address, follow=True))
    assert not WebhookEndpoint.objects.exists()
    assert staff.post(address).status_code == 404
