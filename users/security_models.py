"""The security log: who signed in or failed to, what changed of accounts, and who read what."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from users.constraints import instants_are_sane, value_is_known


class SecurityKind(models.TextChoices):
    SIGNED_IN = "signed_in", _("signed in")
    SIGN_IN_FAILED = "sign_in_failed", _("sign-in failed")
    SIGN_IN_LOCKED = "sign_in_locked", _("too many attempts, held up")
    SIGNED_OUT = "signed_out", _("signed out")
    SIGNED_OUT_EVERYWHERE = "signed_out_everywhere", _("signed out everywhere")
    FACTOR_SHOWN = "factor_shown", _("second factor shown")
    FACTOR_WRONG_CODE = "factor_wrong_code", _("wrong code of the second factor")
    FACTOR_ADDED = "factor_added", _("second factor set up")
    FACTOR_REMOVED = "factor_removed", _("second factor removed")
    RECOVERY_CODES_MADE = "recovery_codes_made", _("recovery codes made")
    RECOVERY_CODES_SEEN = "recovery_codes_seen", _("recovery codes looked at")
    TOKEN_MADE = "token_made", _("token made")
    TOKEN_ENDED = "token_ended", _("token ended")
    PASSWORD_CHANGED = "password_changed", _("password changed")
    PASSWORD_SET = "password_set", _("password set anew")
    LINK_MADE = "link_made", _("link to choose a password made")
    LINK_USED = "link_used", _("password chosen with a link")
    ACCOUNT_MADE = "account_made", _("account made")
    ACCOUNT_CHANGED = "account_changed", _("account changed")
    ACCOUNT_ERASED = "account_erased", _("account erased")
    EXPORTED = "exported", _("file taken out")
    RECORDS_READ = "records_read", _("records of others read")
    WEBHOOK_CHANGED = "webhook_changed", _("webhook changed, or sent again")


def _person(label: Any) -> "models.ForeignKey[Any, Any]":
    # PostgreSQL itself takes the person out (migration 0011): also of an event that is
    # written while the person is erased.
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
        verbose_name=label,
    )


class SecurityEvent(models.Model):
    """One thing that happened; the same once more within five minutes is counted in its row.

    A trigger refuses every other change. Whoever is erased leaves their events, which lose them.
    """

    kind = models.CharField(_("kind"), max_length=32, choices=SecurityKind)
    happened_at = models.DateTimeField(_("happened at"), default=timezone.now)
    last_at = models.DateTimeField(_("last at"), default=timezone.now)
    times = models.PositiveIntegerField(_("times"), default=1)
    actor = _person(_("done by"))
    """Who had signed in when it happened; None for nobody, a command, and whoever was erased."""
    subject = _person(_("of whom"))
    """Whose account, file or record."""
    typed = models.CharField(_("fingerprint of an unknown number"), max_length=16, blank=True)
    """Never the text: people type passwords where their number goes."""
    device = models.CharField(_("device"), max_length=12, blank=True)
    address = models.CharField(_("network"), max_length=49, blank=True)
    request_id = models.CharField(_("request"), max_length=64)
    details = models.JSONField(_("details"), default=dict)
    """As `users.security_log.Details` says it."""
    once = models.CharField(max_length=64, unique=True, editable=False)
    """What is the same, as a keyed digest: under it an event is counted."""

    class Meta:
        verbose_name = _("security event")
        verbose_name_plural = _("security log")
        ordering = ("-id",)
        indexes = (
            models.Index(
                name="security_event_subject",
                fields=("subject", "-id"),
                condition=Q(subject__isnull=False),
            ),
            models.Index(
                name="security_event_actor",
                fields=("actor", "-id"),
                condition=Q(actor__isnull=False),
            ),
            models.Index(name="security_event_kind", fields=("kind", "-id")),
            models.Index(name="security_event_happened_at", fields=("happened_at",)),
        )
        constraints = (
            value_is_known("security_event_kind_is_known", "kind", SecurityKind),
            instants_are_sane("security_event_instants_are_sane", "happened_at", "last_at"),
            models.CheckConstraint(name="security_event_happened", condition=Q(times__gte=1)),
        )

    def __str__(self) -> str:
        return f"{self.happened_at:%Y-%m-%d %H:%M} {self.kind}"
