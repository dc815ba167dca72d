"""Signing in with number and password, for the API and the admin: counted before it is tried."""

from typing import NamedTuple

from django.contrib.auth import authenticate
from django.http import HttpRequest

from attendance.errors import (
    InvalidCredentials,
    PasswordChangeNeeded,
    SecondFactorMissing,
    SecondFactorNeeded,
    TooManyAttempts,
)
from attendance.services.access import limit_keys, second_factors, sign_in_limits
from attendance.services.access.devices import UNKNOWN, Device
from attendance.services.access.limit_keys import TriedAccount
from attendance.services.access.sign_in_limits import Origin
from users import hashing, second_factor, security_log
from users.errors import AccountMerged
from users.identity import Role
from users.models import SecurityKind, User
from users.proofs import PASSWORD_BACKEND, SignInProof
from users.security_log import Details


class SignIn(NamedTuple):
    school_number: str
    password: str
    address: str
    """Where the request came from."""
    code: str = ""
    """Of the second factor; only where no page asks for it."""
    device: Device = UNKNOWN
    door: str = "page"
    """As the security log calls it."""


def sign_in(attempt: SignIn, *, request: HttpRequest | None = None) -> User:
    """The user with this number and password.

    Raises InvalidCredentials, AccountMerged with the number to sign in with instead,
    TooManyAttempts with the seconds to wait, SignInBusy where no more passwords are hashed
    now, and SignInUnavailable where attempts cannot be counted.
    """
    hashing.gate.check_room()
    account = limit_keys.of_typed(attempt.school_number)
    try:
        user = _try(attempt, account, request)
        check_is_not_merged(user)
    except TooManyAttempts as error:
        details = Details(door=attempt.door, code=error.code)
        security_log.write_locked(details, subject_id=account.user_id)
        raise
    except (InvalidCredentials, AccountMerged) as error:
        _note_failure(attempt, account, error.code)
        raise
    return user


def _try(attempt: SignIn, account: TriedAccount, request: HttpRequest | None) -> User:
    with sign_in_limits.counted(account, Origin(attempt.address, attempt.device)):
        user = authenticate(request, username=attempt.school_number, password=attempt.password)
        if not isinstance(user, User):
            raise InvalidCredentials
    return user


def _note_failure(attempt: SignIn, account: TriedAccount, code: str) -> None:
    security_log.write(
        SecurityKind.SIGN_IN_FAILED,
        subject_id=account.user_id,
        typed="" if account.user_id else attempt.school_number,
        details=Details(door=attempt.door, code=code),
    )


def prove(attempt: SignIn, *, request: HttpRequest | None = None) -> tuple[User, SignInProof]:
    """As `sign_in`, with the second factor of whoever has one: what a token may stand on.

    Raises SecondFactorMissing, SecondFactorWrong and TooManyAttempts for whoever has one, and
    SecondFactorNeeded where the role asks for one and there is none; PasswordChangeNeeded for a
    password that somebody else has set.
    """
    user = sign_in(attempt, request=request)
    backend = getattr(user, "backend", PASSWORD_BACKEND)
    has_factor = second_factor.is_enrolled(user.pk)
    if has_factor:
        _check_code(user, attempt)
    if user.must_change_password and backend == PASSWORD_BACKEND:
        raise PasswordChangeNeeded
    if not has_factor and second_factor.is_asked_of(Role(user.role)):
        raise SecondFactorNeeded
    security_log.write(
        SecurityKind.SIGNED_IN,
        subject_id=user.pk,
        actor_id=user.pk,
        details=Details(door=attempt.door),
    )
    return user, SignInProof(user.get_session_auth_hash(), backend, has_factor)


def _check_code(user: User, attempt: SignIn) -> None:
    if not attempt.code:
        # Somebody knows the password: its owner should be able to see that.
        _note_failure(attempt, TriedAccount("", user.pk), SecondFactorMissing.code)
        raise SecondFactorMissing
    second_factors.check_code(user, attempt.code)


def check_is_not_merged(user: User) -> None:
    """Whoever has shown who they are is told with which number. Raises AccountMerged."""
    if user.merged_into is not None:
        raise AccountMerged(number=user.school_number, into=user.merged_into.school_number)
