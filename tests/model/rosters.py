"""What must be true of rosters: each closed once, a mark for everybody expected, no word beaten."""

from collections.abc import Iterator
from uuid import UUID

from attendance.services.stores.stored_revisions import LOST_LIFT
from tests.model import reading
from tests.model.memory import BLANK, Memory
from tests.model.rows import Row
from tests.model.stores import State


def broken_in(memory: Memory, state: State, lesson_id: UUID) -> Iterator[str]:
    """In every state: what was committed is a whole roster, or none of it."""
    row = reading.attendance(state, lesson_id)
    rows = [r for r in state.rows.of("attendancerecord") if r["attendance_id"] == str(lesson_id)]
    records = reading.stored_records(state, lesson_id)
    if len(rows) != len(records):
        yield "somebody has two marks"
    expected = {number for number, record in records.items() if record["is_expected"]}
    if row is None or row["roster_closed_at"] is None:
        if expected or any(record["source"] == "system" for record in records.values()):
            yield "the system has marked somebody on a roster that is open"
        return
    if tuple(sorted(expected)) not in memory.rosters:
        yield f"a roster is closed, and those with a mark of it are {sorted(expected)}"
    if any(record["is_expected"] is None for record in records.values()):
        yield "a roster is closed, and somebody is neither expected nor not expected"


def broken_at_rest(state: State, lesson_id: UUID) -> Iterator[str]:
    """The roster of a lesson that was held is closed, and the system says what it has to."""
    row = reading.attendance(state, lesson_id)
    if row is None or row["section_id"] is None:
        return
    is_held = row["not_held_at"] is None
    # One that was rebuilt from receipts is closed by a person.
    if is_held and row["roster_closed_at"] is None and row["revision"] < LOST_LIFT:
        yield "the roster of a lesson that was held is open"
    for number, record in reading.stored_records(state, lesson_id).items():
        if record["source"] == "system":
            yield from _wrong_mark(state, number, record, is_held=is_held)
        if reading.word_of(record["source"], record["reason"]) == BLANK:
            yield from _beaten(state, lesson_id, number)


def _wrong_mark(state: State, number: str, record: Row, *, is_held: bool) -> Iterator[str]:
    is_excused = reading.is_excused(state, record["student_id"])
    if record["status"] != ("excused" if is_excused else "absent"):
        yield f"{number} is {record['status']}; an absence that is approved: {is_excused}"
    if (record["absence_id"] is not None) != is_excused:
        yield f"the mark of {number} names another absence than the one that is approved"
    if (record["deleted_at"] is None) != is_held:
        yield f"the mark of {number} does not follow whether the lesson was held"


def _beaten(state: State, lesson_id: UUID, number: str) -> Iterator[str]:
    """A mark of the system stands although somebody has spoken of this student."""
    live = reading.in_redis(state, lesson_id)
    word = live.words.get(number, BLANK) if live else BLANK
    if word != BLANK or reading.quarantined(state, "record").get(number):
        yield f"a mark of the system stands over a word of {number}: {word}"


def closed_again(before: State, after: State) -> Iterator[str]:
    """Who was expected at a lesson whose roster is closed stays as it is."""
    open_again = {r["id"] for r in after.rows.of("attendance") if r["roster_closed_at"] is None}
    for row in before.rows.of("attendance"):
        if row["roster_closed_at"] is None:
            continue
        if row["id"] in open_again:
            yield "a roster that was closed is open"
        if _expected(before, row["id"]) != _expected(after, row["id"]):
            yield "a roster was closed twice"


def _expected(state: State, lesson_id: str) -> set[str]:
    records = reading.stored_records(state, UUID(lesson_id))
    return {number for number, record in records.items() if record["is_expected"]}
