"""What an older copy of a lesson still has to say comes in: see `older_copies`."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import F

from attendance.models import Attendance
from attendance.services.persistence import people, rows
from attendance.services.persistence.row_values import Readable
from attendance.services.persistence.rows import Written
from attendance.services.rosters import system_marks
from users.services import ensure_users


def bring_in(copies: Sequence[Readable]) -> dict[UUID, Written]:
    """Within the persisting transaction: bring in these records and events, and nothing else.

    The attendance gets its next revision, so that readers see that something has changed.
    """
    copies = [copy for copy in copies if copy.records or copy.events]
    if not copies:
        return {}
    users = ensure_users(people.of_lessons(copies))
    inserted, updated = rows.move_records_forward(copies, users)
    events = rows.add_events(copies, users)
    ids = [copy.lesson.id for copy in copies]
    Attendance.objects.filter(pk__in=ids).update(revision=F("revision") + 1)
    system_marks.settle_expectations(ids)
    return {i: Written(inserted[i], updated[i], 0, len(events[i]), tuple(events[i])) for i in ids}
