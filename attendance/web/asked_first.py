"""What somebody who has signed in is asked first: no other page opens before.

A second factor, where the role asks for one (attendance/web/second_factor.py), and a password of
one's own, where somebody else has set it.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from attendance.web.callers import caller_of
from attendance.web.errors import unavailable
from attendance.web.signed_out import page_with
from users import second_factor
from users.callers import Caller

API = "api"
"""Its permissions ask for themselves: attendance/api/callers.py."""

OPEN = frozenset(
    {
        *("healthz", "readyz", "set_language", "switch", "sign-out-everywhere"),
        *("manifest", "service-worker", "offline"),
        *("account_login", "account_logout", "account_inactive"),
        *("openid_connect_login", "openid_connect_callback", "mfa_authenticate"),
        *("account_reset_password", "account_reset_password_done"),
        *("type-link", "join", "join-scanned", "digest-stop"),
        *("account_reset_password_from_key", "account_reset_password_from_key_done"),
    }
)
"""Pages for whoever has shown nothing: on the way in, and out."""

CODES = frozenset({"type-code", "scanned"})
"""They mark nothing and keep what was scanned, for whoever it will be."""

TO_SHOW_FACTOR = frozenset({"mfa_reauthenticate"})
TO_CHANGE_PASSWORD = frozenset({"account_change_password"})
TO_SET_FACTOR_UP = frozenset(
    {
        *("account", "account_reauthenticate", "account_change_password"),
        *("mfa_index", "mfa_activate_totp"),
    }
)
"""Never for whoever has a factor and has not shown it: the password alone could take it away."""


class AskedFirst:
    """Middleware: whoever has to show or to change something first gets that page, and no other."""

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
            return _ask(request, caller, match.view_name) if caller else None
        except DatabaseError:
            # A code is kept for whoever it will be.
            return None if match.view_name in CODES else unavailable(request)


def _ask(request: HttpRequest, caller: Caller, name: str) -> HttpResponse | None:
    """The factor that there is comes first: without it the password is not changed either."""
    if caller.lacks_factor and second_factor.is_enrolled(caller.user_id):
        return None if name in TO_SHOW_FACTOR else _lead(request, "mfa_reauthenticate")
    if caller.must_change_password:
        return _ask_for_password(request, name)
    if caller.lacks_factor and name not in TO_SET_FACTOR_UP:
        messages.warning(request, _("Your role needs a second factor. Set it up, then go on."))
        return redirect("mfa_activate_totp")
    return None


def _ask_for_password(request: HttpRequest, name: str) -> HttpResponse | None:
    # A code on the screen is over before a password is chosen: the scan is kept meanwhile.
    if name in TO_CHANGE_PASSWORD | CODES:
        return None
    words = _("Somebody else has set your password. Choose one that only you know, then go on.")
    messages.warning(request, words)
    return _lead(request, "account_change_password")


def _lead(request: HttpRequest, page: str) -> HttpResponse:
    """To a page that leads back to where this request came from."""
    return redirect(f"{reverse(page)}?{urlencode({'next': page_with(request)})}")
