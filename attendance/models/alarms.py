"""What wanted a person, from when to when, and who has said what of it."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from attendance.models import rules
from attendance.vocabulary import LONGEST_REASON
from users.identity import LONGEST_FULL_NAME


class AlarmEpisode(models.Model):
    """One alarm from the run that has seen it first to the one that did not see it any more.

    Another cause of the same alarm is another episode: whoever has acknowledged the first has
    not seen the second.
    """

    code = models.CharField(_("alarm"), max_length=40)
    subject = models.CharField(_("of"), max_length=200, blank=True)
    """The lesson's id, a server's name in a cluster, or nothing."""
    cause = models.TextField(_("cause"), blank=True)
    began_at = models.DateTimeField(_("first seen at"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended at"), null=True)

    class Meta:
        verbose_name = _("alarm")
        verbose_name_plural = _("alarms")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("code", "subject"),
                condition=Q(ended_at=None),
                name="alarm_episode_open_once",
            ),
            models.CheckConstraint(name="alarm_episode_has_a_code", condition=~Q(code="")),
            models.CheckConstraint(
                name="alarm_episode_ends_not_before_it_begins",
                condition=Q(ended_at=None) | Q(ended_at__gte=F("began_at")),
            ),
            rules.instants_are_sane("alarm_episode_instants_are_sane", "began_at", "ended_at"),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.subject}".strip()


class AlarmAcknowledgement(models.Model):
    """Who has taken note of an alarm, and why it may stay; a trigger refuses to change one."""

    episode = models.ForeignKey(
        AlarmEpisode, models.PROTECT, related_name="acknowledgements", verbose_name=_("alarm")
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by")
    )
    actor_name = models.CharField(_("actor's name then"), max_length=LONGEST_FULL_NAME)
    acknowledged_at = models.DateTimeField(_("at"), default=timezone.now)
    reason = models.CharField(_("why"), max_length=LONGEST_REASON)

    class Meta:
        verbose_name = _("acknowledgement of an alarm")
        verbose_name_plural = _("acknowledgements of alarms")
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                name="alarm_acknowledgement_is_explained",
                condition=~Q(reason="") & ~Q(actor_name=""),
            ),
            rules.instants_are_sane("alarm_acknowledgement_instant_is_sane", "acknowledged_at"),
        )

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.reason}"
