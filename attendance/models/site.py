"""Which site this database is, and when Redis was found to have come back older."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from attendance.vocabulary import LONGEST_REASON


class KnownSite(models.Model):
    """This site, and others whose lessons were adopted on purpose.

    The row of this site also keeps in what the two stores were found to be of different ages.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    is_own = models.BooleanField(_("this site"), default=False)
    since = models.DateTimeField(_("since"), default=timezone.now)
    reason = models.CharField(_("why it was adopted"), max_length=LONGEST_REASON, blank=True)
    disagreement = models.TextField(_("stores of different ages"), blank=True)
    disagreed_at = models.DateTimeField(_("found at"), null=True)

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("sites")
        constraints = (
            models.UniqueConstraint(
                fields=("is_own",), condition=Q(is_own=True), name="site_is_one_database"
            ),
            models.CheckConstraint(
                name="site_disagreement_has_its_instant",
                condition=Q(disagreement="", disagreed_at=None)
                | (Q(disagreed_at__isnull=False) & ~Q(disagreement="")),
            ),
        )

    def __str__(self) -> str:
        return str(self.id)


class OlderLiveStore(models.Model):
    """Redis had come back older: emptied, from a backup, or as a late replica.

    A run found it, or a process of the site by what it had acknowledged. Of the lessons that were
    open at that time it may lack marks that nobody has counted.
    """

    found_at = models.DateTimeField(_("found at"), default=timezone.now)
    settled_at = models.DateTimeField(_("settled at"), null=True)
    """When somebody had looked."""

    class Meta:
        verbose_name = _("return of an older live store")
        verbose_name_plural = _("returns of an older live store")
        ordering = ("-id",)
        indexes = (
            models.Index(
                fields=("found_at",),
                name="older_live_store_open",
                condition=Q(settled_at__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"{timezone.localtime(self.found_at):%Y-%m-%d %H:%M}"
