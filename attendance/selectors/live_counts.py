"""What live lessons add up to: as their registers show, each person once."""

import contextlib
from collections import Counter
from collections.abc import Iterable, Sequence
from uuid import UUID

from attendance.errors import LessonNotFound, LessonUnreadable
from attendance.live import store
from attendance.live.store import LessonCounts, Register
from attendance.selectors import registers
from attendance.selectors.counts import CAME
from attendance.selectors.shapes import RegisterRecord


def count_live(lesson_ids: Sequence[UUID]) -> dict[UUID, LessonCounts]:
    """The counts of live lessons, in one round trip; the register is read of hardly any.

    Raises LiveStoreUnavailable.
    """
    counts = store.count_lessons(lesson_ids)
    for lesson_id, counted in counts.items():
        if counted.has_two_of_one:
            # It may have left Redis meanwhile, or be damaged: what was counted stands.
            with contextlib.suppress(LessonNotFound, LessonUnreadable):
                counts[lesson_id] = _by_person(store.register(lesson_id))
    return counts


def _by_person(live: Register) -> LessonCounts:
    records = registers.records_of_live(live)
    expected = len(store.expected_numbers(live.roster))
    return LessonCounts(by_status(records), expected, came_of(live, records))


def by_status(records: Iterable[RegisterRecord]) -> Counter[str]:
    """How many records of a register have each status; what is deleted is left out."""
    return Counter(record.status for record in records if not record.is_deleted)


def came_of(live: Register, records: Iterable[RegisterRecord]) -> int:
    """How many of those who are expected came, by the records that their register shows."""
    came = {
        live.roster[record.school_number].number
        for record in records
        if record.is_expected and record.status in CAME and not record.is_deleted
    }
    return len(came)
