"""The register of one lesson, its events and its refusals, wherever it lives."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from attendance.errors import LessonNotFound
from attendance.live import store
from attendance.live.payloads import LiveEvent
from attendance.live.refusals import RefusedCheckIn
from attendance.live.store import Register
from attendance.models import Attendance, AttendanceEvent
from attendance.models import RefusedCheckIn as StoredRefusal
from attendance.selectors import lessons, shapes
from attendance.selectors.shapes import RegisterRecord
from users.identity import Person


class RegisterView(NamedTuple):
    teacher_number: str
    revision: int
    records: Sequence[RegisterRecord]
    is_unchanged: bool = False
    """Whether the caller knows this revision; then no records were read."""


class EventView(NamedTuple):
    """What happened, by whom, and why."""

    revision: int
    kind: str
    happened_at: datetime
    actor: Person
    source: str
    student: Person | None
    old: str
    new: str
    reason: str


class EventsView(NamedTuple):
    teacher_number: str
    events: Sequence[EventView]


class RefusalsView(NamedTuple):
    teacher_number: str
    refusals: Sequence[RefusedCheckIn]


def find_register(lesson_id: UUID, *, known_revision: int | None = None) -> RegisterView:
    """The records of a lesson by school number, those flagged as deleted among them.

    One read of Redis while the lesson is live, three queries afterwards. Raises
    LessonNotFound, LessonUnreadable and LiveStoreUnavailable.
    """
    try:
        live = _live(lesson_id, known_revision=known_revision)
    except LessonNotFound:
        return _stored_register(_attendance(lesson_id), known_revision)
    teacher = live.lesson.data.teacher.school_number
    records = [shapes.of_live(record) for record in live.records]
    return RegisterView(teacher, live.lesson.revision, records, live.is_unchanged)


def find_events(lesson_id: UUID) -> EventsView:
    """The events of a lesson, oldest first. Raises as `find_register`."""
    try:
        live = _live(lesson_id, with_events=True)
    except LessonNotFound:
        row = _attendance(lesson_id)
        stored = row.events.select_related("student", "actor").order_by("revision")
        return EventsView(row.teacher.school_number, [_of_stored(event) for event in stored])
    events = [_of_live(event) for event in live.events]
    return EventsView(live.lesson.data.teacher.school_number, events)


def find_refusals(lesson_id: UUID) -> RefusalsView:
    """The refused check-ins of a lesson, by school number. Raises as `find_register`."""
    try:
        lesson = store.read_lesson(lesson_id)
    except LessonNotFound:
        row = _attendance(lesson_id)
        found = [_refusal(each) for each in row.refusals.order_by("school_number", "code")]
        return RefusalsView(row.teacher.school_number, found)
    return RefusalsView(lesson.data.teacher.school_number, store.read_refusals(lesson_id))


def _live(
    lesson_id: UUID, *, known_revision: int | None = None, with_events: bool = False
) -> Register:
    found = store.register(lesson_id, known_revision=known_revision, with_events=with_events)
    if found.lesson.is_over and lessons.is_discarded(lesson_id):
        # An older copy came back: PostgreSQL has the newest words.
        raise LessonNotFound
    return found


def _attendance(lesson_id: UUID) -> Attendance:
    row = Attendance.objects.select_related("teacher").filter(pk=lesson_id).first()
    if row is None:
        raise LessonNotFound
    return row


def _stored_register(row: Attendance, known_revision: int | None) -> RegisterView:
    if row.revision == known_revision:
        return RegisterView(row.teacher.school_number, row.revision, [], is_unchanged=True)
    records = row.records.select_related("student").order_by("student__school_number")
    return RegisterView(
        row.teacher.school_number, row.revision, [shapes.of_stored(record) for record in records]
    )


def _of_live(event: LiveEvent) -> EventView:
    data = event.data
    return EventView(
        event.revision,
        data.kind,
        event.happened_at,
        data.actor,
        data.source,
        data.student,
        event.old,
        event.new,
        data.reason,
    )


def _of_stored(row: AttendanceEvent) -> EventView:
    student = row.student
    return EventView(
        row.revision,
        row.kind,
        row.happened_at,
        Person(row.actor.school_number, row.actor_name),
        row.source,
        Person(student.school_number, student.full_name) if student else None,
        row.old,
        row.new,
        row.reason,
    )


def _refusal(row: StoredRefusal) -> RefusedCheckIn:
    return RefusedCheckIn(
        row.school_number, row.full_name, row.code, row.times, row.first_at, row.last_at
    )
