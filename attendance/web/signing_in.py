"""Signing in on a page: the same limits as elsewhere."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from attendance.errors import InvalidCredentials, SignInUnavailable, TooManyAttempts
from attendance.services.addresses import address_of
from attendance.services.sign_in import SignIn, sign_in
from users.backends import DEMO_NUMBERS
from users.errors import AccountMerged
from users.models import User
from users.proofs import DEMO_BACKEND
from users.wording import in_words


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by staff; an attempt is counted before it is tried."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def login(self, request: HttpRequest, user: User) -> None:
        # Between password and second factor the door is forgotten. No account of the demo has a
        # password of its own.
        is_of_demo = user.school_number in DEMO_NUMBERS and not user.has_usable_password()
        if is_of_demo and not hasattr(user, "backend"):
            user.backend = DEMO_BACKEND
        super().login(request, user)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        number, password = credentials.get("username") or "", credentials.get("password") or ""
        attempt = SignIn(number, password, address_of(request.META))
        try:
            return sign_in(attempt, request=request)
        except (TooManyAttempts, SignInUnavailable, AccountMerged) as error:
            raise ValidationError(in_words(error), error.code) from None
        except InvalidCredentials:
            return None
