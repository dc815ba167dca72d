"""The second factor: of whom it is asked, who has one, and whether a code is right."""

import logging
from typing import Final

from allauth.mfa.models import Authenticator
from django.conf import settings

from users.errors import SecondFactorUnreadable
from users.identity import Role
from users.models import User

logger = logging.getLogger(__name__)

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


def shown_by(user: User, code: str) -> Authenticator | None:
    """The factor of which this is a code of now, or the recovery codes of which it is one.

    It works once; whoever asks has counted it. Raises SecondFactorUnreadable where no code could
    be judged; a wrong one that could be is None, so that nobody guesses without being counted.
    """
    kinds = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
    has_judged, has_failed = False, False
    for row in Authenticator.objects.filter(user_id=user.pk, type__in=kinds).order_by("-type"):
        try:
            if row.wrap().validate_code(code):
                return row
            has_judged = True
        except (SecondFactorUnreadable, KeyError, TypeError, ValueError):
            # The latter: data that are none of a factor.
            logger.error("The factor %s of %s cannot be read", row.type, user.school_number)  # noqa: TRY400
            has_failed = True
    if has_failed and not has_judged:
        raise SecondFactorUnreadable
    return None
