"""The dry run: reads, decodes and compares, and changes nothing anywhere.

It does not try constraints: what only PostgreSQL would refuse is not foreseen.
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
    read = snapshots.take_snapshots(chunk)
    known = _stored_revisions([each.snapshot.lesson.id for each in read.to_write])
    written = {each.snapshot.lesson.id: _compare(each.readable, known) for each in read.to_write}
    return sums.report_lessons(chunk, read, written=written, quarantined=sums.NOTHING_QUARANTINED)


def _stored_revisions(lesson_ids: Sequence[UUID]) -> dict[tuple[UUID, str], int]:
    rows = AttendanceRecord.objects.filter(attendance_id__in=lesson_ids)
    return {
        (lesson_id, number): revision
        for lesson_id, number, revision in rows.values_list(
            "attendance_id", "student__school_number", "revision"
        )
    }


def _compare(each: Readable, known: dict[tuple[UUID, str], int]) -> Written:
    inserted = updated = unchanged = 0
    for record in each.records:
        stored = known.get((each.lesson.id, record.school_number))
        inserted += stored is None
        updated += stored is not None and stored < record.revision
        unchanged += stored is not None and stored >= record.revision
    return Written(inserted, updated, unchanged)
