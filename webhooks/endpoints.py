"""What staff do with endpoints: add, change, switch, rotate, remove, ping, send again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from users import security_log
from users.errors import gettext_noop as _
from users.models import SecurityKind
from users.security_log import Details
from webhooks import addresses, signing, telling
from webhooks.errors import EndpointUnreachable, WebhookError
from webhooks.models import Delivery, WebhookEndpoint, WebhookEvent
from webhooks.telling import Happening
from webhooks.vocabulary import DeliveryState, WebhookKind

FORMER_SIGNS_FOR = timedelta(hours=24)
MOST_AT_ONCE = 10_000
SECONDS_TO_LOOK_UP = 3.0


class EndpointPlan(NamedTuple):
    name: str
    url: str
    kinds: Sequence[str]


def check_address(url: str) -> None:
    """As each attempt will; a name that is not known yet may become known.

    Raises AddressMalformed and AddressNotAllowed.
    """
    target = addresses.parse(url)
    try:
        addresses.find_addresses(target, seconds=SECONDS_TO_LOOK_UP)
    except EndpointUnreachable:
        return


def add_endpoint(plan: EndpointPlan) -> tuple[WebhookEndpoint, str]:
    """The endpoint, and its secret, which is shown once. Raises as `check_address`."""
    check_address(plan.url)
    secret = signing.new_secret()
    endpoint = WebhookEndpoint(name=plan.name, url=plan.url, kinds=sorted(plan.kinds))
    endpoint.give_secret(secret)
    with transaction.atomic():
        endpoint.save()
        _note("added")
    return endpoint, secret


def change_endpoint(endpoint: WebhookEndpoint, plan: EndpointPlan) -> None:
    """Raises as `check_address`."""
    check_address(plan.url)
    endpoint.name, endpoint.url, endpoint.kinds = plan.name, plan.url, sorted(plan.kinds)
    with transaction.atomic():
        endpoint.save(update_fields=["name", "url", "kinds"])
        _note("changed")


def rotate_secret(endpoint: WebhookEndpoint) -> str:
    """A new secret, shown once; the one before signs beside it for a day."""
    secret = signing.new_secret()
    with transaction.atomic():
        held = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
        held.rotate_to(secret, former_until=timezone.now() + FORMER_SIGNS_FOR)
        held.save(update_fields=["sealed_secret", "sealed_previous", "previous_until"])
        _note("rotated")
    return secret


def switch_off(endpoint: WebhookEndpoint, *, reason: str) -> None:
    """What waits for it is not sent; what happens meanwhile is kept, and can be replayed."""
    with transaction.atomic():
        WebhookEndpoint.objects.filter(pk=endpoint.pk, is_active=True).update(
            is_active=False, disabled_at=timezone.now(), disabled_reason=reason
        )
        _note("switched off")


def switch_on(endpoint: WebhookEndpoint) -> None:
    with transaction.atomic():
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
            is_active=True, disabled_at=None, disabled_reason=""
        )
        _note("switched on")


def remove_endpoint(endpoint: WebhookEndpoint) -> None:
    """With its deliveries: nothing is sent to it any more, and nothing of it can be replayed.

    The events stay for the others. A job that is under way finds no delivery, and ends.
    """
    with transaction.atomic():
        WebhookEndpoint.objects.filter(pk=endpoint.pk).delete()
        _note("removed")


def send_ping(endpoint: WebhookEndpoint) -> WebhookEvent:
    """To this one alone. Raises WebhookError where it is switched off."""
    with transaction.atomic():
        _hold_active(endpoint)
        happening = Happening(WebhookKind.PING, telling.new_cause(), {"endpoint_id": endpoint.pk})
        (event,) = telling.write_events([happening])
        telling.send_first([Delivery(event=event, endpoint=endpoint)])
    return event


def send_again(deliveries: QuerySet[Delivery]) -> int:
    """Send deliveries once more, whatever has become of them; returns how many."""
    with transaction.atomic():
        rows = deliveries.filter(endpoint__is_active=True).select_for_update(of=("self",))
        ids = list(rows.order_by("pk").values_list("pk", flat=True)[:MOST_AT_ONCE])
        count = _again(ids)
        _note("sent again")
    return count


def replay(endpoint: WebhookEndpoint, *, since: datetime, until: datetime) -> int:
    """Send all events of a span that it has chosen, also those it never got. Returns how many.

    Raises WebhookError where it is switched off, or for more than MOST_AT_ONCE events.
    """
    events = WebhookEvent.objects.filter(
        kind__in=endpoint.kinds, happened_at__gte=since, happened_at__lt=until
    )
    ids = list(events.order_by("pk").values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
    if len(ids) > MOST_AT_ONCE:
        raise WebhookError(
            _("These are more than %(most)d events. Choose a shorter span."), most=MOST_AT_ONCE
        )
    with transaction.atomic():
        # Of two at once, the second finds the deliveries of the first.
        _hold_active(endpoint)
        held = Delivery.objects.filter(endpoint=endpoint, event__in=ids).select_for_update()
        known = dict(held.order_by("pk").values_list("event_id", "pk"))
        count = _again(list(known.values()))
        new = [Delivery(event_id=pk, endpoint=endpoint) for pk in ids if pk not in known]
        telling.send_first(new)
        _note("sent again")
    return count + len(new)


def _hold_active(endpoint: WebhookEndpoint) -> None:
    rows = WebhookEndpoint.objects.select_for_update(no_key=True)
    if not rows.get(pk=endpoint.pk).is_active:
        raise WebhookError(_("This endpoint is switched off. Switch it on first."))


def _again(delivery_ids: Sequence[int]) -> int:
    """Within a transaction that holds them: another round, whose job makes a former one idle."""
    rows = Delivery.objects.filter(pk__in=delivery_ids)
    rows.update(state=DeliveryState.WAITING, round=F("round") + 1, tries=0)
    telling.enqueue_deliveries(list(rows.select_related("endpoint").order_by("pk")))
    return len(delivery_ids)


def _note(what: str) -> None:
    security_log.write(SecurityKind.WEBHOOK_CHANGED, details=Details(what=what))
