"""Signing in with number and password, for the API and the admin: counted before it is tried."""

from typing import NamedTuple

from django.contrib.auth import authenticate
from django.http import HttpRequest

from attendance.errors import InvalidCredentials
from attendance.services import limit_keys, limits
from users.errors import AccountMerged
from users.models import User


class SignIn(NamedTuple):
    school_number: str
    password: str
    address: str
    """Where the request came from."""


def sign_in(attempt: SignIn, *, request: HttpRequest | None = None) -> User:
    """The user with this number and password.

    Raises InvalidCredentials, AccountMerged with the number to sign in with instead,
    TooManyAttempts with the seconds to wait, and SignInUnavailable where attempts
    cannot be counted.
    """
    account = limit_keys.of_typed(attempt.school_number)
    limits.count_sign_in(account, attempt.address)
    user = authenticate(request, username=attempt.school_number, password=attempt.password)
    if not isinstance(user, User):
        raise InvalidCredentials
    limits.forget_sign_in(account, attempt.address)
    check_is_not_merged(user)
    return user


def check_is_not_merged(user: User) -> None:
    """Whoever has shown who they are is told with which number. Raises AccountMerged."""
    if user.merged_into is not None:
        raise AccountMerged(number=user.school_number, into=user.merged_into.school_number)
