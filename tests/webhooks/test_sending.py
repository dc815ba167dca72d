"""A webhook reaches a subscriber on a socket, once for each cause, however it behaves."""

import json
import os
import socket
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from jobs import draining
from jobs.draining import JobOutcome, Which
from jobs.keeping import count_jobs
from jobs.models import Job
from tests.support import subscriber as subscribers
from tests.support.job_kinds import send_letter
from tests.support.processes import python
from tests.support.smtp_server import Manner, mail_server
from tests.support.subscriber import Handler, Subscriber, subscriber
from webhooks import endpoints, keeping, posting
from webhooks.endpoints import EndpointPlan
from webhooks.models import Delivery, WebhookEndpoint, WebhookEvent
from webhooks.sending import RETRIES
from webhooks.signing import is_signed, key_of
from webhooks.telling import Happening, tell
from webhooks.vocabulary import CHOSEN, DeliveryState, WebhookKind

SOAK_SECONDS = float(os.environ.get("ATTN_SOAK_SECONDS") or 0)
"""For so long causes go on to come, thirty at a time; once at least."""

pytestmark = pytest.mark.django_db(transaction=True)

KINDS = [kind.value for kind in CHOSEN]


def endpoint_at(url: str, name: str = "crm") -> tuple[WebhookEndpoint, str]:
    return endpoints.add_endpoint(EndpointPlan(name, url, KINDS))


def tell_of(cause: str, kind: WebhookKind = WebhookKind.LESSON_STARTED) -> None:
    with transaction.atomic():
        tell([Happening(kind, cause, {"lesson_id": cause})])


def make_due() -> None:
    now = timezone.now() - timedelta(seconds=1)
    Job.objects.update(run_after=now)
    Job.objects.exclude(leased_until=None).update(leased_until=now)


def test_an_event_arrives_once_signed_and_thin() -> None:
    with subscriber() as there:
        _, secret = endpoint_at(there.url)
        tell_of("a")
        tell_of("a")
        assert draining.drain()[JobOutcome.DONE] == 1

    (message,) = there.messages
    event = WebhookEvent.objects.get()
    assert message.path == "/hook?to=us"
    assert message.headers["host"] == f"127.0.0.1:{there.port}"
    assert message.headers["webhook-id"] == event.message_id
    assert is_signed(message.signature, message.body, key=key_of(secret))
    assert not is_signed(message.signature, message.body + b" ", key=key_of(secret))
    body = json.loads(message.body)
    assert body["type"] == "lesson.started"
    assert body["data"] == {"lesson_id": "a"}
    assert body["timestamp"].endswith("Z")
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.last_status, delivery.tries) == ("delivered", 200, 1)


def test_what_was_rolled_back_or_not_chosen_is_not_told() -> None:
    with subscriber() as there:
        endpoints.add_endpoint(EndpointPlan("crm", there.url, ["lesson.started"]))
        tell_of("b", WebhookKind.LESSON_ENDED)
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            tell([Happening(WebhookKind.LESSON_STARTED, "a", {})])
            raise ZeroDivisionError
        assert draining.drain()[JobOutcome.DONE] == 0
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize(
    ("behave", "status", "said"),
    [
        (subscribers.says(500), 500, "it has not taken it"),
        (subscribers.says(301, "Location: http://127.0.0.1/"), 301, "it leads elsewhere"),
        (subscribers.answers(b"SSH-2.0-hello\r\n"), None, "it does not answer as HTTP says"),
        (subscribers.answers(b"x" * 100_000), None, "it does not answer as HTTP says"),
        (subscribers.answers(b""), None, "it closed the connection"),
        (subscribers.hangs, None, "it took too long"),
        (subscribers.drips, None, "it took too long"),
    ],
)
def test_only_2xx_takes_it(
    behave: Handler, status: int | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "SECONDS", 1.0)
    with subscriber(behave) as there:
        endpoint_at(there.url)
        tell_of("a")
        began = time.monotonic()
        assert draining.run_one() is JobOutcome.LATER
        assert time.monotonic() - began < 3
        assert len(there.messages) == 1
        attempt = Delivery.objects.get().attempts.get()
        assert attempt.status == status
        assert attempt.error.startswith(said)

        there.behave = subscribers.answers(
            b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + subscribers.OK
        )
        make_due()
        assert draining.run_one() is JobOutcome.DONE
    first, second = there.messages
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert Delivery.objects.get().attempts.count() == 2


def test_ten_megabytes_are_not_read() -> None:
    with subscriber(subscribers.floods) as there:
        endpoint_at(there.url)
        tell_of("a")
        began = time.monotonic()
        assert draining.run_one() is JobOutcome.DONE
        assert time.monotonic() - began < 5


