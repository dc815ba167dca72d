"""Everybody who is expected at one lesson, with their record or without, wherever it lives."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from attendance.live import store
from attendance.live.store import Register
from attendance.models import Attendance
from attendance.rules.effective import effective_by_person
from attendance.selectors import registers, shapes, whereabouts
from attendance.selectors.shapes import LessonBrief, RegisterRecord
from courses.selectors.rosters import roster_on
from users.selectors import roots_of_numbers


class ExpectedPerson(NamedTuple):
    school_number: str
    full_name: str
    record: RegisterRecord | None
    """The one that counts; None for whoever has none, or none that was not taken out."""


class ExpectedView(NamedTuple):
    lesson: LessonBrief
    people: Sequence[ExpectedPerson]
    """By school number; nobody where the lesson has no section."""


def find_expected_people(lesson_id: UUID) -> ExpectedView:
    """Who is expected at a lesson: by the copy of its roster while it is live, afterwards by
    what was written down when the roster was closed, and by the enrolments before that.

    Raises LessonNotFound, LessonUnreadable and LiveStoreUnavailable.
    """
    return whereabouts.read(
        lesson_id,
        live=lambda: _of_live(store.register(lesson_id)),
        stored=lambda: _of_stored(registers.find_attendance(lesson_id)),
    )


def _of_live(live: Register) -> ExpectedView:
    records = {record.school_number: record for record in registers.records_of_live(live)}
    numbers: dict[str, list[str]] = {}
    for number, listed in live.roster.items():
        numbers.setdefault(listed.number, []).append(number)
    people = [
        ExpectedPerson(root, live.roster[own[0]].full_name, _first(records, [root, *own]))
        for root, own in numbers.items()
    ]
    return ExpectedView(shapes.brief_of_live(live.lesson), sorted(people))


def _of_stored(row: Attendance) -> ExpectedView:
    lesson = shapes.brief_of_stored(row)
    records = {record.school_number: record for record in registers.effective_records(row)}
    if row.roster_closed_at is not None:
        return ExpectedView(lesson, _of_closed_roster(records))
    if lesson.section is None:
        return ExpectedView(lesson, [])
    roster = roster_on(section_id=lesson.section.id, on=lesson.section.held_on)
    return ExpectedView(
        lesson,
        [
            ExpectedPerson(person.school_number, person.full_name, _first(records, person.numbers))
            for person in roster.values()
        ],
    )


def _of_closed_roster(records: Mapping[str, RegisterRecord]) -> list[ExpectedPerson]:
    """Each person once, under the number of their root, with the record that counts."""
    expected = [record for record in records.values() if record.is_expected]
    roots = roots_of_numbers(record.school_number for record in expected)
    counting = effective_by_person(expected, roots)
    return [
        ExpectedPerson(number, record.full_name, None if record.is_deleted else record)
        for number, record in sorted(counting.items())
    ]


def _first(records: Mapping[str, RegisterRecord], numbers: Sequence[str]) -> RegisterRecord | None:
    found = (records[number] for number in numbers if number in records)
    return next((record for record in found if not record.is_deleted), None)
