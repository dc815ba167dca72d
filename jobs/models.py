"""The table of jobs: work that leaves the house, kept until it is done."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

LONGEST_KIND = 100
LONGEST_ONCE = 200
LONGEST_ERROR = 200
LONGEST_LANE = 50


class JobQuerySet(models.QuerySet["Job"]):
    def waiting(self) -> "JobQuerySet":
        """Neither done nor given up."""
        return self.filter(settled_at=None, failed_at=None)

    def failed(self) -> "JobQuerySet":
        return self.filter(failed_at__isnull=False)


class Job(models.Model):
    """One call of a function of ours with these arguments; enqueued with its cause, in one commit.

    It holds no secret: what opens anything is made when the job runs.
    """

    kind = models.CharField(_("kind"), max_length=LONGEST_KIND)
    """The function, as `package.module.name`."""
    arguments = models.JSONField(_("arguments"), default=dict)
    once = models.CharField(_("cause"), max_length=LONGEST_ONCE, blank=True)
    """What the job is for: the same cause enqueues a kind once, while its row is kept."""
    lane = models.CharField(_("lane"), max_length=LONGEST_LANE, blank=True)
    """Of jobs that go to the same place: one of them is under way at a time."""
    enqueued_at = models.DateTimeField(_("enqueued at"), default=timezone.now)
    run_after = models.DateTimeField(_("not before"), default=timezone.now)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    leased_until = models.DateTimeField(_("held until"), null=True, blank=True)
    """By whoever runs it; afterwards it is anybody's again."""
    settled_at = models.DateTimeField(_("done at"), null=True, blank=True)
    failed_at = models.DateTimeField(_("given up at"), null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=LONGEST_ERROR, blank=True)

    objects: ClassVar[JobQuerySet] = JobQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("job to send")
        verbose_name_plural = _("jobs to send")
        ordering = ("-id",)
        indexes = (
            models.Index(
                name="job_waiting",
                fields=("run_after", "id"),
                condition=Q(settled_at=None, failed_at=None),
            ),
            models.Index(
                name="job_under_way",
                fields=("lane",),
                condition=~Q(lane="") & Q(leased_until__isnull=False),
            ),
            models.Index(
                name="job_failed", fields=("failed_at",), condition=Q(failed_at__isnull=False)
            ),
            models.Index(
                name="job_settled", fields=("settled_at",), condition=Q(settled_at__isnull=False)
            ),
        )
        constraints = (
            models.UniqueConstraint(
                name="job_once_per_cause", fields=("kind", "once"), condition=~Q(once="")
            ),
            models.CheckConstraint(name="job_has_a_kind", condition=~Q(kind="")),
            models.CheckConstraint(
                name="job_is_done_or_given_up",
                condition=Q(settled_at=None) | Q(failed_at=None),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
