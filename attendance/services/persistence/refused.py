"""What a lesson holds and its rows cannot take: it goes to quarantine, and is counted there."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from attendance.live.payloads import LiveEvent, LiveRecord
from attendance.rules.effective import effective
from attendance.services.persistence.row_values import Readable
from attendance.services.persistence.rows import Written

DISPLACED = "PostgreSQL holds another word in its place"
SECOND = "the person has another record in this lesson, under another of their numbers"


class Refused(NamedTuple):
    """A payload that has no row, and why."""

    lesson_id: UUID
    item: LiveRecord | LiveEvent
    reason: str


def displaced(written: Mapping[UUID, Written]) -> list[Refused]:
    """Records and events in whose place PostgreSQL has others."""
    return [
        Refused(i, item, DISPLACED) for i, result in written.items() for item in result.displaced
    ]


def one_for_each_person(
    lesson: Readable, users: Mapping[str, int]
) -> tuple[Readable, list[Refused]]:
    """The lesson with one record for each user, the one that counts; and the others.

    Whoever got another number in the middle of a lesson may have a record under both. `users`
    maps numbers to ids; a number that is not there is of somebody of their own.
    """
    ids = [users.get(record.school_number, record.school_number) for record in lesson.records]
    if len(set(ids)) == len(ids):
        return lesson, []
    by_user: dict[int | str, list[LiveRecord]] = defaultdict(list)
    for user, record in zip(ids, lesson.records, strict=True):
        by_user[user].append(record)
    kept = [effective(records) for records in by_user.values()]
    numbers = {record.school_number for record in kept}
    left_out = [record for record in lesson.records if record.school_number not in numbers]
    refused = [Refused(lesson.lesson.id, record, SECOND) for record in left_out]
    return lesson._replace(records=kept), refused
