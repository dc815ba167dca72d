"""The second factor: of whom it is asked, who has one, and whether a code is right."""

from typing import Final

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.utils import timezone

from users.identity import Role
from users.models import User

TEACHERS_TOO: Final = "teachers"
"""The value of STAFF_MFA that asks teachers as well."""

FACTORS: Final = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
"""Recovery codes stand in for one of these, and are none by themselves."""

SESSION_KEY: Final = "attn_factor_of"
"""In a session: the id of the user whose second factor was shown in it."""


def is_asked_of(role: Role) -> bool:
    """Whether the rights of a role ask for a second factor on this site."""
    asked = settings.STAFF_MFA
    if role is Role.TEACHER:
        return bool(asked == TEACHERS_TOO)
    return bool(asked) and role is Role.STAFF


def is_enrolled(user_id: int) -> bool:
    """Whether somebody has a second factor; one query."""
    rows = Authenticator.objects.filter(user_id=user_id, type__in=FACTORS)
    return bool(rows.exists())


def is_right(user: User, code: str) -> bool:
    """Try a code of the app, or a recovery code. It works once; whoever asks has counted it."""
    codes = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
    for row in Authenticator.objects.filter(user_id=user.pk, type__in=codes).order_by("-type"):
        if row.wrap().validate_code(code):
            Authenticator.objects.filter(pk=row.pk).update(last_used_at=timezone.now())
            return True
    return False
