"""Each mark belongs to one person, whatever numbers that person has or had."""

from collections import Counter
from collections.abc import Iterator, Mapping
from uuid import UUID

from attendance.rules.verdicts import Mark
from tests.model import reading
from tests.model.memory import Memory
from tests.model.stores import State


def broken_in(memory: Memory, state: State, lesson_id: UUID) -> Iterator[str]:
    """In every state: one account for each person, and no mark of somebody who was not there."""
    accounts = Counter(row["full_name"] for row in state.rows.tables["users_user"])
    for name, times in accounts.items():
        if times > 1:
            yield f"{name} has {times} accounts"
    for person in reading.stored_records(state, lesson_id).keys() - memory.students.keys():
        yield f"a mark went to {person}, who was not there"


def here_twice(before: State, after: State, action: str, lesson_id: UUID) -> Iterator[str]:
    """Whoever has a record in a lesson gets no second one under another of their numbers."""
    if not action.startswith(("check in", "correct", "redeem")):
        return
    # A teacher speaks of an account; of two that were merged, the effective mark counts.
    roots = after.rows.roots if action.startswith("check in") else {}
    had, has = _counted(before, lesson_id, roots), _counted(after, lesson_id, roots)
    for person, times in has.items():
        if times > 1 and times > had[person] > 0:
            yield f"{person} is in the lesson twice"


def _counted(state: State, lesson_id: UUID, roots: Mapping[str, str]) -> Counter[str]:
    """Records that stand in Redis, by the person whose they are."""
    live = reading.in_redis(state, lesson_id)
    people = (reading.person_of(r) for r in (live.records if live else ()) if r.mark == Mark.KEPT)
    return Counter(roots.get(person, person) for person in people)
