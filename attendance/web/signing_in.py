"""Signing in on a page: the same limits as elsewhere, and a second factor for staff."""

from collections.abc import Callable
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from attendance.errors import InvalidCredentials, SignInUnavailable, TooManyAttempts
from attendance.services.addresses import address_of
from attendance.services.sign_in import SignIn, sign_in
from attendance.web.callers import caller_of
from attendance.web.errors import unavailable
from users.errors import AccountMerged
from users.identity import Role
from users.models import User
from users.wording import in_words

STAFF_PAGES = "/admin/"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by staff; an attempt is counted before it is tried."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        number, password = credentials.get("username") or "", credentials.get("password") or ""
        attempt = SignIn(number, password, address_of(request.META))
        try:
            return sign_in(attempt, request=request)
        except (TooManyAttempts, SignInUnavailable, AccountMerged) as error:
            raise ValidationError(in_words(error), error.code) from None
        except InvalidCredentials:
            return None


class SecondFactorForStaff:
    """Middleware: staff must set a second factor up before they can open staff pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_asked = settings.STAFF_MFA and request.path.startswith(STAFF_PAGES)
        try:
            is_lacking = is_asked and _lacks_it(request)
        except DatabaseError:
            return unavailable(request)
        if is_lacking:
            messages.warning(request, _("Staff need a second factor. Set it up, then go on."))
            return redirect("mfa_activate_totp")
        return self.get_response(request)


def _lacks_it(request: HttpRequest) -> bool:
    caller = caller_of(request)
    if caller is None or caller.person.role is not Role.STAFF:
        return False
    # A factor that this session has shown needs no query, so it works without PostgreSQL.
    methods = request.session.get("account_authentication_methods", [])
    if any(method.get("method") == "mfa" for method in methods):
        return False
    return not Authenticator.objects.filter(user_id=caller.user_id).exists()
