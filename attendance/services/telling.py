"""What other systems are told of lessons and marks: as webhooks, in the transaction of its cause.

All of it is told by PostgreSQL's own commits, and once: what happens in Redis is told when the
ledger or the persistence task writes it down. So a start is told with the ledger's entry, which
the task makes up for where PostgreSQL was away, and an end that nobody pressed with the run that
sees it. docs/how-to/webhooks.md says so to those who listen.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from attendance.live.payloads import LiveEvent, LiveLesson
from attendance.models import Attendance, AttendanceEvent, AttendanceRecord
from attendance.selectors.shapes import state_of
from attendance.vocabulary import EventKind, LessonState
from webhooks.telling import Happening, tell
from webhooks.vocabulary import WebhookKind

_OF_A_MARK = frozenset(
    {
        EventKind.RECORD_CORRECTED,
        EventKind.RECORD_VERIFIED,
        EventKind.RECORD_RESTORED,
        EventKind.RECORD_REPLAYED,
        EventKind.RECORD_ARRIVED,
        EventKind.RECORD_EXCUSED,
        EventKind.RECORD_RECOMPUTED,
        EventKind.ROSTER_ADDED,
    }
)
_HELD_OR_NOT = {EventKind.LESSON_NOT_HELD: True, EventKind.LESSON_HELD: False}


class ToldLesson(NamedTuple):
    """A lesson that the persistence task has stored anew or further."""

    lesson: LiveLesson
    events: Sequence[LiveEvent]
    """Those that came in with it."""
    is_new: bool


def tell_observed(lessons: Iterable[LiveLesson]) -> None:
    """Of lessons that the ledger has entered or seen in another state."""
    tell([each for lesson in lessons for each in _life_of(lesson)])


def tell_stored(stored: Sequence[ToldLesson]) -> None:
    """Within the persisting transaction. Marks of a lesson that is new are told with it."""
    happenings = []
    for each in stored:
        lesson = each.lesson
        section_id = lesson.data.section.id if lesson.data.section else None
        happenings += [*_life_of(lesson), _persisted(lesson.id, section_id, lesson.revision)]
        if each.is_new and lesson.data.not_held is not None:
            happenings.append(_held(lesson.id, section_id, lesson.revision, is_not_held=True))
        elif not each.is_new:
            happenings += _of_live_events(lesson.id, section_id, each.events)
    tell(happenings)


def tell_marks(
    changes: Iterable[tuple[Attendance, AttendanceRecord, AttendanceEvent]],
) -> None:
    """Of changed marks of stored lessons, within the transaction that writes their events."""
    tell(
        [
            _corrected(attendance.pk, attendance.section_id, event.revision, row.school_number)
            for attendance, row, event in changes
            if event.kind in _OF_A_MARK
        ]
    )


def tell_lesson(attendance: Attendance, kind: EventKind) -> None:
    """Of a stored lesson that was changed as a whole, at the revision that it has now."""
    lesson_id, section_id, revision = attendance.pk, attendance.section_id, attendance.revision
    if kind in _HELD_OR_NOT:
        tell([_held(lesson_id, section_id, revision, is_not_held=_HELD_OR_NOT[kind])])
    else:
        tell([_persisted(lesson_id, section_id, revision)])


def _life_of(lesson: LiveLesson) -> Iterator[Happening]:
    state = state_of(lesson)
    if state is LessonState.SCHEDULED:
        return
    data = {
        "lesson_id": str(lesson.id),
        "section_id": lesson.data.section.id if lesson.data.section else None,
        "starts_at": lesson.starts_at.isoformat(),
        "ends_at": lesson.ends_at.isoformat(),
    }
    yield Happening(WebhookKind.LESSON_STARTED, str(lesson.id), data)
    if state is LessonState.ENDED:
        yield Happening(WebhookKind.LESSON_ENDED, str(lesson.id), data)


def _of_live_events(
    lesson_id: UUID, section_id: int | None, events: Iterable[LiveEvent]
) -> Iterator[Happening]:
    for event in events:
        kind = EventKind(event.data.kind)
        if kind in _HELD_OR_NOT:
            is_not_held = _HELD_OR_NOT[kind]
            yield _held(lesson_id, section_id, event.revision, is_not_held=is_not_held)
        elif kind in _OF_A_MARK and event.data.student is not None:
            yield _corrected(
                lesson_id, section_id, event.revision, event.data.student.school_number
            )


def _persisted(lesson_id: UUID, section_id: int | None, revision: int) -> Happening:
    data = _ids(lesson_id, section_id, revision)
    return Happening(WebhookKind.ATTENDANCE_PERSISTED, f"{lesson_id}|{revision}", data)


def _held(
    lesson_id: UUID, section_id: int | None, revision: int, *, is_not_held: bool
) -> Happening:
    data = _ids(lesson_id, section_id, revision) | {"not_held": is_not_held}
    return Happening(WebhookKind.LESSON_NOT_HELD, f"{lesson_id}|{revision}", data)


def _corrected(lesson_id: UUID, section_id: int | None, revision: int, number: str) -> Happening:
    data = _ids(lesson_id, section_id, revision) | {"school_number": number}
    return Happening(WebhookKind.RECORD_CORRECTED, f"{lesson_id}|{revision}", data)


def _ids(
    lesson_id: UUID, section_id: int | None, revision: int
) -> dict[str, str | int | bool | None]:
    return {"lesson_id": str(lesson_id), "section_id": section_id, "revision": revision}
