"""manage.py replay_webhooks: send events to an endpoint again, by id or by a span of time."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from users.errors import AttnError
from users.management.examples import WithExamples
from users.wording import in_words
from webhooks import endpoints
from webhooks.models import Delivery, WebhookEndpoint


class Command(WithExamples, BaseCommand):
    help = (
        "Send events to an endpoint again: those of a span, also what it never got, or deliveries "
        "by their webhook-id. They keep that id. Exit status: 0 on their way, 1 nothing found, or "
        "the endpoint is off."
    )
    examples = (
        "./attn manage replay_webhooks crm --since 2026-11-28T08:00 --until 2026-11-28T12:00",
        "./attn manage replay_webhooks crm --id msg_0f9c1e7a5b3d8264f0a9c8e7d6b5a493",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("endpoint", help="its name")
        parser.add_argument("--id", nargs="+", default=[], help="webhook-ids of deliveries")
        parser.add_argument("--since", help="events from this instant on, in the site's time zone")
        parser.add_argument("--until", help="events before this instant; now, where it is missing")

    def handle(self, *args: Any, **options: Any) -> None:
        endpoint = WebhookEndpoint.objects.filter(name=options["endpoint"]).first()
        if endpoint is None:
            raise CommandError("There is no endpoint of this name.")
        if bool(options["id"]) == bool(options["since"]):
            raise CommandError("Name either --id or --since.")
        try:
            count = _replay(endpoint, options)
        except AttnError as error:
            raise CommandError(in_words(error)) from None
        if not count:
            raise CommandError("Nothing to send was found, or the endpoint is off.")
        self.stdout.write(f"{count} on their way.")


def _replay(endpoint: WebhookEndpoint, options: dict[str, Any]) -> int:
    if options["id"]:
        rows = Delivery.objects.filter(endpoint=endpoint, event__message_id__in=options["id"])
        return endpoints.send_again(rows)
    until = _instant(options["until"]) if options["until"] else timezone.now()
    return endpoints.replay(endpoint, since=_instant(options["since"]), until=until)


def _instant(text: str) -> datetime:
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise CommandError(f"{text} is no instant: use one as in 2026-11-28T08:00.")
    return found if timezone.is_aware(found) else timezone.make_aware(found)
