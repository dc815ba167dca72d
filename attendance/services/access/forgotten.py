"""A password that somebody has forgotten: a link by mail, and no answer that tells who is here."""

from collections.abc import Sequence

from django.db import transaction

from attendance.errors import SignInUnavailable, TooManyAttempts
from attendance.live import throttle
from attendance.live.throttle import Limit
from attendance.services.access import limit_keys, limits
from attendance.services.access.account_mail import send_reset_link
from users import digests
from users.services.choosing import find_to_reset

TYPED = Limit("reset", 5, 3600)
"""Of one number or address as it was typed, whether somebody has it or not."""
FROM_ONE_ADDRESS = Limit("reset-from", 300, 3600)
"""From one network: a hall may stand behind it, and nobody's mailbox is filled."""
OF_ONE_ACCOUNT = Limit("reset-of", 3, 3600)
"""Mails to one account, by whatever name somebody asks for it. Over it, none is sent and nothing
said: two names that share a limit would be known to be one person."""
NOBODY: Sequence[int | None] = (None,)


def count_asking(typed: str, *, address: str) -> None:
    """Raises TooManyAttempts, and SignInUnavailable where nothing can be counted."""
    key = limit_keys.of_mail(typed) if "@" in typed else limit_keys.of_number(typed)
    try:
        limits.count(FROM_ONE_ADDRESS, limit_keys.of_address(address))
        limits.count(TYPED, key)
    except throttle.Unavailable:
        raise SignInUnavailable(retry_after=5) from None


def ask_for_link(typed: str, *, language: str) -> None:
    """Have a link sent to each account that is meant.

    For nobody as much is done as for somebody: a job is written, which sends nothing.
    """
    found: list[int | None] = [user.pk for user in find_to_reset(typed)]
    wanted = [user_id for user_id in found or NOBODY if _is_within(user_id)]
    with transaction.atomic():
        for user_id in wanted or NOBODY:
            send_reset_link.enqueue(user_id=user_id, language=language)


def _is_within(user_id: int | None) -> bool:
    key = digests.NOBODY if user_id is None else limit_keys.of_account(user_id)
    try:
        limits.count(OF_ONE_ACCOUNT, key)
    except (TooManyAttempts, throttle.Unavailable):
        return False
    return True
