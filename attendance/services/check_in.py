"""A student says "here": one atomic step in Redis, and PostgreSQL only where Redis has nothing."""

from typing import NamedTuple
from uuid import UUID

from attendance.errors import LessonClosed, LessonNotFound
from attendance.live import store
from attendance.live.records import RecordData
from attendance.models import Attendance, AttendanceRecord
from attendance.services import entry, register
from attendance.services.register import RegisterRecord
from attendance.vocabulary import Source
from users.identity import Person


class CheckedIn(NamedTuple):
    record: RegisterRecord
    is_repeated: bool
    """Whether the student had a record before; then it is that one."""


def check_in(lesson_id: UUID, *, student: Person) -> CheckedIn:
    """Mark a student as here. Repeated, it returns the first record unchanged.

    Raises InvalidSchoolNumber, InvalidFullName, LessonNotFound, LessonNotOpen,
    LessonClosed, LessonFull, LessonUnreadable and LiveStoreUnavailable.
    """
    person = entry.clean_person(student)
    data = RecordData(person.school_number, person.full_name, Source.STUDENT.value)
    try:
        done = store.check_in(lesson_id, data)
    except LessonNotFound:
        return _stored(lesson_id, person)
    return CheckedIn(register.of_live(done.record), done.is_repeated)


def _stored(lesson_id: UUID, student: Person) -> CheckedIn:
    """Redis does not know the lesson: PostgreSQL is asked once."""
    rows = AttendanceRecord.objects.filter(
        attendance_id=lesson_id, student__school_number=student.school_number
    )
    row = rows.select_related("student").first()
    if row is not None:
        return CheckedIn(register.of_stored(row), is_repeated=True)
    ends_at = Attendance.objects.filter(pk=lesson_id).values_list("ends_at", flat=True).first()
    if ends_at is None:
        raise LessonNotFound
    raise LessonClosed(ends_at=ends_at.isoformat())
