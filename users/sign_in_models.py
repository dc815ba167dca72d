"""What a token stands on, and what the owner of an account is told about signing in."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from users.constraints import instants_are_sane
from users.proofs import SignInProof


class TokenProof(models.Model):
    """Of one token, written with it and never changed. A token without one is not valid."""

    token = models.OneToOneField(
        "knox.AuthToken", models.CASCADE, primary_key=True, related_name="proof"
    )
    auth_hash = models.CharField(max_length=64)
    backend = models.CharField(max_length=100)
    has_factor = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.backend

    def as_proof(self) -> SignInProof:
        return SignInProof(self.auth_hash, self.backend, self.has_factor)


class AccountNotice(models.Model):
    """Wrong codes of a second factor: whoever typed them knows the password.

    One row grows until the owner has seen it; then the next one begins.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices")
    wrong_codes = models.PositiveIntegerField(default=0)
    first_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-last_at",)
        constraints = (
            models.UniqueConstraint(
                name="account_notice_is_one_until_seen",
                fields=("user",),
                condition=Q(seen_at=None),
            ),
            instants_are_sane("account_notice_instants_are_sane", "first_at", "last_at"),
        )

    def __str__(self) -> str:
        return f"{self.user_id}: {self.wrong_codes}"
