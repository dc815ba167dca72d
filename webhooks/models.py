"""Endpoints of other systems, what is told to them, and what became of each delivery."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from users.constraints import instants_are_sane, value_is_known
from webhooks.addresses import LONGEST_URL
from webhooks.sealing import seal, unseal
from webhooks.signing import key_of, new_message_id
from webhooks.vocabulary import DeliveryState, WebhookKind

LONGEST_NAME = 60
LONGEST_CAUSE = 100
LONGEST_ERROR = 200
LONGEST_SEALED = 300


class WebhookEndpoint(models.Model):
    """An address of another system, which gets the events that it has chosen."""

    name = models.CharField(_("name"), max_length=LONGEST_NAME, unique=True)
    url = models.CharField(_("address"), max_length=LONGEST_URL)
    kinds = models.JSONField(_("events"), default=list)
    """Values of WebhookKind."""
    is_active = models.BooleanField(_("on"), default=True)
    added_at = models.DateTimeField(_("added at"), default=timezone.now)
    disabled_at = models.DateTimeField(_("switched off at"), null=True, blank=True)
    disabled_reason = models.CharField(
        _("why it is off"), max_length=LONGEST_ERROR, blank=True, default=""
    )
    sealed_secret = models.CharField(max_length=LONGEST_SEALED)
    """Encrypted; it is shown once, when it is made."""
    sealed_previous = models.CharField(max_length=LONGEST_SEALED, blank=True, default="")
    previous_until = models.DateTimeField(_("former secret signs until"), null=True, blank=True)

    class Meta:
        verbose_name = _("endpoint")
        verbose_name_plural = _("endpoints")
        ordering = ("name",)
        constraints = (
            models.CheckConstraint(
                name="webhook_endpoint_is_off_since",
                condition=Q(is_active=True, disabled_at=None) | Q(is_active=False),
            ),
            models.CheckConstraint(
                name="webhook_endpoint_former_secret_ends",
                condition=Q(sealed_previous="", previous_until=None)
                | (~Q(sealed_previous="") & Q(previous_until__isnull=False)),
            ),
            models.CheckConstraint(
                name="webhook_endpoint_has_a_secret", condition=~Q(sealed_secret="")
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def lane(self) -> str:
        """Its jobs run one after the other, and hold up no other endpoint's."""
        return f"webhook:{self.pk}"

    def give_secret(self, secret: str) -> None:
        """Sign with this one from now on; the former ones are gone."""
        self.sealed_secret, self.sealed_previous, self.previous_until = seal(secret), "", None

    def rotate_to(self, secret: str, *, former_until: datetime) -> None:
        """Sign with this one and, until an instant, with the one before."""
        self.sealed_previous, self.previous_until = self.sealed_secret, former_until
        self.sealed_secret = seal(secret)

    def keys(self, *, at: datetime) -> list[bytes]:
        """With which a message is signed now. Raises SecretUnreadable."""
        sealed = [self.sealed_secret]
        if self.previous_until is not None and at < self.previous_until:
            sealed.append(self.sealed_previous)
        return [key_of(unseal(each)) for each in sealed]


class WebhookEvent(models.Model):
    """Something that happened, as it is told; written in the transaction of its cause."""

    message_id = models.CharField(
        _("webhook-id"), max_length=40, unique=True, default=new_message_id
    )
    """The same in every delivery, retry and replay, so that a receiver knows what it has."""
    kind = models.CharField(_("event"), max_length=40, choices=WebhookKind)
    cause = models.CharField(_("cause"), max_length=LONGEST_CAUSE)
    """The same cause is told once, while its row is kept."""
    data = models.JSONField(_("data"), default=dict)
    """Ids, and never a name of a person."""
    happened_at = models.DateTimeField(_("happened at"), default=timezone.now)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ("-id",)
        indexes = (models.Index(name="webhook_event_by_time", fields=("happened_at",)),)
        constraints = (
            models.UniqueConstraint(name="webhook_event_once_per_cause", fields=("kind", "cause")),
            value_is_known("webhook_event_kind_is_known", "kind", WebhookKind),
            instants_are_sane("webhook_event_instant_is_sane", "happened_at"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.message_id}"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def under_way(self) -> "DeliveryQuerySet":
        return self.filter(state=DeliveryState.WAITING)


class Delivery(models.Model):
    """One event for one endpoint."""

    event = models.ForeignKey(
        WebhookEvent, models.CASCADE, related_name="deliveries", verbose_name=_("event")
    )
    endpoint = models.ForeignKey(
        WebhookEndpoint, models.CASCADE, related_name="deliveries", verbose_name=_("endpoint")
    )
    state = models.CharField(
        _("state"), max_length=10, choices=DeliveryState, default=DeliveryState.WAITING
    )
    round = models.PositiveIntegerField(_("times sent again by hand"), default=0)
    """A job of a former round does nothing."""
    tries = models.PositiveIntegerField(_("attempts"), default=0)
    """Of this round."""
    last_at = models.DateTimeField(_("last attempt"), null=True, blank=True)
    last_status = models.PositiveSmallIntegerField(_("last answer"), null=True, blank=True)

    objects: ClassVar[DeliveryQuerySet] = DeliveryQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ("-id",)
        indexes = (
            models.Index(
                fields=("state", "-id"),
                name="webhook_delivery_undelivered",
                condition=~Q(state=DeliveryState.DELIVERED),
            ),
        )
        constraints = (
            models.UniqueConstraint(
                name="webhook_delivery_once_per_endpoint", fields=("event", "endpoint")
            ),
            value_is_known("webhook_delivery_state_is_known", "state", DeliveryState),
        )

    def __str__(self) -> str:
        return f"{self.event.kind} → {self.endpoint}"


class DeliveryAttempt(models.Model):
    """One call of an endpoint, and what came of it."""

    delivery = models.ForeignKey(
        Delivery, models.CASCADE, related_name="attempts", verbose_name=_("delivery")
    )
    at = models.DateTimeField(_("at"), default=timezone.now)
    status = models.PositiveSmallIntegerField(_("answer"), null=True, blank=True)
    """Of HTTP; None where no answer came."""
    milliseconds = models.PositiveIntegerField(_("took (ms)"))
    error = models.CharField(_("why not"), max_length=LONGEST_ERROR, blank=True)
    """English words of ours, never what the endpoint has sent."""

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ("-id",)
        constraints = (instants_are_sane("webhook_attempt_instant_is_sane", "at"),)

    def __str__(self) -> str:
        return f"{self.status or self.error} ({self.milliseconds} ms)"
