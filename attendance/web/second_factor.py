"""The second factor on pages: asked for at every door, remembered by the session that showed it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from allauth.mfa import signals
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth import BACKEND_SESSION_KEY, update_session_auth_hash
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from attendance.web.callers import caller_of
from attendance.web.errors import unavailable
from users import second_factor, security_log
from users.credentials import Caller
from users.models import SecurityKind, User
from users.security_log import Details

API = "api"
"""Its permissions ask for themselves: attendance/api/callers.py."""

OPEN = frozenset(
    {
        *("healthz", "readyz", "set_language", "switch", "sign-out-everywhere"),
        *("account_login", "account_logout", "account_inactive"),
        *("openid_connect_login", "openid_connect_callback", "mfa_authenticate"),
    }
)
"""Pages for whoever has shown nothing: on the way in, and out."""

CODES = frozenset({"type-code", "scanned"})
"""They mark nothing, and are taken while PostgreSQL cannot say who has signed in."""

TO_SHOW_IT = frozenset({"mfa_reauthenticate"})
TO_SET_IT_UP = frozenset(
    {
        *("account", "account_reauthenticate", "account_change_password"),
        *("mfa_index", "mfa_activate_totp"),
    }
)
"""Never for whoever has a factor and has not shown it: the password alone could take it away."""


class SecondFactorEverywhere:
    """Middleware: where a role asks for a second factor, no other page opens without it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or match.app_name == API or match.view_name in OPEN:
            return None
        try:
            caller = caller_of(request)
            if caller is None or not caller.lacks_factor:
                return None
            return _ask(request, caller, match.view_name)
        except DatabaseError:
            # A code is kept for whoever it will be.
            return None if match.view_name in CODES else unavailable(request)


def _ask(request: HttpRequest, caller: Caller, name: str) -> HttpResponse | None:
    is_enrolled = second_factor.is_enrolled(caller.user_id)
    if name in (TO_SHOW_IT if is_enrolled else TO_SET_IT_UP):
        return None
    if is_enrolled:
        back = request.get_full_path() if request.method in {"GET", "HEAD"} else reverse("home")
        return redirect(f"{reverse('mfa_reauthenticate')}?{urlencode({'next': back})}")
    messages.warning(request, _("Your role needs a second factor. Set it up, then go on."))
    return redirect("mfa_activate_totp")


def connect() -> None:
    """Listen to allauth; called once, when the application is ready."""
    signals.authenticator_used.connect(_shown, dispatch_uid="attendance.factor_shown")
    signals.authenticator_added.connect(_added, dispatch_uid="attendance.factor_added")
    signals.authenticator_removed.connect(_removed, dispatch_uid="attendance.factor_removed")
    signals.authenticator_reset.connect(_reset, dispatch_uid="attendance.factor_reset")


def _shown(request: HttpRequest, user: User, **kwargs: Any) -> None:
    request.session[second_factor.SESSION_KEY] = user.pk


def _added(request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    # A right code of the new app was typed just now.
    if authenticator.type in second_factor.FACTORS:
        _shown(request, user)
        security_log.write(
            SecurityKind.FACTOR_ADDED,
            subject_id=user.pk,
            details=Details(what=authenticator.type),
        )
    else:
        security_log.write(SecurityKind.RECOVERY_CODES_MADE, subject_id=user.pk)
    _stay(request, user)


def _removed(request: HttpRequest, user: User, authenticator: Authenticator, **more: Any) -> None:
    details = Details(what=authenticator.type)
    security_log.write(SecurityKind.FACTOR_REMOVED, subject_id=user.pk, details=details)
    if not second_factor.is_enrolled(user.pk):
        request.session.pop(second_factor.SESSION_KEY, None)
    _stay(request, user)


def _reset(request: HttpRequest, user: User, **kwargs: Any) -> None:
    security_log.write(SecurityKind.RECOVERY_CODES_MADE, subject_id=user.pk)
    _stay(request, user)


def _stay(request: HttpRequest, user: User) -> None:
    """A changed factor ends every session; the one in which its owner changed it goes on."""
    if request.user.pk != user.pk:
        return
    # Read anew: the change has counted the version of sessions up.
    own = User.objects.get(pk=user.pk)
    own.backend = str(request.session.get(BACKEND_SESSION_KEY, ""))
    update_session_auth_hash(request, own)
