"""Tokens: shown once, stored as hashes, expiring; and logging out, here or everywhere."""

from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone
from knox.models import AuthToken

from users import security_log
from users.models import SecurityKind, TokenProof, User
from users.proofs import PASSWORD_BACKEND, SignInProof
from users.session_store import expire_all

MOST_TOKENS = 20
"""Of one user; the oldest makes room for a new one."""


class NewToken(NamedTuple):
    token: str
    """It is never shown again."""
    expires_at: datetime


def issue_token(user_id: int, *, proof: SignInProof | None = None) -> NewToken:
    """Issue a token on what was proved; expired ones of the user are removed.

    Without a proof it stands on the password that the user has now, and on no second factor.
    """
    own = AuthToken.objects.filter(user_id=user_id)
    own.filter(expiry__lte=timezone.now()).delete()
    old = own.order_by("-created").values_list("digest", flat=True)[MOST_TOKENS - 1 :]
    AuthToken.objects.filter(digest__in=list(old)).delete()
    with transaction.atomic():
        row, token = AuthToken.objects.create(user=User.objects.get(pk=user_id))
        if proof is not None:
            write_proof(row, proof)
        security_log.write(SecurityKind.TOKEN_MADE, subject_id=user_id, actor_id=user_id)
    return NewToken(token, row.expiry)


def write_proof(row: AuthToken, proof: SignInProof) -> None:
    """Write down what a token stands on, in place of what it was made with."""
    values = {name: getattr(proof, name) for name in ("auth_hash", "backend", "has_factor")}
    TokenProof.objects.update_or_create(token=row, defaults=values)


def proof_of_now(user: User) -> SignInProof:
    """The password that a user has now, without a second factor."""
    return SignInProof(user.get_session_auth_hash(), PASSWORD_BACKEND)


def revoke_token(digest: str) -> None:
    """Log out here: this token is not valid any more."""
    own = AuthToken.objects.filter(digest=digest)
    user_id = own.values_list("user_id", flat=True).first()
    own.delete()
    if user_id is not None:
        security_log.write(SecurityKind.TOKEN_ENDED, subject_id=user_id)


def revoke_everywhere(user_id: int) -> None:
    """Log out everywhere: every token and every session of a user."""
    with transaction.atomic():
        # NO KEY: persistence points to the row and must not wait.
        sign_out(User.objects.select_for_update(no_key=True).get(pk=user_id))
        security_log.write(SecurityKind.SIGNED_OUT_EVERYWHERE, subject_id=user_id)


def sign_out(user: User) -> None:
    """As `revoke_everywhere`, for a row that the caller has locked in a transaction."""
    AuthToken.objects.filter(user_id=user.pk).delete()
    user.session_version += 1
    user.save(update_fields=["session_version"])
    expire_all(user.pk)