def test_it_is_tried_ten_times_by_the_schedule_and_then_given_up() -> None:
    with subscriber(subscribers.says(503)) as there:
        endpoint_at(there.url)
        tell_of("a")
        for wait in RETRIES:
            before = timezone.now()
            assert draining.run_one() is JobOutcome.LATER
            waits = Job.objects.get().run_after - before
            assert wait <= waits < wait + timedelta(seconds=30)
            assert Delivery.objects.get().state == DeliveryState.WAITING
            Job.objects.update(enqueued_at=before - timedelta(hours=1))
            assert count_jobs(at=timezone.now()).oldest_at is None
            make_due()
        assert draining.run_one() is JobOutcome.GIVEN_UP
    assert len(there.messages) == 10
    assert Delivery.objects.get().state == DeliveryState.FAILED


def test_410_switches_the_endpoint_off_and_what_waits_is_dropped() -> None:
    with subscriber(subscribers.says(410)) as there:
        endpoint, _ = endpoint_at(there.url)
        tell_of("a")
        tell_of("b")
        counts = draining.drain()
        assert (counts[JobOutcome.GIVEN_UP], counts[JobOutcome.DONE]) == (1, 1)
        endpoint.refresh_from_db()
        assert not endpoint.is_active
        assert "410" in endpoint.disabled_reason
        assert [each.state for each in Delivery.objects.order_by("pk")] == ["failed", "dropped"]
        tell_of("c")
        assert draining.run_one() is None
        assert len(there.messages) == 1

        there.behave = subscribers.answers(subscribers.OK)
        endpoints.switch_on(endpoint)
        endpoint.refresh_from_db()
        now = timezone.now()
        assert endpoints.replay(endpoint, since=now - timedelta(hours=1), until=now) == 3
        assert draining.drain()[JobOutcome.DONE] == 3
    ids = list(WebhookEvent.objects.values_list("message_id", flat=True))
    assert sorted(m.headers["webhook-id"] for m in there.messages[1:]) == sorted(ids)


def test_both_secrets_sign_for_a_day(settings: Any) -> None:
    with subscriber() as there:
        endpoint, former = endpoint_at(there.url)
        secret = endpoints.rotate_secret(endpoint)
        tell_of("a")
        draining.drain()
        WebhookEndpoint.objects.update(previous_until=timezone.now())
        tell_of("b")
        # Another key of the site reads what the former one has sealed, and seals it anew.
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another key of the site, long enough to be one: 0123456789"
        draining.drain()
        settings.SECRET_KEY_FALLBACKS = []
        tell_of("c")
        draining.drain()
    both, one, last = there.messages
    assert is_signed(both.signature, both.body, key=key_of(former))
    assert is_signed(both.signature, both.body, key=key_of(secret))
    assert not is_signed(one.signature, one.body, key=key_of(former))
    assert is_signed(last.signature, last.body, key=key_of(secret))
    stored = WebhookEndpoint.objects.get().sealed_secret
    assert secret.removeprefix("whsec_") not in stored


def test_sent_again_by_hand_keeps_its_id_and_makes_the_job_before_idle() -> None:
    with subscriber(subscribers.says(500)) as there:
        endpoint_at(there.url)
        tell_of("a")
        draining.run_one()
        there.behave = subscribers.answers(subscribers.OK)
        assert endpoints.send_again(Delivery.objects.all()) == 1
        make_due()
        assert draining.drain()[JobOutcome.DONE] == 2
    assert len(there.messages) == 2
    assert len({m.headers["webhook-id"] for m in there.messages}) == 1


def test_a_slow_endpoint_holds_up_no_other_and_no_mail() -> None:
    begun = threading.Event()

    def slow(self: Subscriber, made: socket.socket) -> None:
        begun.set()
        self.closing.wait(20)

    with subscriber(slow) as there, subscriber() as other:
        endpoint_at(there.url, "slow")
        tell_of("a")
        tell_of("b")

        def drain_one() -> None:
            draining.run_one()
            connection.close()

        thread = threading.Thread(target=drain_one)
        thread.start()
        assert begun.wait(10)
        assert draining.run_one(which=Which.OF_LANES) is None
        endpoint_at(other.url, "quick")
        tell_of("c")
        assert draining.run_one(which=Which.WITHOUT_LANE) is None
        assert draining.run_one(which=Which.OF_LANES) is JobOutcome.DONE
        assert len(other.messages) == 1
        there.close()
        thread.join()


def test_a_kill_between_call_and_commit_sends_once_more_and_one_after_it_does_not() -> None:
    with subscriber() as there:
        endpoint_at(there.url)
        tell_of("a")
        for patch, calls in (("_write_down", 1), ("Later", 2)):
            code = (
                "import os, ipaddress\nfrom django.conf import settings\n"
                "from jobs import draining\nfrom webhooks import sending\n"
                "settings.WEBHOOK_NETWORKS = [ipaddress.ip_network('127.0.0.0/8')]\n"
                f"if {patch!r} == 'Later': draining._write = lambda sql, *a:"
                " os._exit(9) if 'settled_at = now()' in sql else True\n"
                "else: sending._write_down = lambda *_: os._exit(9)\n"
                "draining.drain()"
            )
            with python(code) as killed:
                assert killed.wait(60) == 9
            assert len(there.messages) == calls
            make_due()
        assert draining.drain()[JobOutcome.DONE] == 1
    assert len(there.messages) == 2


