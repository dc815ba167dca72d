"""When the database refuses a lesson: halve it until the refused payloads stand alone."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

from django.db import transaction

from attendance.live.payloads import LiveEvent, LiveRecord
from attendance.services.database_errors import Kind, kind_of, text_of
from attendance.services.persistence import people, rosters, rows
from attendance.services.persistence.lanes import Turn
from attendance.services.persistence.refused import Refused, displaced, one_for_each_person
from attendance.services.persistence.row_values import Readable
from attendance.services.persistence.rows import Written
from users.selectors import account_ids
from users.services import ensure_users

Item = TypeVar("Item", LiveRecord, LiveEvent)


def write(lessons: Sequence[Readable], _: Turn) -> tuple[dict[UUID, Written], list[Refused]]:
    """Write lessons under savepoints. Returns what was written and what was refused.

    All in the turn to read: each part ensures its users, and may wait for those that the other
    lane has made. That one must not wait to write meanwhile.

    Raises what the database says of an attendance itself, and every error that
    is not about data.
    """
    written: dict[UUID, Written] = {}
    refused: list[Refused] = []
    for lesson in lessons:
        written[lesson.lesson.id], refused_of_lesson = _write_one(lesson)
        refused += refused_of_lesson
    return written, refused


def _write_one(readable: Readable) -> tuple[Written, list[Refused]]:
    lesson_id = readable.lesson.id
    users = ensure_users(people.of_lesson(readable.lesson))
    [readable] = [rosters.still_open(lesson) for lesson in rosters.read([readable])]
    numbers = [record.school_number for record in readable.records]
    readable, second = one_for_each_person(readable, account_ids(numbers))
    rows.write_attendances([readable], users)
    total = Written()

    def write_records(part: Sequence[LiveRecord]) -> None:
        nonlocal total
        users = ensure_users(p for record in part for p in people.of_record(record))
        piece = readable._replace(records=part, events=[])
        total = _sum(total, rows.move_forward([piece], users)[lesson_id])

    def write_events(part: Sequence[LiveEvent]) -> None:
        nonlocal total
        users = ensure_users(p for event in part for p in people.of_event(event))
        piece = readable._replace(records=[], events=part)
        total = _sum(total, rows.move_forward([piece], users)[lesson_id])

    # By number, so that the users of all parts are locked in one order.
    in_order = sorted(readable.records, key=lambda record: record.school_number)
    refused = _halve(lesson_id, in_order, write_records)
    refused += _halve(lesson_id, readable.events, write_events)
    total = total._replace(closed=rosters.close([readable]).get(lesson_id, total.closed))
    return total, [*second, *refused, *displaced({lesson_id: total})]


def _sum(one: Written, other: Written) -> Written:
    return Written(
        one.inserted + other.inserted,
        one.updated + other.updated,
        one.unchanged + other.unchanged,
        one.events + other.events,
        one.event_revisions + other.event_revisions,
        displaced=one.displaced + other.displaced,
    )


def _halve(
    lesson_id: UUID, part: Sequence[Item], write_part: Callable[[Sequence[Item]], None]
) -> list[Refused]:
    if not part:
        return []
    try:
        with transaction.atomic():
            write_part(part)
    except Exception as error:
        if kind_of(error) is not Kind.DATA:
            raise
        if len(part) == 1:
            return [Refused(lesson_id, part[0], text_of(error))]
        middle: int = len(part) // 2
        return [
            *_halve(lesson_id, part[:middle], write_part),
            *_halve(lesson_id, part[middle:], write_part),
        ]
    return []
