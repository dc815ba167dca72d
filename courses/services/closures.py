"""Days without lessons."""

from datetime import date

from django.utils import timezone

from courses import rules
from courses.errors import ClosureNotFound
from courses.models import Closure
from courses.services.database_rules import writing
from courses.services.sections import lock_section
from courses.services.validation import check_days, clean_title
from courses.vocabulary import LONGEST_TITLE
from users.models import User


def close(
    *, title: str, starts_on: date, ends_on: date, actor: User, section_id: int | None = None
) -> Closure:
    """Say that there are no lessons from a day to another, exclusive.

    Of one section, or of the whole organisation where none is named. Raises NotStaff,
    InvalidText, InvalidDates, SectionNotFound and SectionArchived.
    """
    rules.check_may_manage(actor.as_person())
    check_days(starts_on, ends_on)
    words = clean_title(title, most=LONGEST_TITLE)
    with writing():
        section = None if section_id is None else lock_section(section_id)
        return Closure.objects.create(
            section=section, title=words, starts_on=starts_on, ends_on=ends_on
        )


def reopen(*, closure_id: int, actor: User) -> Closure:
    """Take a closure back: there are lessons on its days after all. Once more changes nothing.

    The row stays and says who did it and when; lessons that are stored stay as they are.
    Raises NotStaff, ClosureNotFound and SectionArchived.
    """
    rules.check_may_manage(actor.as_person())
    with writing():
        section_ids = Closure.objects.filter(pk=closure_id).values_list("section_id", flat=True)
        for section_id in section_ids:
            # The section first, as everywhere.
            if section_id is not None:
                lock_section(section_id)
        closure = Closure.objects.select_for_update(no_key=True).filter(pk=closure_id).first()
        if closure is None:
            raise ClosureNotFound
        if closure.reopened_at is None:
            closure.reopened_by, closure.reopened_at = actor, timezone.now()
            closure.save(update_fields=["reopened_by", "reopened_at"])
    return closure
