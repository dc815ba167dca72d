"""What is gone with a store is told: by an alarm that names the lesson, or by one of the stores.

A check-in that no run has seen is known to nobody but the student, who has a receipt.
"""

from collections.abc import Iterator
from uuid import UUID

from attendance.vocabulary import LessonState
from tests.model import reading
from tests.model.memory import BLANK, Memory
from tests.model.stores import State


def broken_in(memory: Memory, state: State) -> Iterator[str]:
    """In every state: no alarm of ages where both stores are as old as they say."""
    if state.marks is not None and state.marks.disagreement and not memory.is_rewound:
        yield f"no store came back older, and an alarm says so: {state.marks.disagreement}"


def broken_at_rest(memory: Memory, state: State, lesson_id: UUID) -> Iterator[str]:
    """When runs have had their time: nothing that is gone is silent."""
    is_named = _is_named(state, lesson_id)
    words = reading.stored_words(state, lesson_id)
    for number in sorted(memory.gone):
        if words.get(number, BLANK) == BLANK and not is_named:
            yield f"the mark of {number} is gone, and no alarm names its lesson"
    live = reading.in_redis(state, lesson_id)
    kept = {event["request_id"] for event in reading.stored_events(state, lesson_id)}
    kept |= set(live.events if live else ())
    aside = reading.set_aside(state)
    is_told = is_named or bool(state.marks and state.marks.disagreement)
    for request_id in sorted(memory.dropped - kept):
        if request_id.encode() not in aside and not is_told:
            yield f"the word of {request_id} is gone, and nothing tells of it"


def _is_named(state: State, lesson_id: UUID) -> bool:
    """By the ledger: lost, incomplete, an older copy in Redis, or open as an older Redis came."""
    is_lost = reading.ledger(state, lesson_id) == LessonState.LOST
    is_told = reading.is_incomplete(state, lesson_id) or reading.is_rewound(state, lesson_id)
    return is_lost or is_told or reading.is_uncounted(state, lesson_id)
