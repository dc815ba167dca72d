"""Tells of what has happened, in the transaction of its cause: `tell` is all that others call.

Where nobody listens nothing is written, and it costs one query. Each endpoint that has chosen the
kind gets a delivery of its own, with a job that sends it once the transaction is committed. For an
endpoint that is switched off only the event is kept: it can be replayed.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.utils import timezone

from jobs.tasks import enqueue_all
from webhooks.models import Delivery, WebhookEndpoint, WebhookEvent
from webhooks.sending import deliver
from webhooks.vocabulary import WebhookKind

_ORDER = list(WebhookKind)
Value = str | int | bool | None


class Happening(NamedTuple):
    """One thing to tell of."""

    kind: WebhookKind
    cause: str
    """What it is of, within its kind: told once, however often it is said."""
    data: Mapping[str, Value]
    """Ids and numbers. Never a name: who may see it asks the API."""


def new_cause() -> str:
    """For what has no id of its own, and happens once for each call."""
    return secrets.token_hex(16)


def kinds_heard() -> frozenset[str]:
    """What any endpoint has chosen: for whoever would read many rows for nobody. One query."""
    chosen = WebhookEndpoint.objects.values_list("kinds", flat=True)
    return frozenset(kind for kinds in chosen for kind in kinds)


def tell(happenings: Sequence[Happening]) -> None:
    """Write events with their deliveries and jobs into the transaction that is under way."""
    endpoints = list(WebhookEndpoint.objects.all()) if happenings else []
    chosen = {kind for endpoint in endpoints for kind in endpoint.kinds}
    # In one order everywhere: two who tell of the same then never wait for each other in a circle.
    wanted = {
        (each.cause, _ORDER.index(each.kind)): each
        for each in happenings
        if each.kind.value in chosen
    }
    if not wanted:
        return
    events = write_events([wanted[key] for key in sorted(wanted)])
    send_first(
        [
            Delivery(event=event, endpoint=endpoint)
            for event in events
            for endpoint in endpoints
            if endpoint.is_active and event.kind in endpoint.kinds
        ]
    )


def write_events(happenings: Sequence[Happening]) -> list[WebhookEvent]:
    """The events that were not told before."""
    now = timezone.now()
    rows = [
        WebhookEvent(kind=each.kind.value, cause=each.cause, data=dict(each.data), happened_at=now)
        for each in happenings
    ]
    WebhookEvent.objects.bulk_create(rows, ignore_conflicts=True)
    ids = [row.message_id for row in rows]
    return list(WebhookEvent.objects.filter(message_id__in=ids).order_by("pk"))


def send_first(deliveries: Sequence[Delivery]) -> None:
    """Write new deliveries, each with its job."""
    if not deliveries:
        return
    made = Delivery.objects.bulk_create(deliveries)
    enqueue_deliveries(made)


def enqueue_deliveries(deliveries: Sequence[Delivery]) -> None:
    """The job of the round that each delivery is in."""
    enqueue_all(
        [
            deliver.using(once=f"{each.pk}|{each.round}", lane=each.endpoint.lane).job(
                delivery_id=each.pk, round_number=each.round
            )
            for each in deliveries
        ]
    )
