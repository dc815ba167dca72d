"""What a session keeps of where it was signed in, for its owner to know it again."""

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest

from attendance.services.access.addresses import address_of, shortened
from users import own_sessions
from users.user_agents import browser_of


def connect() -> None:
    """Listen; called once, when the application is ready."""
    user_logged_in.connect(_signed_in, dispatch_uid="attendance.sign_in_notes")


def _signed_in(request: HttpRequest, **kwargs: Any) -> None:
    request.session[own_sessions.SESSION_KEY] = own_sessions.describe(
        browser=browser_of(request.META.get("HTTP_USER_AGENT", "")),
        address=shortened(address_of(request.META)),
    )
