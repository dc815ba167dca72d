"""Signing in with number and password, for the API and the admin: counted before it is tried."""

from typing import NamedTuple

from django.contrib.auth import authenticate
from django.http import HttpRequest

from attendance.errors import InvalidCredentials
from attendance.services import limits
from users.errors import AccountMerged, InvalidSchoolNumber
from users.identity import canonical_school_number
from users.models import User
from users.selectors import find_account

NO_NUMBER = "-"
"""All attempts with what is no school number count together."""


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
    account = _account(attempt.school_number)
    limits.count_sign_in(account, attempt.address)
    user = authenticate(request, username=attempt.school_number, password=attempt.password)
    if not isinstance(user, User):
        raise InvalidCredentials
    limits.forget_sign_in(account, attempt.address)
    check_is_not_merged(user)
    return user


def _account(typed: str) -> str:
    """By what attempts are counted: the present number, whichever one is typed, and however."""
    try:
        number = canonical_school_number(typed)
    except InvalidSchoolNumber:
        return NO_NUMBER
    user = find_account(number)
    return user.school_number if user else number


def check_is_not_merged(user: User) -> None:
    """Whoever has shown who they are is told with which number. Raises AccountMerged."""
    if user.merged_into is not None:
        raise AccountMerged(number=user.school_number, into=user.merged_into.school_number)
