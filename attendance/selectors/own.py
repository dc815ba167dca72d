"""A student's own records: in live lessons and in stored ones, newest first.

Who asks is named by the numbers of all their accounts, as `Caller.numbers` has them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, QuerySet

from attendance.errors import LessonNotFound
from attendance.live import store
from attendance.live.payloads import LiveLesson
from attendance.models import AttendanceRecord
from attendance.rules.effective import effective
from attendance.selectors import shapes, whereabouts
from attendance.selectors.paging import Page, Slice
from attendance.selectors.shapes import LessonBrief, RegisterRecord
from attendance.vocabulary import LessonState

_LESSON = ("attendance__teacher", "attendance__section")
_OVER = (LessonState.ENDED, LessonState.PERSISTED, LessonState.DISCARDED, LessonState.FAILED)
Numbers = tuple[str, ...]


class OwnRecord(NamedTuple):
    lesson: LessonBrief
    record: RegisterRecord


class OwnAttendance(NamedTuple):
    page: Page[OwnRecord]
    counts: Counter[str]
    """By status; records that were taken out and lessons that were not held are not counted."""


def list_own_records(numbers: Numbers, part: Slice) -> Page[OwnRecord]:
    """Records of one student, of the newest lessons first; one in each lesson.

    A fixed number of queries; all lessons in Redis are asked in the same round trip, for all
    numbers. Raises LiveStoreUnavailable.
    """
    live = _live_records(numbers)
    return _page(live, _stored_rows(numbers, live), numbers, part)


def find_own_attendance(numbers: Numbers, part: Slice) -> OwnAttendance:
    """The same page, and each status with its number over all lessons of the student.

    Raises LiveStoreUnavailable.
    """
    live = _live_records(numbers)
    stored_rows = _stored_rows(numbers, live)
    kept = stored_rows.filter(deleted_at=None, attendance__not_held_at=None)
    counts = Counter[str](dict(kept.values_list("status").annotate(n=Count("pk")).order_by()))
    if len(numbers) > 1:
        counts.subtract(_not_effective(kept))
    counts.update(
        own.record.status
        for own in live
        if not own.record.is_deleted and not own.lesson.not_held_reason
    )
    return OwnAttendance(_page(live, stored_rows, numbers, part), counts)


def _not_effective(kept: QuerySet[AttendanceRecord]) -> Iterator[str]:
    """The statuses of those records that another account's record in the lesson outranks."""
    twice = kept.values("attendance").annotate(n=Count("pk")).filter(n__gt=1).order_by()
    rows = kept.filter(attendance__in=twice.values("attendance")).select_related("student")
    by_lesson: dict[UUID, list[RegisterRecord]] = defaultdict(list)
    for row in rows:
        by_lesson[row.attendance_id].append(shapes.record_of_stored(row))
    for records in by_lesson.values():
        records.remove(effective(records))
        yield from (record.status for record in records)


def _stored_rows(numbers: Numbers, live: list[OwnRecord]) -> QuerySet[AttendanceRecord]:
    return AttendanceRecord.objects.filter(
        student__school_number__in=numbers, attendance__deleted_at=None
    ).exclude(attendance_id__in=[own.lesson.id for own in live])


def _page(
    live: list[OwnRecord],
    stored_rows: QuerySet[AttendanceRecord],
    numbers: Numbers,
    part: Slice,
) -> Page[OwnRecord]:
    records = {own.lesson.id: [own] for own in live if part.holds(own.lesson.id)}
    for own in _stored_part(stored_rows, numbers, part):
        records.setdefault(own.lesson.id, []).append(own)
    cut = part.cut(list(records))
    items = [_effective(records[key]) for key in cut.keys]
    return Page(items, cut.next_key, cut.previous_key)


def _stored_part(
    stored_rows: QuerySet[AttendanceRecord], numbers: Numbers, part: Slice
) -> list[OwnRecord]:
    rows = stored_rows.select_related("student", *_LESSON)
    if len(numbers) == 1:
        return [_of_row(row) for row in part.rows(rows, "attendance_id")]
    # A page is so many lessons: several accounts may have a record in one.
    lessons = stored_rows.values_list("attendance_id", flat=True).distinct()
    ids = part.rows(lessons, "attendance_id")
    return [_of_row(row) for row in rows.filter(attendance_id__in=ids)]


def _effective(own_records: Sequence[OwnRecord]) -> OwnRecord:
    """The one of a student's records in one lesson that is shown."""
    chosen = effective(own.record for own in own_records)
    return next(own for own in own_records if own.record is chosen)


def find_own(lesson_id: UUID, numbers: Numbers) -> OwnRecord | None:
    """One student's record in one lesson, or None. Without a query while the lesson is open.

    It is on the path of a check-in: the student sees it just afterwards.
    Raises LessonUnreadable and LiveStoreUnavailable.
    """
    try:
        lesson = store.read_lesson(lesson_id)
    except LessonNotFound:
        return _find_stored(lesson_id, numbers)
    if lesson.takes_check_ins:
        return _find_live(lesson, numbers)
    return whereabouts.read(
        lesson_id,
        live=lambda: _find_live(lesson, numbers),
        stored=lambda: _find_stored(lesson_id, numbers),
    )


def is_over(lesson_id: UUID) -> bool:
    """Whether a lesson in which a student has no mark is known to be over; one query."""
    return whereabouts.ledger_state(lesson_id) in _OVER


def _find_live(lesson: LiveLesson, numbers: Numbers) -> OwnRecord | None:
    found = (store.read_record(lesson.id, number).record for number in numbers)
    own_records = [_of_live(lesson, shapes.record_of_live(each)) for each in found if each]
    return _effective(own_records) if own_records else None


def _find_stored(lesson_id: UUID, numbers: Numbers) -> OwnRecord | None:
    rows = AttendanceRecord.objects.select_related("student", *_LESSON).filter(
        attendance_id=lesson_id,
        student__school_number__in=numbers,
        attendance__deleted_at=None,
    )
    own_records = [_of_row(row) for row in rows]
    return _effective(own_records) if own_records else None


def _live_records(numbers: Numbers) -> list[OwnRecord]:
    found = store.find_records_of(numbers)
    # The register shows nothing of a lesson that is starting or cannot be read.
    lessons = store.read_lessons(list(found))
    live = {
        lesson_id: lesson
        for lesson_id, lesson in lessons.items()
        if isinstance(lesson, LiveLesson) and not lesson.is_starting
    }
    discarded = whereabouts.discarded_among(live)
    return [
        _of_live(lesson, effective(map(shapes.record_of_live, found[lesson_id])))
        for lesson_id, lesson in live.items()
        if lesson_id not in discarded
    ]


def _of_live(lesson: LiveLesson, record: RegisterRecord) -> OwnRecord:
    return OwnRecord(shapes.brief_of_live(lesson), record)


def _of_row(row: AttendanceRecord) -> OwnRecord:
    return OwnRecord(shapes.brief_of_stored(row.attendance), shapes.record_of_stored(row))
