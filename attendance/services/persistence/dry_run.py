"""The dry run: reads, decodes and compares, and changes nothing anywhere.

It does not try constraints: it cannot say what only PostgreSQL would refuse.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from attendance.models import AttendanceRecord
from attendance.services.persistence import captured, snapshots, sums
from attendance.services.persistence.report import LessonReport
from attendance.services.persistence.row_values import Readable
from attendance.services.persistence.rows import Written
from users.selectors import account_ids


def compare_chunk(chunk: Sequence[UUID]) -> list[LessonReport]:
    """Report what persisting these lessons would do. Raises LiveStoreUnavailable."""
    lessons = snapshots.take_snapshots(chunk)
    revisions = _stored_revisions([each.snapshot.lesson.id for each in lessons.to_write])
    readable = [each.readable for each in lessons.to_write]
    users = account_ids({r.school_number for lesson in readable for r in lesson.records})
    written = {lesson.lesson.id: _compare(lesson, revisions, users) for lesson in readable}
    rows = captured.count_rows(lessons._replace(to_write=[]), ())
    rows |= {i: x.inserted + x.updated + x.unchanged for i, x in written.items()}
    reports = sums.report_lessons(
        lessons, written=written, quarantined=sums.NOTHING_QUARANTINED, rows=rows
    )
    return reports + sums.busy(chunk, reports)


def _stored_revisions(lesson_ids: Sequence[UUID]) -> dict[tuple[UUID, int], int]:
    rows = AttendanceRecord.objects.filter(attendance_id__in=lesson_ids)
    return {
        (lesson_id, student_id): revision
        for lesson_id, student_id, revision in rows.values_list(
            "attendance_id", "student_id", "revision"
        )
    }


def _compare(
    readable: Readable, revisions: Mapping[tuple[UUID, int], int], users: Mapping[str, int]
) -> Written:
    inserted = updated = unchanged = 0
    for record in readable.records:
        revision = revisions.get((readable.lesson.id, users.get(record.school_number, 0)))
        inserted += revision is None
        updated += revision is not None and revision < record.revision
        unchanged += revision is not None and revision >= record.revision
    return Written(inserted, updated, unchanged)
