"""A student says "here": one atomic step in Redis; PostgreSQL only where Redis has no such lesson.

This path does not read the ledger: `selectors/whereabouts.py` names it as an exception.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from attendance.errors import LessonClosed, LessonNotFound, RejectedByTeacher
from attendance.live import codes, store
from attendance.live.payloads import RecordData, SectionData
from attendance.live.store import Shown
from attendance.models import Attendance, AttendanceRecord
from attendance.selectors import shapes
from attendance.selectors.shapes import LessonBrief, RegisterRecord
from attendance.services import refusals, scans, shared_devices, validation
from attendance.services.rosters import live_rosters
from attendance.vocabulary import Refusal, Source, Status
from users.identity import Person
from users.selectors import accounts_of_number


class Given(NamedTuple):
    """What a student gives beside who they are."""

    code: str = ""
    """The code, typed or from the link."""
    scan: str = ""
    """A scan that `scans.keep_scan` signed for a code; it is valid for five minutes."""
    address: str = ""
    """The address that the request came from."""
    device: str = ""
    """The cookie of the browser, as `shared_devices.device_of` reads it."""
    other_numbers: Sequence[str] = ()
    """Of the same person: a record under one of them is theirs, and is not made twice."""


class CheckedIn(NamedTuple):
    record: RegisterRecord
    is_repeated: bool
    """Whether the student had a record before; then it is that one."""
    lesson: LessonBrief
    section: SectionData | None = None
    """The section of a live lesson, for the receipt."""


NOTHING = Given()


def check_in(lesson_id: UUID, *, student: Person, given: Given = NOTHING) -> CheckedIn:
    """Mark a student as here. Repeated, it returns the first record unchanged.

    Raises InvalidSchoolNumber, InvalidFullName, LessonNotFound, LessonNotOpen,
    LessonClosed, LessonNotHeld, LessonFull, CodeMissing, CodeWrong, CodeExpired, CodeLonger,
    TooManyWrongCodes, ScanNotYours, NetworkNotAllowed, NotOnRoster, RejectedByTeacher,
    LessonUnreadable and LiveStoreUnavailable.
    """
    person = validation.clean_person(student)
    data = RecordData(person.school_number, person.full_name, Source.STUDENT.value)
    shown = _clean_given(lesson_id, person, given)
    try:
        result = _take(lesson_id, data, shown, given.other_numbers)
    except LessonNotFound:
        return _answer_from_postgresql(lesson_id, person)
    lesson = shapes.brief_of_data(
        lesson_id, result.lesson, starts_at=result.starts_at, ends_at=result.ends_at
    )
    record = shapes.record_of_live(result.record)
    return CheckedIn(record, result.is_repeated, lesson, result.lesson.section)


def _take(
    lesson_id: UUID, data: RecordData, shown: Shown, other_numbers: Sequence[str]
) -> store.CheckIn:
    try:
        return store.check_in(lesson_id, data, shown, other_numbers=other_numbers)
    except store.NotExpected:
        # Whoever was enrolled meanwhile is on the copy now, and is no walk-in.
        live_rosters.ask_once_more(lesson_id, data.school_number)
    held = msgspec.structs.replace(data, reason=Refusal.NOT_ON_ROSTER.value)
    return store.check_in(lesson_id, data, shown, other_numbers=other_numbers, as_walk_in=held)


def _clean_given(lesson_id: UUID, person: Person, given: Given) -> Shown:
    # Most lessons ask for nothing: empty values are not checked at all.
    shown = store.NOTHING_SHOWN
    if given.scan:
        numbers = (person.school_number, *given.other_numbers)
        shown = scans.open_scan(given.scan, lesson_id, numbers=numbers, address=given.address)
    return shown._replace(
        code=codes.clean_code(given.code) if given.code else "",
        address=codes.hex_address(given.address) if given.address else "",
        device=shared_devices.in_lesson(given.device, lesson_id),
    )


def _answer_from_postgresql(lesson_id: UUID, student: Person) -> CheckedIn:
    """The answer where Redis has no such lesson: the stored record, or why it is too late."""
    rows = AttendanceRecord.objects.filter(
        attendance_id=lesson_id, student__in=accounts_of_number(student.school_number)
    )
    # A mark of the system is no answer to somebody who says "here", too late.
    rows = rows.exclude(source=Source.SYSTEM)
    row = rows.select_related("student", "attendance__teacher", "attendance__section").first()
    if row is None:
        ends_at = Attendance.objects.filter(pk=lesson_id).values_list("ends_at", flat=True).first()
        if ends_at is None:
            raise LessonNotFound
        refusals.note(lesson_id, student, Refusal.CLOSED)
        raise LessonClosed(ends_at=ends_at)
    if row.is_deleted or row.status == Status.REJECTED:
        refusals.note(lesson_id, student, Refusal.REJECTED)
        raise RejectedByTeacher
    lesson = shapes.brief_of_stored(row.attendance)
    return CheckedIn(shapes.record_of_stored(row), is_repeated=True, lesson=lesson)
