"""Rules that several tables of courses keep, as constraints named after the rule."""

from datetime import date
from functools import reduce
from operator import and_

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from users.constraints import instants_are_sane, value_is_known

__all__ = [
    "days_are_sane",
    "ends_after_it_starts",
    "instants_are_sane",
    "is_within",
    "sourced_once",
    "value_is_known",
]

# As for instants: no lesson is outside these years.
FIRST_DAY = date(2000, 1, 1)
LAST_DAY = date(2100, 1, 1)


def ends_after_it_starts(name: str) -> models.CheckConstraint:
    """Whole days, the last one exclusive: what ends on its first day would have none."""
    return models.CheckConstraint(
        name=name,
        condition=Q(ends_on__gt=F("starts_on")),
        violation_error_message=_("The end must be after the first day."),
    )


def days_are_sane(name: str, *fields: str) -> models.CheckConstraint:
    constraint = is_within(name, FIRST_DAY, LAST_DAY, *fields)
    constraint.violation_error_message = _("Choose days between 2000 and 2100.")
    return constraint


def is_within(name: str, least: object, most: object, *fields: str) -> models.CheckConstraint:
    """Each field is in its bounds, or says nothing."""
    ranges = (Q(**{f"{field}__range": (least, most)}) for field in fields)
    return models.CheckConstraint(name=name, condition=reduce(and_, ranges))


def sourced_once(name: str) -> models.UniqueConstraint:
    """A system's id names one row; what was made by hand has none."""
    return models.UniqueConstraint(
        name=name, fields=("system", "sourced_id"), condition=~Q(sourced_id="")
    )
