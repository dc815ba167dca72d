"""Links with which people choose their first password: one of each person, the newest."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from users.constraints import instants_are_sane, value_is_known


class LinkKind(models.TextChoices):
    MAIL = "mail", _("by mail")
    SLIP = "slip", _("on a slip")


class PasswordLink(models.Model):
    """Of somebody who has no password: a new one takes its place, and using it removes the row."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        primary_key=True,
        related_name="password_link",
        verbose_name=_("user"),
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    """Of the code, under a key of the site: a copy of the table opens nothing."""
    kind = models.CharField(_("kind"), max_length=10, choices=LinkKind)
    made_at = models.DateTimeField(_("made at"), default=timezone.now)
    expires_at = models.DateTimeField(_("good until"))

    class Meta:
        verbose_name = _("link to a first password")
        verbose_name_plural = _("links to a first password")
        constraints = (
            value_is_known("password_link_kind_is_known", "kind", LinkKind),
            instants_are_sane("password_link_instants_are_sane", "made_at", "expires_at"),
        )

    def __str__(self) -> str:
        return f"{self.kind} until {self.expires_at:%Y-%m-%d %H:%M}"