def test_each_cause_is_told_and_mailed_once_by_many_drainers_while_both_receivers_fail(
    tmp_path: Path, settings: Any
) -> None:
    secret, names = "whsec_" + "QUJD" * 10, ("port", "taken")
    port, taken = (tmp_path / name for name in names)
    code = "from tests.support import subscriber\nsubscriber.main(*sys.argv[1:])"
    with mail_server(settings) as mails, python(code, str(port), str(taken), secret) as there:
        mails.manner = Manner.GREYLISTS
        try:
            while not port.exists() or not port.read_text():
                time.sleep(0.05)
            endpoint, _ = endpoint_at(f"http://127.0.0.1:{port.read_text()}/")
            endpoint.give_secret(secret)
            endpoint.save()
            until, causes = time.monotonic() + SOAK_SECONDS, 0
            while not causes or time.monotonic() < until:
                for number in range(causes, causes + 30):
                    tell_of(str(number))
                    send_letter.enqueue(to=f"s{number}@school.example")
                causes += 30
                _drain_by_many()
        finally:
            there.kill()
    ids = [line.split()[0] for line in taken.read_text().splitlines()]
    assert sorted(ids) == sorted(WebhookEvent.objects.values_list("message_id", flat=True))
    assert len(ids) == causes
    assert len({str(letter["To"]) for letter in mails.letters}) == len(mails.letters) == causes
    print(f"{causes} causes, each told and mailed once")  # noqa: T201 - what a soak says


def _drain_by_many() -> None:
    def work() -> None:
        draining.drain()
        connection.close()

    while Job.objects.waiting().exists():
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        make_due()


def test_old_events_are_removed_with_what_came_of_them() -> None:
    with subscriber() as there:
        endpoint_at(there.url)
        tell_of("a")
        tell_of("b")
        draining.drain()
    now = timezone.now()
    first = WebhookEvent.objects.order_by("pk").first()
    assert first is not None
    WebhookEvent.objects.filter(pk=first.pk).update(happened_at=now - timedelta(days=31))
    assert keeping.remove_old(now=now) == 1
    assert Delivery.objects.get().attempts.count() == 1


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [
        ("Retry-After: 120", 119, 120),
        ("retry-after:7200", 7199, 7200),
        ("Retry-After: 999999999999999", 86_399, 86_400),
        ("Retry-After: Fri, 31 Dec 2100 23:59:59 GMT", 86_399, 86_400),
        ("Retry-After: Fri, 31 Dec 1999 23:59:59 GMT", 4, 5),
        ("Retry-After: 1", 4, 5),
        ("Retry-After: -7", 4, 5),
        ("Retry-After: soon", 4, 5),
        ("Retry-After: Fri, 31 Dec 2100 23:59:59", 4, 5),
        ("X-Retry-After: 120", 4, 5),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_whoever_is_busy_says_when_to_come_again(
    status: int, said: str, least: int, most: int
) -> None:
    with subscriber(subscribers.says(status, "Date: now", said)) as there:
        endpoint_at(there.url)
        tell_of("a")
        assert draining.run_one() is JobOutcome.LATER
    assert least <= seconds_to_wait() <= most


def seconds_to_wait() -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM run_after - now()) FROM jobs_job")
        return float(cursor.fetchone()[0])


def test_other_answers_do_not_change_the_schedule() -> None:
    with subscriber(subscribers.says(500, "Retry-After: 7200")) as there:
        endpoint_at(there.url)
        tell_of("a")
        draining.run_one()
    assert seconds_to_wait() <= 5


def test_nothing_waits_for_an_endpoint_that_was_removed() -> None:
    with subscriber(subscribers.says(503)) as there:
        endpoint, _ = endpoint_at(there.url)
        kept, _ = endpoint_at(there.url, "other")
        tell_of("a")
        draining.drain()
        endpoints.remove_endpoint(endpoint)
        make_due()
        there.behave = subscribers.answers(subscribers.OK)
        assert draining.drain()[JobOutcome.DONE] == 2
    assert len(there.messages) == 3
    assert [each.endpoint_id for each in Delivery.objects.all()] == [kept.pk]
    assert WebhookEvent.objects.count() == 1


def test_an_endpoint_that_is_removed_during_a_call_leaves_nothing() -> None:
    def behave(self: Subscriber, made: socket.socket) -> None:
        endpoints.remove_endpoint(WebhookEndpoint.objects.get())
        connection.close()
        made.sendall(subscribers.OK)

    with subscriber(behave) as there:
        endpoint_at(there.url)
        tell_of("a")
        assert draining.drain()[JobOutcome.DONE] == 1
    assert not Delivery.objects.exists()
