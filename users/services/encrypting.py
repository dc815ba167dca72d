"""Encrypting secrets of second factors under the present key: plain ones, and those of a former."""

from collections import Counter

import msgspec
from allauth.mfa.models import Authenticator
from django.db import transaction

from users.factor_secrets import SecretState, encrypted_anew, state_of

BATCH = 500


class EncryptingReport(msgspec.Struct, frozen=True):
    """How many second factors were in which state, before anything was written."""

    present: int
    former: int
    """Under a key of ATTN_SECRET_KEY_FALLBACKS."""
    plain: int
    unreadable: int
    """No key opens them: they stay, and their owners need a new one."""
    is_dry_run: bool

    @property
    def to_encrypt(self) -> int:
        return self.former + self.plain


def encrypt_factors(*, dry_run: bool = False) -> EncryptingReport:
    """Encrypt what is not under the present key; sessions and tokens go on."""
    rows = Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN).order_by("pk")
    counts: Counter[SecretState] = Counter()
    last = 0
    while ids := list(rows.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
        counts += _encrypt(ids, dry_run=dry_run)
        last = ids[-1]
    return EncryptingReport(
        **{state.value: counts[state] for state in SecretState}, is_dry_run=dry_run
    )


def _encrypt(ids: list[int], *, dry_run: bool) -> Counter[SecretState]:
    counts: Counter[SecretState] = Counter()
    changed: list[Authenticator] = []
    with transaction.atomic():
        # Whoever uses a recovery code meanwhile waits, or is waited for.
        for row in Authenticator.objects.select_for_update().filter(pk__in=ids).order_by("pk"):
            state = state_of(row.data)
            counts[state] += 1
            if state in {SecretState.FORMER, SecretState.PLAIN} and not dry_run:
                row.data = encrypted_anew(row.data)
                changed.append(row)
        # No signal: nothing of the factors has changed for their owners.
        Authenticator.objects.bulk_update(changed, ["data"])
    return counts
