"""Rows of sessions, tokens and links that have expired go away, a bounded number at a time."""

from django.db import transaction
from django.utils import timezone
from knox.models import AuthToken

from users.models import PasswordLink, SignInSession

MOST_AT_ONCE = 1_000


def clear_expired(*, most: int = MOST_AT_ONCE) -> int:
    """Remove up to `most` sessions, as many tokens and as many links, and return how many went.

    Several processes share the work: none waits for what another one removes.
    """
    now = timezone.now()
    with transaction.atomic():
        sessions = SignInSession.objects.select_for_update(skip_locked=True)
        keys = sessions.filter(expire_date__lte=now).values_list("pk", flat=True)[:most]
        SignInSession.objects.filter(pk__in=list(keys)).delete()
        gone = len(keys)
    with transaction.atomic():
        tokens = AuthToken.objects.select_for_update(skip_locked=True)
        digests = tokens.filter(expiry__lte=now).values_list("pk", flat=True)[:most]
        AuthToken.objects.filter(pk__in=list(digests)).delete()
        gone += len(digests)
    with transaction.atomic():
        links = PasswordLink.objects.select_for_update(skip_locked=True)
        users = links.filter(expires_at__lte=now).values_list("pk", flat=True)[:most]
        PasswordLink.objects.filter(pk__in=list(users)).delete()
        return gone + len(users)
