"""Choosing a password with a link instead of the one before: who may, and what ends by it."""

import contextlib

from django.contrib.auth.hashers import make_password
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import transaction
from django.db.models import Q

from users import origin, security_log, tokens
from users.errors import InvalidSchoolNumber
from users.identity import canonical_school_number
from users.models import SecurityKind, User
from users.passwords import composed
from users.security_log import Details
from users.selectors import accounts_of_number

MOST_ACCOUNTS = 5
"""Of one e-mail address; a family may share one."""


class ResetTokens(PasswordResetTokenGenerator):
    """Tokens of links by mail: good once, for PASSWORD_RESET_TIMEOUT, and until anything changes.

    They stand on the password, the address, the last sign-in and on signing out everywhere.
    """

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}|{user.session_version}"

    def check_token(self, user: User | None, token: str | None) -> bool:
        return user is not None and may_reset(user) and super().check_token(user, token)


reset_tokens = ResetTokens()


def may_reset(user: User) -> bool:
    """Whoever has a password and an address; the first password needs an invitation."""
    return user.may_sign_in and bool(user.email) and user.has_usable_password()


def find_to_reset(typed: str) -> list[User]:
    """The accounts that somebody means by a number or an e-mail address; one query."""
    wanted = Q(email__iexact=typed) if "@" in typed else Q(pk=None)
    with contextlib.suppress(InvalidSchoolNumber):
        # Also by the number of an account that is merged into the one with which they sign in.
        own = accounts_of_number(canonical_school_number(typed))
        wanted |= Q(pk__in=own.values("pk"))
    rows = User.objects.who_may_sign_in().filter(wanted).order_by("pk")[:MOST_ACCOUNTS]
    return [user for user in rows if may_reset(user)]


def hash_chosen(password: str) -> str:
    """Before any row is held: a hash takes most of a second. Raises SignInBusy."""
    return make_password(composed(password))


def set_chosen(user_id: int, hashed: str, *, door: str) -> None:
    """Give somebody who has shown a link the password that they chose.

    Their sessions and tokens end.
    """
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=user_id)
        # Nobody has signed in, and the owner of the link acts.
        origin.current().actor_id = user.pk
        user.password, user.must_change_password = hashed, False
        user.save(update_fields=["password", "must_change_password"])
        tokens.sign_out(user)
        security_log.write(
            SecurityKind.LINK_USED,
            subject_id=user.pk,
            actor_id=user.pk,
            details=Details(door=door),
        )
