"""The register of one lesson, its events and its refusals, wherever it lives."""

import contextlib
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models.functions import Coalesce

from attendance.errors import AttendanceError, LessonNotFound
from attendance.live import store
from attendance.live.payloads import LiveEvent
from attendance.live.refusals import LiveRefusal
from attendance.live.store import Register
from attendance.models import Attendance, AttendanceEvent, RefusedCheckIn
from attendance.rules.effective import only_effective
from attendance.selectors import shapes, whereabouts
from attendance.selectors.seen_numbers import find_in_lesson
from attendance.selectors.shapes import LessonBrief, RegisterRecord
from users.identity import Person, canonical_school_number
from users.selectors import account_id


class RegisterView(NamedTuple):
    lesson: LessonBrief
    revision: int
    records: Sequence[RegisterRecord] = ()
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
    lesson: LessonBrief
    events: Sequence[EventView]


class RefusalsView(NamedTuple):
    lesson: LessonBrief
    refusals: Sequence[LiveRefusal]


class HistoryView(NamedTuple):
    """One student in one lesson, and what happened there."""

    lesson: LessonBrief
    record: RegisterRecord | None
    events: Sequence[EventView]
    """Of this student, oldest first."""


def find_register(lesson_id: UUID, *, known_revision: int | None = None) -> RegisterView:
    """The records of a lesson by school number, those flagged as deleted among them.

    One read of Redis and one query of the ledger while the lesson is live, no query where it
    is still at `known_revision`. Three queries afterwards.
    Raises LessonNotFound, LessonUnreadable and LiveStoreUnavailable.
    """
    unchanged = _unchanged(lesson_id, known_revision) if known_revision is not None else None
    return unchanged or whereabouts.read(
        lesson_id,
        live=lambda: _live_register(store.register(lesson_id, known_revision=known_revision)),
        stored=lambda: _stored_register(find_attendance(lesson_id), known_revision),
    )


def _unchanged(lesson_id: UUID, known_revision: int) -> RegisterView | None:
    """The answer to a caller who has the revision that Redis holds; None for everybody else."""
    with contextlib.suppress(AttendanceError):
        live = store.register(lesson_id, known_revision=known_revision)
        if live.is_unchanged and not live.lesson.is_over:
            return _live_register(live)
    return None


def find_events(lesson_id: UUID) -> EventsView:
    """The events of a lesson, oldest first. Raises as `find_register`."""
    return whereabouts.read(
        lesson_id,
        live=lambda: _live_events(store.register(lesson_id, with_events=True)),
        stored=lambda: _stored_events(find_attendance(lesson_id)),
    )


def find_refusals(lesson_id: UUID) -> RefusalsView:
    """The refused check-ins of a lesson, by school number. Raises as `find_register`."""
    return whereabouts.read(
        lesson_id,
        live=lambda: _live_refusals(lesson_id),
        stored=lambda: _stored_refusals(find_attendance(lesson_id)),
    )


def find_record(lesson_id: UUID, school_number: str) -> RegisterRecord | None:
    """One student's record, or None. Raises InvalidSchoolNumber, and as `find_register`."""
    number = canonical_school_number(school_number)
    return whereabouts.read(
        lesson_id,
        live=lambda: _live_record(lesson_id, number),
        stored=lambda: _stored_record(find_attendance(lesson_id), number),
    )


def find_history(lesson_id: UUID, school_number: str) -> HistoryView:
    """One student's record with its events. Raises as `find_record`."""
    number = canonical_school_number(school_number)
    return whereabouts.read(
        lesson_id,
        live=lambda: _live_history(lesson_id, number),
        stored=lambda: _stored_history(find_attendance(lesson_id), number),
    )


def find_attendance(lesson_id: UUID) -> Attendance:
    """The stored lesson with its teacher and section. Raises LessonNotFound."""
    rows = Attendance.objects.select_related("teacher", "section")
    row = rows.filter(pk=lesson_id).first()
    if row is None:
        raise LessonNotFound
    return row


def _live_register(live: Register) -> RegisterView:
    return RegisterView(
        lesson=shapes.brief_of_live(live.lesson),
        revision=live.lesson.revision,
        records=records_of_live(live),
        is_unchanged=live.is_unchanged,
    )


