"""Removing what was told long ago."""

from datetime import datetime, timedelta

from django.db import transaction

from webhooks.models import WebhookEvent

KEPT = timedelta(days=30)
"""So long an event can be replayed, and its cause is told once."""
ROWS = 1_000
"""Removed at most in one transaction."""


def remove_old(*, now: datetime) -> int:
    """Remove events of 30 days ago with their deliveries and attempts; returns how many."""
    removed = 0
    while part := _remove_part(now - KEPT):
        removed += part
    return removed


def _remove_part(before: datetime) -> int:
    with transaction.atomic():
        rows = WebhookEvent.objects.select_for_update(skip_locked=True)
        old = rows.filter(happened_at__lt=before).order_by("pk")
        ids = list(old.values_list("pk", flat=True)[:ROWS])
        WebhookEvent.objects.filter(pk__in=ids).delete()
    return len(ids)
