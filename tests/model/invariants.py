"""What must be true in every state, and what must be true at rest.

Promised is a word that was acknowledged and that a store kept. While Redis keeps
what it acknowledged, that is every word, and the last one is shown. Where Redis
comes back older, or empty:

- what neither store holds at that instant is promised to nobody any more, unless
  its receipt is redeemed; a task that had read it may still bring it;
- what either store holds then is never replaced by something older;
- what is said afterwards counts as the newest word. Where PostgreSQL had a word of
  that student which Redis forgot, it keeps that one, and the payload of the newer
  word is in quarantine or still in Redis: a person decides, nothing is silent.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from uuid import UUID

from attendance.live import keys
from attendance.vocabulary import LessonState
from tests.model import ages, elsewhere, persons, reading, rosters
from tests.model.memory import BLANK, HERE, RECEIPT, Memory, StudentSeen
from tests.model.people import LESSON
from tests.model.stores import State
from tests.support.lessons import TEACHER

if TYPE_CHECKING:
    from tests.model.world import World


def broken_in(world: "World", state: State, lesson_id: UUID) -> list[str]:
    """What is not true in a state."""
    memory = world.memory
    return [
        *_lost(memory, state, lesson_id),
        *_phantoms(memory, state, lesson_id),
        *_untrue_ledger(memory, state),
        *_outside_due(state),
        *_dangling(state),
        *_live_twice(memory, state),
        *rosters.broken_in(memory, state, lesson_id),
        *ages.broken_in(memory, state),
        *persons.broken_in(memory, state, lesson_id),
        *(elsewhere.broken_in() if world.others else ()),
    ]


def broken_at_rest(world: "World", state: State, lesson_id: UUID) -> list[str]:
    """What is not true when every task has ended and the next one changes nothing."""
    memory = world.memory
    return [
        *broken_in(world, state, lesson_id),
        *_not_stored(memory, state, lesson_id),
        *_wrong_words(memory, state, lesson_id),
        *_wrong_events(memory, state, lesson_id),
        *rosters.broken_at_rest(state, lesson_id),
        *ages.broken_at_rest(memory, state, lesson_id),
    ]


def broken_between(world: "World", before: State, after: State, action: str) -> Iterator[str]:
    """What no step may do: close a roster again, or, a task, discard a lesson that is open."""
    yield from rosters.closed_again(before, after)
    yield from persons.here_twice(before, after, action, LESSON)
    if action.startswith(elsewhere.NAME):
        yield from elsewhere.removed(before, after)
    if not action.startswith("task"):
        return
    left = {lesson.lesson_id for lesson in reading.lessons_in_redis(after)}
    for lesson in reading.lessons_in_redis(before):
        is_open = world.memory.clock_ms < lesson.ends_at and not lesson.is_starting
        if lesson.lesson_id not in left and is_open:
            yield "a lesson was discarded that is open"


def _acceptable(memory: Memory, number: str, student: StudentSeen, word: str) -> bool:
    """Whether a word may stand for a student: no promised word is newer."""
    under_way = {c.request_id for _, c in memory.calls if c.number == number}
    under_way |= {RECEIPT if c.action.startswith("redeem") else HERE for _, c in memory.calls}
    return student.place(word) >= student.floor or word in under_way


def _lost(memory: Memory, state: State, lesson_id: UUID) -> Iterator[str]:
    live, stored = reading.in_redis(state, lesson_id), reading.stored_words(state, lesson_id)
    shown = reading.shown_words(state, lesson_id)
    for number, student in memory.students.items():
        if student.floor < 0:
            continue
        words = [stored.get(number, ""), live.words.get(number, "") if live else ""]
        is_kept = any(_acceptable(memory, number, student, word) for word in words if word)
        if not is_kept and not _is_set_aside(memory, state, number, student):
            yield f"the newest word of {number} is in neither store: {student.words[-1]}"
        is_shown = _acceptable(memory, number, student, shown.get(number, ""))
        if not memory.is_rewound and not is_shown:
            yield f"an older word of {number} is shown: {shown.get(number)}"


def _is_set_aside(memory: Memory, state: State, number: str, student: StudentSeen) -> bool:
    """Whether the newest word waits for a person, because PostgreSQL had another one."""
    kept = reading.stored_words(state, state_lesson(state)).get(number, "")
    payloads = reading.quarantined(state, "record").get(number, [])
    return (
        memory.is_rewound
        and not student.is_sure
        and student.place(kept) >= student.stored
        and any(_says(raw, word) for raw in payloads for word in student.words[student.floor :])
    )


def _says(raw: bytes, word: str) -> bool:
    wanted = {HERE: '"source":"student"', RECEIPT: '"source":"receipt"'}.get(word, f'"{word}"')
    return wanted.encode() in raw


def state_lesson(state: State) -> UUID:
    rows = state.rows.of("attendance")
    return UUID(rows[0]["id"]) if rows else UUID(int=0)


def _phantoms(memory: Memory, state: State, lesson_id: UUID) -> Iterator[str]:
    live = reading.in_redis(state, lesson_id)
    for words in (reading.stored_words(state, lesson_id), live.words if live else {}):
        for number, word in words.items():
            student = memory.students.get(number, StudentSeen())
            is_known = word in student.words or word == BLANK
            if not is_known and not _acceptable(memory, number, student._replace(floor=0), word):
                yield f"{number} has a mark that nobody made: {word}"


def _untrue_ledger(memory: Memory, state: State) -> Iterator[str]:
    stored = {row["id"] for row in state.rows.of("attendance")}
    for row in state.rows.of("lessonledger"):
        lesson_id, said = UUID(row["lesson_id"]), row["state"]
        live = reading.in_redis(state, lesson_id)
        if said in {LessonState.PERSISTED, LessonState.DISCARDED} and str(lesson_id) not in stored:
            yield f"the ledger says {said} of a lesson that is not stored"
        if said in {LessonState.DISCARDED, LessonState.LOST} and live and not memory.is_rewound:
            yield f"the ledger says {said} of a lesson that Redis holds"


def _outside_due(state: State) -> Iterator[str]:
    due = {member for member, _ in state.redis.get(keys.DUE.encode(), ())}
    for lesson in reading.lessons_in_redis(state):
        if str(lesson.lesson_id).encode() not in due:
            yield "a lesson is outside due"


def _dangling(state: State) -> Iterator[str]:
    """Foreign keys: those of Django are looked at late, so they are looked at here."""
    attendances = {row["id"] for row in state.rows.of("attendance")}
    for table in ("attendancerecord", "attendanceevent"):
        for row in state.rows.of(table):
            users = {row["student_id"], row.get("actor_id")} - {None}
            if row["attendance_id"] not in attendances or not users <= set(state.rows.numbers):
                yield f"a row of {table} points to nothing"


def _live_twice(memory: Memory, state: State) -> Iterator[str]:
    live = [
        lesson.lesson_id
        for lesson in reading.lessons_in_redis(state)
        if not lesson.is_starting and memory.clock_ms < lesson.ends_at
    ]
    if len(live) > 1:
        yield "a teacher has two lessons that are live"
    named = state.redis.get(keys.teacher(TEACHER.school_number).encode(), b"").decode()
    if live and named != str(live[0]):
        yield "a teacher's key does not name the lesson that is live"


def _not_stored(memory: Memory, state: State, lesson_id: UUID) -> Iterator[str]:
    for lesson in reading.lessons_in_redis(state):
        if not memory.is_rewound:
            yield f"a lesson stays in Redis for ever: {lesson.lesson_id}"
    said = reading.ledger(state, lesson_id)
    is_told = said == LessonState.LOST or reading.is_incomplete(state, lesson_id)
    is_expected = said == LessonState.DISCARDED or (memory.is_rewound and is_told)
    if said and not is_expected:
        yield f"the ledger says {said} at rest"


def _wrong_words(memory: Memory, state: State, lesson_id: UUID) -> Iterator[str]:
    rows = reading.stored_records(state, lesson_id)
    for number, student in memory.students.items():
        row = rows.get(number)
        if row is None:
            if student.floor >= 0 and not _is_set_aside(memory, state, number, student):
                yield f"the mark of {number} is not stored"
            continue
        word = reading.word_of(row["source"], row["reason"])
        is_right = _acceptable(memory, number, student, word)
        if not is_right and not _is_set_aside(memory, state, number, student):
            yield f"an older word of {number} is stored: {word}, not {student.words[-1]}"


def _wrong_events(memory: Memory, state: State, lesson_id: UUID) -> Iterator[str]:
    row = reading.attendance(state, lesson_id)
    events = {event["request_id"]: event for event in reading.stored_events(state, lesson_id)}
    aside = reading.set_aside(state)
    live = reading.in_redis(state, lesson_id)
    for wanted in sorted(memory.events - set(events)):
        is_aside = wanted.encode() in aside or (live is not None and wanted in live.events)
        if not (memory.is_rewound and is_aside):
            yield f"the event of {wanted} is not stored"
    if not memory.is_rewound:
        yield from _broken_chain(state, lesson_id)
    # An arrival changes a teacher's record, and has an event of its own.
    arrivals = {e["revision"] for e in events.values() if e["kind"] == "record_arrived"}
    for number, record in reading.stored_records(state, lesson_id).items():
        if row is not None and record["revision"] > row["revision"]:
            yield f"the record of {number} is newer than its lesson"
        event = events.get(record["reason"])
        # A word that an older copy brought in is counted anew; its event stays what it was.
        if record["revision"] in arrivals:
            continue
        is_brought_in = memory.is_rewound and event and event["revision"] < record["revision"]
        if event is not None and not is_brought_in and event["revision"] != record["revision"]:
            yield f"record and event of {number} have different revisions"


def _broken_chain(state: State, lesson_id: UUID) -> Iterator[str]:
    """Each correction was made from what the one before it had left."""
    left: dict[int, str] = {}
    for event in sorted(reading.stored_events(state, lesson_id), key=lambda row: row["revision"]):
        student = event["student_id"]
        if student is not None and event["old"] != left.setdefault(student, event["old"]):
            yield f"a correction of {state.rows.numbers[student]} was made from what was gone"
        if student is not None:
            left[student] = event["new"]
