"""Signing in and out on a page, written into the security log; the API says it itself."""

from typing import Any

from allauth.account.signals import user_logged_in
from django.contrib.auth.signals import user_logged_out

from users import security_log
from users.models import SecurityKind, User
from users.security_log import Details


def connect() -> None:
    """Listen; called once, when the application is ready."""
    user_logged_in.connect(_signed_in, dispatch_uid="attendance.sign_in_events")
    user_logged_out.connect(_signed_out, dispatch_uid="attendance.sign_in_events")


def _signed_in(user: User, **more: Any) -> None:
    """By whichever page, after the second factor; also for the admin."""
    door = "page" if more.get("sociallogin") is None else "campus"
    security_log.write(
        SecurityKind.SIGNED_IN, subject_id=user.pk, actor_id=user.pk, details=Details(door=door)
    )


def _signed_out(user: User | None, **more: Any) -> None:
    if user is not None and user.pk is not None:
        security_log.write(SecurityKind.SIGNED_OUT, subject_id=user.pk)
