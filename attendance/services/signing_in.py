"""Signing in with number and password, for the API and the admin: counted before it is tried."""

from typing import NamedTuple

from django.contrib.auth import authenticate
from django.http import HttpRequest

from attendance.errors import InvalidCredentials, SignInUnavailable, TooManyAttempts
from attendance.live import throttle
from attendance.live.throttle import Limit
from users.models import User

FROM_ONE_ADDRESS = Limit("sign-in-from", 10, 300)
"""Of one account from one address. Never of an address alone: a hall shares one."""

OF_ONE_ACCOUNT = Limit("sign-in", 100, 300)
"""Of one account from anywhere; a stranger must not lock its owner out lightly."""


class SignIn(NamedTuple):
    school_number: str
    password: str
    address: str
    """Where the request came from."""


def sign_in(wanted: SignIn, *, request: HttpRequest | None = None) -> User:
    """The user with this number and password.

    Raises InvalidCredentials, TooManyAttempts with the seconds to wait, and
    SignInUnavailable where attempts cannot be counted.
    """
    account = wanted.school_number.strip().upper()
    pair = f"{account}|{wanted.address}"
    try:
        wait = throttle.wait_seconds(FROM_ONE_ADDRESS, of=pair) or throttle.wait_seconds(
            OF_ONE_ACCOUNT, of=account
        )
    except throttle.Unavailable:
        raise SignInUnavailable(retry_after=5) from None
    if wait:
        raise TooManyAttempts(
            f"Too many attempts for this account. Try again in {wait} seconds.", retry_after=wait
        )
    user = authenticate(request, username=wanted.school_number, password=wanted.password)
    if not isinstance(user, User):
        raise InvalidCredentials
    throttle.forget(FROM_ONE_ADDRESS, of=pair)
    return user