def records_of_live(live: Register) -> list[RegisterRecord]:
    """The records of a live register; its copy of the roster says who is expected."""
    if live.lesson.data.section is None:
        return [
            shapes.record_of_live(record, device_group=live.devices.get(record.school_number))
            for record in live.records
        ]
    records = [
        shapes.record_of_live(
            record,
            is_expected=record.school_number in live.roster,
            device_group=live.devices.get(record.school_number),
        )
        for record in live.records
    ]
    roots = {number: listed.number for number, listed in live.roster.items()}
    return only_effective(records, roots)


def _live_events(live: Register) -> EventsView:
    events = [event_of_live(event) for event in live.events]
    return EventsView(shapes.brief_of_live(live.lesson), events)


def _live_refusals(lesson_id: UUID) -> RefusalsView:
    lesson = store.read_lesson(lesson_id)
    return RefusalsView(shapes.brief_of_live(lesson), store.read_refusals(lesson_id))


def _live_record(lesson_id: UUID, number: str) -> RegisterRecord | None:
    record = find_in_lesson(lesson_id, number).record
    return shapes.record_of_live(record) if record else None


def _live_history(lesson_id: UUID, number: str) -> HistoryView:
    history = store.read_history(lesson_id, number)
    if history.record is None:
        number = find_in_lesson(lesson_id, number).number
        history = store.read_history(lesson_id, number)
    record = shapes.record_of_live(history.record) if history.record else None
    own_events = (
        event
        for event in history.events
        if event.data.student and event.data.student.school_number == number
    )
    return HistoryView(
        shapes.brief_of_live(history.lesson), record, [event_of_live(event) for event in own_events]
    )


def _stored_register(row: Attendance, known_revision: int | None) -> RegisterView:
    lesson = shapes.brief_of_stored(row)
    if row.revision == known_revision:
        return RegisterView(lesson, row.revision, is_unchanged=True)
    return RegisterView(lesson, row.revision, effective_records(row))


def effective_records(row: Attendance) -> list[RegisterRecord]:
    """The records of a stored lesson, by school number: one for each person.

    Where two accounts of one person have a record, the one that does not count is left out;
    it stays where it is, and a merge that is taken back shows it again.
    """
    root = Coalesce("student__merged_into__school_number", "student__school_number")
    rows = row.records.select_related("student").order_by("student__school_number")
    annotated = list(rows.annotate(root=root))
    records = [shapes.record_of_stored(record) for record in annotated]
    roots = {record.student.school_number: record.root for record in annotated}
    return only_effective(records, roots)


def _stored_events(row: Attendance) -> EventsView:
    events = row.events.select_related("student", "actor").order_by("revision")
    return EventsView(shapes.brief_of_stored(row), [event_of_stored(event) for event in events])


def _stored_refusals(row: Attendance) -> RefusalsView:
    return RefusalsView(shapes.brief_of_stored(row), stored_refusals(row))


def stored_refusals(row: Attendance) -> list[LiveRefusal]:
    """The refused check-ins of a stored lesson, by school number."""
    return [_refusal(refusal) for refusal in row.refusals.order_by("school_number", "code")]


def _stored_record(attendance: Attendance, number: str) -> RegisterRecord | None:
    rows = attendance.records.select_related("student")
    row = rows.filter(student=account_id(number)).first()
    return shapes.record_of_stored(row) if row else None


def _stored_history(row: Attendance, number: str) -> HistoryView:
    events = row.events.select_related("student", "actor").order_by("revision")
    own_events = events.filter(student=account_id(number))
    return HistoryView(
        shapes.brief_of_stored(row),
        _stored_record(row, number),
        [event_of_stored(event) for event in own_events],
    )


def event_of_live(event: LiveEvent) -> EventView:
    """An event that is still in Redis."""
    data = event.data
    return EventView(
        revision=event.revision,
        kind=data.kind,
        happened_at=event.happened_at,
        actor=data.actor,
        source=data.source,
        student=data.student,
        old=event.old,
        new=event.new,
        reason=data.reason,
    )


def event_of_stored(row: AttendanceEvent) -> EventView:
    """The row's student and actor must have been selected with it."""
    student = row.student
    return EventView(
        revision=row.revision,
        kind=row.kind,
        happened_at=row.happened_at,
        actor=Person(row.actor.school_number, row.actor_name),
        source=row.source,
        student=Person(student.school_number, student.full_name) if student else None,
        old=row.old,
        new=row.new,
        reason=row.reason,
    )


def _refusal(row: RefusedCheckIn) -> LiveRefusal:
    return LiveRefusal(
        school_number=row.school_number,
        full_name=row.full_name,
        code=row.code,
        times=row.times,
        first_at=row.first_at,
        last_at=row.last_at,
    )
