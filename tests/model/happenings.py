"""What nobody asks for: time passes, clocks are set, stores come back older, or empty."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from tests.model import people, reading
from tests.model.memory import StudentSeen
from tests.model.stores import State, put_postgresql, put_redis, read_all, read_postgresql

if TYPE_CHECKING:
    from tests.model.world import World


def _time_passes(world: "World") -> None:
    """The end of the lesson, as it was planned, or as it was extended."""
    live = reading.in_redis(read_all(), people.LESSON)
    _set_clock(world, live.ends_at if live else world.memory.clock_ms + people.MINUTE)


def _clock_is_set_back(world: "World") -> None:
    _set_clock(world, world.memory.clock_ms - people.MINUTE)


def _set_clock(world: "World", at_ms: int) -> None:
    world.memory = world.memory._replace(clock_ms=at_ms)
    world.clock.stopped_at_ms = at_ms


def _back_up(world: "World") -> None:
    world.memory = world.memory._replace(backup=read_all().redis)


def _back_up_early(world: "World") -> None:
    world.memory = world.memory._replace(early=read_all().redis)


def _back_up_postgresql(world: "World") -> None:
    world.memory = world.memory._replace(older=read_postgresql())


def _restore(world: "World") -> None:
    assert world.memory.backup is not None
    put_redis(world.memory.backup)
    _look_at_what_is_left(world)


def _restore_early(world: "World") -> None:
    assert world.memory.early is not None
    put_redis(world.memory.early)
    _look_at_what_is_left(world)


def _restore_postgresql(world: "World") -> None:
    assert world.memory.older is not None
    put_postgresql(world.memory.older)
    _look_at_what_is_left(world)


def _empty(world: "World") -> None:
    put_redis({})
    _look_at_what_is_left(world)


def _take_away(world: "World") -> None:
    """The true Redis is elsewhere for a while, and an empty one is in its place."""
    _back_up(world)
    _empty(world)


def _look_at_what_is_left(world: "World") -> None:
    """A store forgot: what neither store holds now is promised to nobody, but has to be told."""
    state, memory = read_all(), world.memory
    live = reading.in_redis(state, people.LESSON)
    stored = reading.stored_words(state, people.LESSON)
    students: dict[str, StudentSeen] = {}
    for number, student in memory.students.items():
        kept = student.place(stored.get(number, ""))
        copy = student.place(live.words.get(number, "")) if live else -1
        students[number] = student._replace(
            floor=max(kept, copy), stored=kept, is_sure=kept >= copy
        )
    left = _events_left(state, people.LESSON)
    promised = memory.events | memory.dropped
    world.memory = memory._replace(
        students=students,
        events=promised & left,
        dropped=promised - left,
        gone=frozenset(n for n in memory.seen if students[n].floor < 0),
        is_rewound=True,
    )


def _events_left(state: State, lesson_id: UUID) -> frozenset[str]:
    live = reading.in_redis(state, lesson_id)
    left = {row["request_id"] for row in reading.stored_events(state, lesson_id)}
    return frozenset(left | set(live.events if live else ()))


HAPPENS: Mapping[str, Callable[["World"], None]] = {
    "time passes": _time_passes,
    "clock is set back": _clock_is_set_back,
    "backup": _back_up,
    "backup early": _back_up_early,
    "backup PostgreSQL": _back_up_postgresql,
    "restore": _restore,
    "restore early": _restore_early,
    "restore PostgreSQL": _restore_postgresql,
    "empty": _empty,
    "take away": _take_away,
    "return": _restore,
}
