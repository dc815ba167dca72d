"""Redis came back older than PostgreSQL: a restored backup, or a promoted replica."""

from attendance.live import store
from attendance.live.records import LiveLesson, LiveRecord, Mark
from attendance.live.store import CorruptPayload, Snapshot
from attendance.models import AttendanceRecord
from attendance.services.columns import reason_of

REASON = "an older copy of the lesson in Redis says something else than PostgreSQL"


def is_still_there(snapshot: Snapshot) -> bool:
    """Whether Redis, looked at again, still holds the lesson at this very revision."""
    lesson = store.read_lessons([snapshot.lesson.id])[snapshot.lesson.id]
    return isinstance(lesson, LiveLesson) and lesson.revision == snapshot.lesson.revision


def differing(snapshot: Snapshot) -> list[CorruptPayload]:
    """The payloads of an older copy that say something else than the stored rows."""
    decoded = snapshot.decode()
    stored = {
        row.student.school_number: row
        for row in AttendanceRecord.objects.filter(attendance_id=snapshot.lesson.id).select_related(
            "student"
        )
    }
    other = [
        CorruptPayload(
            "record",
            record.school_number,
            snapshot.raw_records[record.school_number.encode()],
            REASON,
        )
        for record in decoded.records
        if not _says_the_same(record, stored.get(record.school_number))
    ]
    return [*decoded.corrupt, *other]


def _says_the_same(record: LiveRecord, row: AttendanceRecord | None) -> bool:
    return row is not None and (
        record.status,
        record.checked_in_at,
        record.full_name,
        record.source,
        reason_of(record),
        record.mark == Mark.KEPT,
    ) == (row.status, row.checked_in_at, row.full_name, row.source, row.reason, not row.is_deleted)
