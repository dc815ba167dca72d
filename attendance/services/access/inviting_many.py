"""Inviting a class: slips to print, or a mail to each who has an address."""

from collections.abc import Sequence

from django.db import transaction

from attendance.services.access.account_mail import send_invitation
from users.models import LinkKind
from users.services import inviting
from users.services.inviting import NewLink


def make_slips(user_ids: Sequence[int]) -> list[NewLink]:
    """A new link for each who may have one, by name; it is shown now and never again."""
    return inviting.make_links(user_ids, kind=LinkKind.SLIP)


def mail_invitations(user_ids: Sequence[int], *, language: str, request_id: str) -> int:
    """Have each who may be invited and has an address be sent a mail; returns how many.

    The same request sends none twice.
    """
    rows = inviting.without_password().filter(pk__in=user_ids).exclude(email="")
    found = list(rows.order_by("pk").values_list("pk", flat=True))
    with transaction.atomic():
        for user_id in found:
            once = f"{request_id}|{user_id}"
            send_invitation.using(once=once).enqueue(user_id=user_id, language=language)
    return len(found)
