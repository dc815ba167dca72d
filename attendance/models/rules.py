"""Rules that several tables keep, as constraints named after the rule."""

from django.db import models
from django.db.models import F, Q

from users.constraints import instants_are_sane, not_negative, value_is_known

__all__ = [
    "SoftDeleted",
    "deletion_is_explained",
    "ends_after_start",
    "instants_are_sane",
    "not_negative",
    "value_is_known",
]


def ends_after_start(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(name=name, condition=Q(ends_at__gte=F("starts_at")))


def deletion_is_explained(name: str) -> models.CheckConstraint:
    """Not deleted, or deleted with reason, time and actor."""
    return models.CheckConstraint(
        name=name,
        condition=Q(deleted_at=None, deleted_by=None, deleted_reason="")
        | (Q(deleted_at__isnull=False, deleted_by__isnull=False) & ~Q(deleted_reason="")),
    )


class SoftDeleted(models.Model):
    """A row that is flagged as deleted, never removed."""

    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    deleted_by = models.ForeignKey(
        "users.User",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        # Few rows are deleted, and every row would have an entry in the index.
        db_index=False,
    )
    deleted_reason = models.CharField(max_length=500, blank=True, editable=False)

    class Meta:
        abstract = True

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None
