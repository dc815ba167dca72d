"""The job that sends one delivery: at once, and then by the schedule of Standard Webhooks.

What came of a call is committed before the job is settled, so a kill in between sends nothing
again. A kill between the call and that commit does, and so does an answer that is lost on its way:
the endpoint then gets the same `webhook-id` twice. Nowhere else.
"""

import json
import logging
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from time import monotonic
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone

from jobs.errors import Later, NeverSucceeds
from jobs.tasks import task
from users.errors import gettext_noop as _
from webhooks import posting, signing
from webhooks.errors import WebhookError
from webhooks.models import Delivery, DeliveryAttempt, WebhookEndpoint, WebhookEvent
from webhooks.sealing import is_of_present_key, seal, unseal
from webhooks.vocabulary import DeliveryState

logger = logging.getLogger(__name__)

RETRIES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=n) for n in (2, 5, 10, 14, 20, 24)),
)
LEASE = timedelta(minutes=1)
"""A call takes a quarter of it at most. After a kill its endpoint waits so long."""
_SUCCESS = range(200, 300)
_REDIRECT = range(300, 400)
GONE_REASON = _("It has answered 410: it wants no more.")


class CallOutcome(NamedTuple):
    """What came of one call."""

    status: int | None
    milliseconds: int
    error: str
    wait: timedelta = timedelta()
    """What the endpoint wants before the next call."""

    @property
    def is_taken(self) -> bool:
        return not self.error


@task(retries=RETRIES, lease=LEASE)
def deliver(*, delivery_id: int, round_number: int) -> None:
    """Send a delivery unless it is done, was sent again since, or its endpoint is switched off."""
    rows = Delivery.objects.select_related("event", "endpoint")
    delivery = rows.filter(pk=delivery_id, round=round_number).first()
    if delivery is None or delivery.state == DeliveryState.DELIVERED:
        return
    if not delivery.endpoint.is_active:
        Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.DROPPED)
        return
    outcome = _call(delivery)
    _write_down(delivery, outcome)
    if outcome.status == HTTPStatus.GONE:
        raise NeverSucceeds(outcome.error)
    if not outcome.is_taken:
        raise Later(outcome.error, at_least=outcome.wait)


def body_of(event: WebhookEvent) -> bytes:
    """The same bytes each time: the signature is over them."""
    told = {
        "type": event.kind,
        "timestamp": _iso(event.happened_at),
        "data": event.data,
    }
    return json.dumps(told, separators=(",", ":"), sort_keys=True).encode()


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _call(delivery: Delivery) -> CallOutcome:
    began = monotonic()
    body = body_of(delivery.event)
    try:
        keys = _keys_of(delivery.endpoint)
        signed = signing.sign(delivery.event.message_id, body, keys=keys)
        answer = posting.post(delivery.endpoint.url, body, headers=signed.headers)
    except WebhookError as error:
        return CallOutcome(None, int((monotonic() - began) * 1000), error.message)
    problem = _problem_of(answer.status)
    return CallOutcome(answer.status, answer.milliseconds, problem, answer.wait)


def _keys_of(endpoint: WebhookEndpoint) -> list[bytes]:
    """Sealed anew after the key of the site was changed, before its former one is forgotten."""
    keys = endpoint.keys(at=timezone.now())
    if not is_of_present_key(endpoint.sealed_secret):
        again = seal(unseal(endpoint.sealed_secret))
        same = WebhookEndpoint.objects.filter(pk=endpoint.pk, sealed_secret=endpoint.sealed_secret)
        same.update(sealed_secret=again)
    return keys


def _problem_of(status: int) -> str:
    if status in _SUCCESS:
        return ""
    if status == HTTPStatus.GONE:
        return _("it wants no more (410)")
    if status in _REDIRECT:
        return _("it leads elsewhere, and that is not followed")
    return _("it has not taken it")


def _write_down(delivery: Delivery, outcome: CallOutcome) -> None:
    now = timezone.now()
    tries = delivery.tries + 1
    changes: dict[str, Any] = {
        "tries": tries,
        "last_at": now,
        "last_status": outcome.status,
        "state": _state_after(outcome, tries),
    }
    with transaction.atomic():
        if outcome.status == HTTPStatus.GONE:
            _switch_off(delivery.endpoint, now)
        if not Delivery.objects.filter(pk=delivery.pk).update(**changes):
            # Its endpoint was removed during the call.
            return
        DeliveryAttempt.objects.create(
            delivery=delivery,
            at=now,
            status=outcome.status,
            milliseconds=outcome.milliseconds,
            error=outcome.error,
        )


def _state_after(outcome: CallOutcome, tries: int) -> DeliveryState:
    if outcome.is_taken:
        return DeliveryState.DELIVERED
    is_last = outcome.status == HTTPStatus.GONE or tries > len(RETRIES)
    return DeliveryState.FAILED if is_last else DeliveryState.WAITING


def _switch_off(endpoint: WebhookEndpoint, now: datetime) -> None:
    logger.warning("The webhook endpoint %d has answered 410 and is switched off", endpoint.pk)
    WebhookEndpoint.objects.filter(pk=endpoint.pk, is_active=True).update(
        is_active=False, disabled_at=now, disabled_reason=GONE_REASON
    )
