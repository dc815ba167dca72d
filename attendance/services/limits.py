"""Limits of attempts: who may try how often. Never by address alone: a lecture hall shares one."""

from django.conf import settings

from attendance.errors import SignInUnavailable, TooManyAttempts
from attendance.live import codes, throttle
from attendance.live.throttle import Limit
from attendance.services import limit_keys
from users.errors import gettext_noop as _

SIGN_IN_FROM_ONE_ADDRESS = Limit("sign-in-from", 10, 300)
SIGN_IN = Limit("sign-in", 100, 300)
"""Of one account from anywhere; a stranger must not lock its owner out lightly."""

CODES = Limit("second-factor", 10, 900)
"""Wrong codes of one person, from wherever and at whichever door: a code has six digits."""

WRONG_SCANS = Limit("scan", 120, 60)
"""Wrong typed codes from one address; a hall that mistypes now and then stays far below it."""


def count_check_in(school_number: str) -> None:
    """Raises TooManyAttempts. Where nothing can be counted, the check-in is allowed."""
    limit = Limit("check-in", settings.CHECK_INS_PER_MINUTE, 60)
    try:
        _count(limit, limit_keys.of_number(school_number))
    except throttle.Unavailable:
        return


def count_change(school_number: str) -> None:
    """Count a change of a lesson or a record, by whoever asks for it; finishing counts none.

    Raises TooManyAttempts. Where nothing can be counted, the change is allowed.
    """
    limit = Limit("change", settings.CHANGES_PER_MINUTE, 60)
    try:
        _count(limit, limit_keys.of_number(school_number))
    except throttle.Unavailable:
        return


def count_sign_in(account: str, address: str) -> None:
    """Raises TooManyAttempts, and SignInUnavailable where attempts cannot be counted."""
    try:
        _count(SIGN_IN_FROM_ONE_ADDRESS, f"{account}|{address}")
        _count(SIGN_IN, account)
    except throttle.Unavailable:
        raise SignInUnavailable(retry_after=5) from None


def forget_sign_in(account: str, address: str) -> None:
    """Start the count again from 0 for somebody who has signed in."""
    throttle.forget(SIGN_IN_FROM_ONE_ADDRESS, of=f"{account}|{address}")


def count_code(user_id: int) -> None:
    """Count a code of a second factor before it is judged; a right one is given back.

    Raises TooManyAttempts, for a right code as well, and SignInUnavailable.
    """
    try:
        _count(CODES, limit_keys.of_account(user_id))
    except throttle.Unavailable:
        raise SignInUnavailable(retry_after=5) from None


def give_back_code(user_id: int) -> None:
    """The code was right: only wrong ones count, and those before it go on counting."""
    throttle.give_back(CODES, of=limit_keys.of_account(user_id))


def count_scan(code: str, address: str) -> bool:
    """Count a code before it is judged, if it could be guessed. Returns whether it was counted.

    Raises TooManyAttempts, for a right code as well: guessing would go on otherwise.
    """
    if not codes.short_part(code):
        return False
    try:
        _count(WRONG_SCANS, address)
    except throttle.Unavailable:
        return False
    return True


def give_back_scan(address: str) -> None:
    """The code was right: only wrong ones count."""
    throttle.give_back(WRONG_SCANS, of=address)


def _count(limit: Limit, of: str) -> None:
    wait = throttle.wait_seconds(limit, of=of)
    if wait:
        raise TooManyAttempts(
            _("Too many attempts. Try again in %(retry_after)d seconds."), retry_after=wait
        )
