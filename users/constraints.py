"""Rules that tables of every app keep, as constraints named after the rule."""

from datetime import UTC, datetime
from functools import reduce
from operator import and_

from django.db import models
from django.db.models import Q

# PostgreSQL stores instants outside these years that cannot be read back.
FIRST_INSTANT = datetime(2000, 1, 1, tzinfo=UTC)
LAST_INSTANT = datetime(2100, 1, 1, tzinfo=UTC)


def instants_are_sane(name: str, *fields: str) -> models.CheckConstraint:
    ranges = (Q(**{f"{field}__range": (FIRST_INSTANT, LAST_INSTANT)}) for field in fields)
    return models.CheckConstraint(name=name, condition=reduce(and_, ranges))


def value_is_known(
    name: str, field: str, choices: type[models.TextChoices]
) -> models.CheckConstraint:
    return models.CheckConstraint(name=name, condition=Q(**{f"{field}__in": choices.values}))


def not_negative(name: str, field: str) -> models.CheckConstraint:
    return models.CheckConstraint(name=name, condition=Q(**{f"{field}__gte": 0}))
