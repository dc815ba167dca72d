"""Judging a code of a second factor: counted first, for each person, at every door the same."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.utils import timezone

from attendance.errors import SecondFactorWrong, TooManyAttempts
from attendance.services.access import limits
from users import notices, second_factor, security_log
from users.errors import SecondFactorUnreadable
from users.models import SecurityKind, User
from users.security_log import Details

logger = logging.getLogger(__name__)


@contextmanager
def counted(user: User) -> Iterator[None]:
    """Around judging a code, by an error of ours or of a form: of a wrong one the owner is told.

    Raises TooManyAttempts and SignInUnavailable before anything is judged.
    """
    try:
        limits.count_code(user.pk)
    except TooManyAttempts:
        logger.warning("Too many wrong codes for the second factor of %s", user.school_number)
        security_log.write_locked(Details(what="second_factor"), subject_id=user.pk)
        raise
    try:
        yield
    except (SecondFactorWrong, ValidationError):
        notices.note_wrong_code(user.pk)
        security_log.write(SecurityKind.FACTOR_WRONG_CODE, subject_id=user.pk)
        raise
    except SecondFactorUnreadable:
        # No code was judged, so none was guessed.
        limits.give_back_code(user.pk)
        raise
    limits.give_back_code(user.pk)
    security_log.write(SecurityKind.FACTOR_SHOWN, subject_id=user.pk, actor_id=user.pk)


def check_code(user: User, code: str) -> None:
    """Raises SecondFactorWrong, SecondFactorUnreadable, and what `counted` raises."""
    with counted(user):
        row = second_factor.shown_by(user, code)
        if row is None:
            raise SecondFactorWrong
    Authenticator.objects.filter(pk=row.pk).update(last_used_at=timezone.now())
