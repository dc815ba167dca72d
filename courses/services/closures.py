"""Days without lessons."""

from datetime import date

from courses import rules
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
