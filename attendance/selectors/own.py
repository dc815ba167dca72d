"""A student's own records: in live lessons and in stored ones, newest first."""

from collections import Counter
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, QuerySet

from attendance.errors import LessonNotFound
from attendance.live import store
from attendance.live.payloads import LiveLesson
from attendance.models import AttendanceRecord
from attendance.selectors import shapes, whereabouts
from attendance.selectors.paging import Page, Slice
from attendance.selectors.shapes import LessonBrief, RegisterRecord

_LESSON = ("attendance__teacher", "attendance__section")


class OwnRecord(NamedTuple):
    lesson: LessonBrief
    record: RegisterRecord


class OwnAttendance(NamedTuple):
    page: Page[OwnRecord]
    counts: Counter[str]
    """By status; records that a teacher took out are not counted."""


def list_own_records(school_number: str, part: Slice) -> Page[OwnRecord]:
    """Records of one student, of the newest lessons first.

    A fixed number of queries; each lesson in Redis is asked in the same round
    trip. Raises LiveStoreUnavailable.
    """
    live = _live_records(school_number)
    return _page(live, _stored_rows(school_number, live), part)


def find_own_attendance(school_number: str, part: Slice) -> OwnAttendance:
    """The same page, and each status with its number over all lessons of the student.

    Raises LiveStoreUnavailable.
    """
    live = _live_records(school_number)
    stored_rows = _stored_rows(school_number, live)
    rows = stored_rows.filter(deleted_at=None).values_list("status").annotate(n=Count("pk"))
    counts = Counter[str](dict(rows.order_by()))
    counts.update(own.record.status for own in live if not own.record.is_deleted)
    return OwnAttendance(_page(live, stored_rows, part), counts)


def _stored_rows(school_number: str, live: list[OwnRecord]) -> QuerySet[AttendanceRecord]:
    return AttendanceRecord.objects.filter(
        student__school_number=school_number, attendance__deleted_at=None
    ).exclude(attendance_id__in=[own.lesson.id for own in live])


def _page(
    live: list[OwnRecord], stored_rows: QuerySet[AttendanceRecord], part: Slice
) -> Page[OwnRecord]:
    rows = stored_rows.select_related("student", *_LESSON)
    records = {own.lesson.id: own for own in live if part.holds(own.lesson.id)}
    records |= {row.attendance_id: _of_row(row) for row in part.rows(rows, "attendance_id")}
    cut = part.cut(list(records))
    return Page([records[key] for key in cut.keys], cut.next_key, cut.previous_key)


def find_own(lesson_id: UUID, school_number: str) -> OwnRecord | None:
    """One student's record in one lesson, or None. Without a query while the lesson is open.

    It is on the path of a check-in: the student sees it just afterwards.
    Raises LessonUnreadable and LiveStoreUnavailable.
    """
    try:
        lesson = store.read_lesson(lesson_id)
    except LessonNotFound:
        return _find_stored(lesson_id, school_number)
    if lesson.takes_check_ins:
        return _find_live(lesson, school_number)
    return whereabouts.read(
        lesson_id,
        live=lambda: _find_live(lesson, school_number),
        stored=lambda: _find_stored(lesson_id, school_number),
    )


def _find_live(lesson: LiveLesson, school_number: str) -> OwnRecord | None:
    record = store.read_record(lesson.id, school_number, request_id="").record
    return _of_live(lesson, shapes.record_of_live(record)) if record else None


def _find_stored(lesson_id: UUID, school_number: str) -> OwnRecord | None:
    rows = AttendanceRecord.objects.select_related("student", *_LESSON)
    row = rows.filter(
        attendance_id=lesson_id,
        student__school_number=school_number,
        attendance__deleted_at=None,
    ).first()
    return _of_row(row) if row else None


def _live_records(school_number: str) -> list[OwnRecord]:
    own_records: list[OwnRecord] = []
    for page in store.due_pages():
        ids = [due.lesson_id for due in page]
        records = store.read_records_of(school_number, ids)
        lessons = store.read_lessons(list(records))
        for lesson_id, record in records.items():
            lesson = lessons[lesson_id]
            if isinstance(lesson, LiveLesson):
                own_records.append(_of_live(lesson, shapes.record_of_live(record)))
    discarded = whereabouts.discarded_among(own.lesson.id for own in own_records)
    return [own for own in own_records if own.lesson.id not in discarded]


def _of_live(lesson: LiveLesson, record: RegisterRecord) -> OwnRecord:
    return OwnRecord(shapes.brief_of_live(lesson), record)


def _of_row(row: AttendanceRecord) -> OwnRecord:
    return OwnRecord(shapes.brief_of_stored(row.attendance), shapes.record_of_stored(row))
