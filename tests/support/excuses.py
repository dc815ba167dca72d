"""What courses say of one lesson, asked for as persistence asks for many."""

from collections.abc import Iterable
from datetime import date, datetime

from courses.models import Section
from courses.selectors.expected import Meeting, closed_among, excuses_at
from users.models import User


def excused(
    section: Section, users: Iterable[User], starts_at: datetime, ends_at: datetime
) -> dict[int, int]:
    """The absence that excuses each user from a lesson of a section; whoever has none is out."""
    meeting = Meeting(section.pk, section.local_date(starts_at), starts_at, ends_at)
    found = excuses_at({meeting: [user.pk for user in users]})
    return {user_id: excuse.absence_id for (_, user_id), excuse in found.items()}


def is_closed(section: Section, on: date) -> bool:
    """Whether a section has no lessons on a day."""
    at = datetime.combine(on, datetime.min.time())
    meeting = Meeting(section.pk, on, at, at)
    return closed_among([meeting]) == {meeting}
