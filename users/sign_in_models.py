"""Sessions, what a token stands on, and what the owner of an account is told about signing in."""

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from users.constraints import instants_are_sane
from users.proofs import SignInProof


class SignInSession(AbstractBaseSession):
    """A session of the site, found by its owner too. Where it was signed in is in its data."""

    account = models.ForeignKey(
        # Saving a session must not fail, nor wait, because of a change to its owner.
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        db_constraint=False,
        related_name="+",
    )
    """Nobody's before somebody has signed in."""

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")

    def __str__(self) -> str:
        # Its key opens the account, and is shown nowhere.
        return f"until {self.expire_date:%Y-%m-%d %H:%M}"


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
