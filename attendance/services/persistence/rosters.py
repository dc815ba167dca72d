"""The rosters of the lessons that a chunk stores: read before its rows, closed with them.

The records of a new attendance go straight in, and the marks of those who were missing with
them. A known attendance is closed by statements of its own.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from django.utils import timezone

from attendance.live.payloads import LiveLesson
from attendance.rules.instants import instant, milliseconds
from attendance.rules.verdicts import Mark
from attendance.services.persistence.row_values import Readable
from attendance.services.rosters import system_marks
from attendance.services.rosters.expected import LessonOfSection, find_expected
from attendance.services.rosters.system_marks import Closed

_UNDONE = Mark.UNDONE.value


def read(lessons: Sequence[Readable], *, held: Collection[int] = ()) -> list[Readable]:
    """The same lessons with who was expected at each; no statement where none has a section.

    `held` are the ids of the users whose rows this transaction holds.
    """
    of_sections = [_of_section(x.lesson) for x in lessons if x.lesson.data.section is not None]
    expected = find_expected(of_sections, held=held)
    now = milliseconds(timezone.now())
    return [
        lesson._replace(expected=who, closed_at=now if who.is_owed else None)
        if (who := expected.get(lesson.lesson.id))
        else lesson
        for lesson in lessons
    ]


def _of_section(lesson: LiveLesson) -> LessonOfSection:
    section = lesson.data.section
    assert section is not None  # noqa: S101 - the caller has looked
    return LessonOfSection(
        lesson_id=lesson.id,
        section_id=section.id,
        policy_id=section.policy_id,
        held_on=section.day_of(lesson.starts_at),
        starts_at=lesson.starts_at,
        ends_at=lesson.ends_at,
        is_held=lesson.data.not_held is None,
    )


def with_marks(lesson: Readable) -> Readable:
    """A lesson for a new attendance: its records, then a mark for each who is missing."""
    if lesson.expected is None or lesson.closed_at is None:
        return lesson
    taken = frozenset(record.school_number for record in lesson.records)
    marks = system_marks.marks_of(lesson.expected, taken, at=instant(lesson.closed_at))
    return lesson._replace(records=[*lesson.records, *marks])


def ids_of(lessons: Iterable[Readable]) -> dict[str, int]:
    """The user of each number that is expected at these lessons."""
    people = (p for x in lessons if x.expected is not None for p in x.expected.people)
    return {person.school_number: person.user_id for person in people}


def closed_by_copy(lesson: Readable, full: Readable) -> Closed:
    """What `with_marks` has added to a lesson."""
    if lesson.expected is None:
        return Closed()
    return Closed(len(lesson.expected.people), len(full.records) - len(lesson.records))


def still_open(lesson: Readable) -> Readable:
    """A lesson for a known attendance: its roster is closed afterwards, or was before."""
    return lesson._replace(closed_at=None)


def has_undone(lesson: Readable) -> bool:
    """Whether an addition was taken back: that leaves a blank, which the rows do not fill."""
    return any(record.mark == _UNDONE for record in lesson.records)


def close(lessons: Sequence[Readable]) -> Mapping[UUID, Closed]:
    """Once the rows of a chunk are written: close what is open, and settle what was closed."""
    expected = {x.lesson.id: x.expected for x in lessons if x.expected is not None}
    if not expected:
        return {}
    now = timezone.now()
    closed = system_marks.close_rosters(expected, at=now)
    system_marks.settle_stored(expected, at=now)
    return closed
