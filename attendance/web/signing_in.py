"""Signing in on a page: the same limits as elsewhere."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth import HASH_SESSION_KEY, update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from attendance.errors import InvalidCredentials, SignInUnavailable, TooManyAttempts
from attendance.http_status import STATUS
from attendance.services.access.addresses import address_of
from attendance.services.access.devices import device_of_request
from attendance.services.access.sign_in import SignIn, sign_in
from users.demo_numbers import DEMO_NUMBERS
from users.errors import AccountMerged, AttnError, SignInBusy
from users.models import User
from users.proofs import DEMO_BACKEND
from users.wording import in_words


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by staff; an attempt is counted before it is tried."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _(InvalidCredentials.default_message),
        "incorrect_password": _("That is not your password. Type it again."),
        "enter_current_password": _("That is not the password that you have now. Type it again."),
        "incorrect_code": _("That is not the code that your app shows now. Type the new one."),
        "account_inactive": _("This account is closed. Ask your staff."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def login(self, request: HttpRequest, user: User) -> None:
        # Between password and second factor the door is forgotten. No account of the demo has a
        # password of its own.
        is_of_demo = user.school_number in DEMO_NUMBERS and not user.has_usable_password()
        if is_of_demo and not hasattr(user, "backend"):
            user.backend = DEMO_BACKEND
        super().login(request, user)

    def set_password(self, user: User, password: str) -> None:
        """The owner's own choice: nobody else knows it."""
        user.must_change_password = False
        super().set_password(user, password)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        number, password = credentials.get("username") or "", credentials.get("password") or ""
        attempt = SignIn(
            number, password, address_of(request.META), device=device_of_request(request)
        )
        try:
            user = sign_in(attempt, request=request)
        except (TooManyAttempts, SignInUnavailable, SignInBusy, AccountMerged) as error:
            _say_when(request, error)
            raise ValidationError(in_words(error), error.code) from None
        except InvalidCredentials:
            return None
        _stay(request, user)
        return user


def _stay(request: HttpRequest, user: User) -> None:
    """A hash that was made anew ends sessions; the one in which its owner typed it goes on."""
    if request.user.pk == user.pk:
        present_hash = user.get_session_auth_hash()
        if present_hash != request.session.get(HASH_SESSION_KEY):
            update_session_auth_hash(request, user)


def _say_when(request: HttpRequest, error: AttnError) -> None:
    """Nothing was tried: the form comes back with the status that a machine understands."""
    if STATUS[error.code] == HTTPStatus.SERVICE_UNAVAILABLE:
        attributes: Any = request.__dict__
        attributes["attn_retry_after"] = error.context["retry_after"]


class TriesLater:
    """Middleware: a form that could not be tried now is 503, and says when to send it again."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        seconds = request.__dict__.get("attn_retry_after")
        if seconds is not None:
            response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
            response["Retry-After"] = str(seconds)
        return response
