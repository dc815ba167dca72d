"""What happens in courses when something changes in users."""

from datetime import timedelta
from typing import Any

from django.db.models.signals import post_save
from django.utils import timezone

from courses.models import Enrolment
from courses.signals import tell_roster_changed
from users.models import User
from users.selectors import accounts_query

_ON_A_ROSTER = {"school_number", "full_name"}


def connect() -> None:
    """Listen; called once, when the application is ready."""
    post_save.connect(_person_changed, sender=User, dispatch_uid="courses.person")


def _person_changed(
    instance: User, created: bool, update_fields: frozenset[str] | None, **kwargs: Any
) -> None:
    """Copies of rosters have numbers and names: they are read again."""
    if created or (update_fields is not None and _ON_A_ROSTER.isdisjoint(update_fields)):
        return
    yesterday = timezone.now().date() - timedelta(days=1)
    rows = Enrolment.objects.came_about().filter(
        user__in=accounts_query(instance.pk), section__ends_on__gt=yesterday
    )
    for section_id in set(rows.values_list("section_id", flat=True)):
        tell_roster_changed(section_id)
