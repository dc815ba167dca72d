"""The second factor on pages: the session that showed it remembers it, and survives its change."""

from typing import Any

from allauth.mfa import signals
from allauth.mfa.models import Authenticator
from django.contrib.auth import BACKEND_SESSION_KEY, update_session_auth_hash
from django.http import HttpRequest

from users import second_factor, security_log
from users.models import SecurityKind, User
from users.security_log import Details


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
