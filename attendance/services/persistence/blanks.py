"""What an older copy of a lesson still has to say: marks where PostgreSQL has a blank.

A copy that came back is older than what is stored, and no word of it goes over a person's. But
a student who has no record, or one that the system made, was here if the copy says so.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import F

from attendance.models import Attendance
from attendance.services import system_marks
from attendance.services.persistence import rows
from attendance.services.persistence.row_values import Readable
from attendance.services.persistence.rows import Written
from users.services import ensure_users


def fill_blanks(copies: Sequence[Readable]) -> dict[UUID, Written]:
    """Within the persisting transaction: bring these records in; nothing else of the copies.

    The attendance gets its next revision, so that readers see that something has changed.
    """
    copies = [copy for copy in copies if copy.records]
    if not copies:
        return {}
    records = (record for copy in copies for record in copy.records)
    users = ensure_users(p for record in records for p in rows.people_of_record(record))
    inserted, updated = rows.move_records_forward(copies, users)
    ids = [copy.lesson.id for copy in copies]
    Attendance.objects.filter(pk__in=ids).update(revision=F("revision") + 1)
    system_marks.settle_expectations(ids)
    return {i: Written(inserted=inserted[i], updated=updated[i]) for i in ids}
