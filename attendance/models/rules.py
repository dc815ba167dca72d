"""Rules that several tables keep, as constraints named after the rule."""

from functools import reduce
from operator import and_

from django.db import models
from django.db.models import F, Q

from attendance.rules.instants import FIRST_MS, LAST_MS, instant

# PostgreSQL stores instants outside these years that cannot be read back.
FIRST_INSTANT = instant(FIRST_MS)
LAST_INSTANT = instant(LAST_MS)


def instants_are_sane(name: str, *fields: str) -> models.CheckConstraint:
    ranges = (Q(**{f"{field}__range": (FIRST_INSTANT, LAST_INSTANT)}) for field in fields)
    return models.CheckConstraint(name=name, condition=reduce(and_, ranges))


def ends_after_start(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(name=name, condition=Q(ends_at__gte=F("starts_at")))


def value_is_known(
    name: str, field: str, choices: type[models.TextChoices]
) -> models.CheckConstraint:
    return models.CheckConstraint(name=name, condition=Q(**{f"{field}__in": choices.values}))


def not_negative(name: str, field: str) -> models.CheckConstraint:
    return models.CheckConstraint(name=name, condition=Q(**{f"{field}__gte": 0}))


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
