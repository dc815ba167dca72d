"""Who has to have a user before the rows of lessons are written, and who was captured."""

import msgspec
import pytest

from attendance.live.payloads import EventData, LiveEvent, LiveRecord, NotHeld
from attendance.live.store import Snapshot
from attendance.rules.verdicts import Mark
from attendance.services.persistence import captured, people
from attendance.services.persistence.row_values import Readable
from tests.support.read_lessons import AT, GRACE, lesson_as_read
from users.identity import Person, Role

ALAN = Person("T-2", "Alan", Role.TEACHER)
EDSGER = Person("A-1", "Edsger", Role.STAFF)
BARBARA = Person("A-2", "Barbara", Role.STAFF)
ADA = Person("S-9", "Ada")
MS = 1_790_000_000_000


def record_of(number: str, actor: Person | None = None) -> LiveRecord:
    return LiveRecord(
        *(number, number.lower(), "present", None, "student", "", actor, "", Mark.KEPT.value, 2),
        changed_at_ms=MS,
    )


def event_by(actor: Person, student: Person | None) -> LiveEvent:
    return LiveEvent(EventData("record_corrected", actor, "teacher", student), 3, AT, "r", "", "")


def test_the_numbers_are_those_of_all_people() -> None:
    lesson = lesson_as_read()
    said = NotHeld(actor=EDSGER, reason="snow", said_at=MS)
    not_held = msgspec.structs.replace(
        lesson, data=msgspec.structs.replace(lesson.data, not_held=said)
    )
    lessons = [
        Readable(lesson, [record_of("S-1"), record_of("S-2", ALAN)], [event_by(GRACE, None)]),
        Readable(not_held, [record_of("S-1")], [event_by(BARBARA, ADA)]),
    ]

    numbers = people.numbers_of(lessons)

    assert numbers == {person.school_number for person in people.of_lessons(lessons)}
    assert numbers == {"S-1", "S-2", "S-9", "T-1", "T-2", "A-1", "A-2"}


@pytest.mark.parametrize(
    ("fields", "numbers"),
    [
        ((), set()),
        ((b"S-1", b"S-2"), {"S-1", "S-2"}),
        # What is no number stands for nobody else, whatever bytes it has.
        ((b"S-1", b"S-2\0S-3", b"\xff"), {"S-1", "S-2\0S-3", "\ufffd"}),
        ((b"S-1\0S-2", b"\xff", b"\xfe"), {"S-1\0S-2", "\ufffd"}),
        ((b"\0",), {"\0"}),
    ],
)
def test_each_field_is_of_one_person(fields: tuple[bytes, ...], numbers: set[str]) -> None:
    snapshot = Snapshot(
        lesson=lesson_as_read(records=len(fields)),
        raw_lesson=b"",
        raw_records=dict.fromkeys(fields, b""),
        raw_events=[],
        raw_corrupt=[],
        refusals=[],
        devices={},
    )
    assert captured.numbers_in(snapshot) == numbers
