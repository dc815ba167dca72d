"""The dry run: reads, decodes and compares, and changes nothing anywhere.

It does not try constraints: it cannot say what only PostgreSQL would refuse.
"""

from collections.abc import Sequence
from uuid import UUID

from attendance.models import AttendanceRecord
from attendance.services.persistence import snapshots, sums
from attendance.services.persistence.report import LessonReport
from attendance.services.persistence.row_values import Readable
from attendance.services.persistence.rows import Written


def compare_chunk(chunk: Sequence[UUID]) -> list[LessonReport]:
    """Report what persisting these lessons would do. Raises LiveStoreUnavailable."""
    lessons = snapshots.take_snapshots(chunk)
    revisions = _stored_revisions([each.snapshot.lesson.id for each in lessons.to_write])
    written = {
        each.snapshot.lesson.id: _compare(each.readable, revisions) for each in lessons.to_write
    }
    return sums.report_lessons(
        chunk, lessons, written=written, quarantined=sums.NOTHING_QUARANTINED
    )


def _stored_revisions(lesson_ids: Sequence[UUID]) -> dict[tuple[UUID, str], int]:
    rows = AttendanceRecord.objects.filter(attendance_id__in=lesson_ids)
    return {
        (lesson_id, number): revision
        for lesson_id, number, revision in rows.values_list(
            "attendance_id", "student__school_number", "revision"
        )
    }


def _compare(readable: Readable, revisions: dict[tuple[UUID, str], int]) -> Written:
    inserted = updated = unchanged = 0
    for record in readable.records:
        revision = revisions.get((readable.lesson.id, record.school_number))
        inserted += revision is None
        updated += revision is not None and revision < record.revision
        unchanged += revision is not None and revision >= record.revision
    return Written(inserted, updated, unchanged)
