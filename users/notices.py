"""What the owner of an account is told, until they have seen it: wrong codes of their factor."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from users import credentials
from users.models import AccountNotice

KEPT = timedelta(days=90)
"""How long what was seen stays on the page of the account."""


def note_wrong_code(user_id: int) -> None:
    """Write one wrong code down; the owner is told on every page from then on."""
    now = timezone.now()
    with transaction.atomic():
        row, _is_new = AccountNotice.objects.get_or_create(user_id=user_id, seen_at=None)
        own = AccountNotice.objects.filter(pk=row.pk)
        own.update(wrong_codes=F("wrong_codes") + 1, last_at=now)
        AccountNotice.objects.filter(user_id=user_id, seen_at__lt=now - KEPT).delete()
    credentials.forget_users([user_id])


def notices_of(user_id: int) -> list[AccountNotice]:
    """The newest first; one query."""
    return list(AccountNotice.objects.filter(user_id=user_id))


def mark_seen(user_id: int) -> None:
    """The owner has read them."""
    unseen = AccountNotice.objects.filter(user_id=user_id, seen_at=None)
    if unseen.update(seen_at=timezone.now()):
        credentials.forget_users([user_id])
