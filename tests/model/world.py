"""The world around the protocol: what may happen next, and making it happen.

An action is a short sentence. What a person asks runs through the services, in
an actor of its own, so that it may have to wait; a task stops at its fail points.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from typing import Any
from uuid import UUID

from attendance.errors import AttendanceError, LiveStoreClock, LiveStoreUnavailable
from attendance.models import LessonLedger
from attendance.services.persistence import unified_persistence_task
from attendance.services.persistence.report import Outcome, PersistenceReport
from attendance.vocabulary import LessonState
from tests.model import people, reading, section, wiring
from tests.model.actors import BLOCKED, IDLE, Actor, Ended, company, dismiss
from tests.model.memory import BLANK, HERE, RECEIPT, Memory, RequestUnderWay, Student
from tests.model.scenarios import Scenario
from tests.model.stores import State, put_all, put_redis, read_all
from tests.support.clock import Clock

LESSON = UUID("01900000-0000-7000-8000-000000000001")

AFTER = {"withdraw B": "approve B", "enrol B": "unenrol B", "held again": "not held"}
"""What makes sense only after something else."""


class Broken(Exception):
    """Something that no run may answer."""


class World:
    """One scenario, played on the two real stores."""

    def __init__(self, scenario: Scenario, clock: Clock) -> None:
        self.scenario = scenario
        self.clock = clock
        self.memory = Memory(people.START, {number: Student() for number in people.STUDENTS})
        self.tasks = [Actor(f"task {n + 1}", scenario.task_stops) for n in range(scenario.tasks)]
        callers = {ask.actor for ask in scenario.asks.values() if ask.actor}
        self.callers = [Actor(name, scenario.call_stops) for name in sorted(callers)]
        self.actors = {actor.name: actor for actor in (*self.tasks, *self.callers)}

    # What may happen

    def possible(self) -> list[str]:
        """Every action that is possible now, in a fixed order."""
        used = Counter(self.memory.used)
        return [*self._possible_steps(used), *self._possible_asks(used)]

    def _possible_steps(self, used: Counter[str]) -> Iterator[str]:
        seen = set()
        for actor in self.tasks:
            # Two tasks that are alike: it does not matter which of them moves.
            if actor.key in seen:
                continue
            seen.add(actor.key)
            if actor.place == IDLE and used["task"] < self.scenario.runs:
                yield f"{actor.name} begins"
        for actor in self.actors.values():
            if actor.place in {IDLE, BLOCKED}:
                continue
            yield f"{actor.name} goes on"
            if actor.name in self.scenario.mortals and used["dies"] < self.scenario.deaths:
                yield f"{actor.name} dies"

    def _possible_asks(self, used: Counter[str]) -> Iterator[str]:
        for action, ask in self.scenario.asks.items():
            is_free = not ask.actor or self.actors[ask.actor].place == IDLE
            if used[action] < ask.times and is_free and self._makes_sense(action):
                yield action

    def _makes_sense(self, action: str) -> bool:
        before = AFTER.get(action)
        if before is not None:
            return before in self.memory.used
        match action.split():
            case ["restore"]:
                return self.memory.backup is not None
            case ["redeem", name]:
                return bool(self.memory.students[people.NUMBERS[name]].receipt)
            case ["undo", name]:
                word = f"correct-{name}-1"
                return self.memory.students[people.NUMBERS[name]].words[-1:] == (word,)
        return True

    @property
    def is_quiet(self) -> bool:
        """Whether nobody is in the middle of something: then a state can be put back."""
        return all(actor.place == IDLE for actor in self.actors.values())

    def key(self, state: State) -> bytes:
        heads = sorted(actor.key for actor in self.tasks), [actor.key for actor in self.callers]
        parts = (state.canonical, self.memory.key, repr(heads))
        return sha256("\n".join(parts).encode()).digest()

    def key_at_rest(self, state: State) -> bytes:
        """As `key`, for what needs neither the actions left nor the clock."""
        memory = self.memory._replace(used=(), clock_ms=0, backup=None, early=None)
        return sha256((state.canonical + memory.key).encode()).digest()

    # Making it happen

    def put(self, state: State, memory: Memory) -> None:
        dismiss(*self.actors.values())
        put_all(state)
        self.memory = memory
        self.clock.stopped_at_ms = memory.clock_ms

    def act(self, action: str) -> None:
        """Let one thing happen. Raises Broken for an answer that nobody may get."""
        name, _, step = action.rpartition(" ")
        if (name in self.actors and step in {"on", "dies", "begins"}) or name.endswith(" goes"):
            self._step(self.actors[name.removesuffix(" goes")], step)
        elif (ask := self.scenario.asks[action]).actor:
            self._ask(action, self.actors[ask.actor])
        else:
            self._use(action)
            getattr(self, f"_{action.replace(' ', '_')}")()
        for actor in self.actors.values():
            actor.look()
        for actor in self.actors.values():
            self._hear(actor)

    def let_requests_end(self) -> None:
        for actor in self.callers:
            while actor.place != IDLE:
                self.act(f"{actor.name} goes on")

    def _step(self, actor: Actor, step: str) -> None:
        if step == "dies":
            self._use("dies")
            actor.die()
            self._forget(actor)
        elif step == "begins":
            self._use("task")
            actor.begin(unified_persistence_task)
        else:
            actor.go_on()

    def _use(self, action: str) -> None:
        used = tuple(sorted((*self.memory.used, action)))
        self.memory = self.memory._replace(used=used)

    def _ask(self, action: str, actor: Actor) -> None:
        self._use(action)
        number = people.NUMBERS.get(action.rsplit(maxsplit=1)[-1], "")
        known = len(self.memory.students[number].words) if number else 0
        own_id = f"{action.replace(' ', '-')}-{self.memory.used.count(action)}"
        request_id = people.REUSED if action.startswith("reuse:") else own_id
        call = RequestUnderWay(action, request_id, number, known, is_sure=self._is_discarded())
        self.memory = self.memory._replace(calls=(*self.memory.calls, (actor.name, call)))
        receipt = self.memory.students[number].receipt if number else ""
        actor.is_cut_off = action.startswith("cut off")
        actor.begin(people.job_of(call, receipt, LESSON))

    def _is_discarded(self) -> bool:
        if not self.memory.is_rewound:
            return False
        return LessonLedger.objects.filter(pk=LESSON, state=LessonState.DISCARDED).exists()

    def _forget(self, actor: Actor) -> None:
        actor.ended = None
        calls = tuple(each for each in self.memory.calls if each[0] != actor.name)
        self.memory = self.memory._replace(calls=calls)

    def _hear(self, actor: Actor) -> None:
        """Take in what an actor's job came to."""
        ended = actor.ended
        if ended is None:
            return
        call = dict(self.memory.calls).get(actor.name)
        self._forget(actor)
        if call is None:
            _check_report(ended)
        elif ended.error is None:
            self._acknowledge(call, ended.result)
        elif not self._may_be_refused(actor, ended.error):
            raise Broken(f"{call.action}: {ended.error!r}")

    def _may_be_refused(self, actor: Actor, error: BaseException) -> bool:
        if isinstance(error, LiveStoreClock):
            # Before what the lesson was stamped with; nobody is told that anything was taken.
            return "clock is set back" in self.memory.used
        is_unavailable = isinstance(error, LiveStoreUnavailable)
        return isinstance(error, AttendanceError) and (actor.is_cut_off or not is_unavailable)

    def _acknowledge(self, call: RequestUnderWay, result: Any) -> None:
        try:
            word, receipt = people.heard(call, result)
        except AssertionError as error:
            raise Broken(f"{call.action}: {error}") from None
        self._note_the_roster(call)
        if receipt:
            student = self.memory.students[call.number]._replace(receipt=receipt)
            self.memory = self.memory.with_student(call.number, student)
        if not word:
            return
        if word not in {HERE, RECEIPT}:
            told = call.request_id if word == BLANK else word
            self.memory = self.memory._replace(events=self.memory.events | {told})
        if call.number:
            student = self.memory.students[call.number].told(word, call)
            self.memory = self.memory.with_student(call.number, student)

    def _note_the_roster(self, call: RequestUnderWay) -> None:
        """Who is expected once somebody was enrolled, or an enrolment has ended."""
        match call.action.split()[0]:
            case "enrol":
                roster = tuple(people.STUDENTS)
            case "unenrol":
                roster = tuple(number for number in people.STUDENTS if number != call.number)
            case _:
                return
        self.memory = self.memory._replace(rosters=self.memory.rosters | {roster})

    # What nobody asks for

    def _time_passes(self) -> None:
        """The end of the lesson, as it was planned, or as it was extended."""
        live = reading.in_redis(read_all(), LESSON)
        self._set_clock(live.ends_at if live else self.memory.clock_ms + people.MINUTE)

    def _clock_is_set_back(self) -> None:
        self._set_clock(self.memory.clock_ms - people.MINUTE)

    def _set_clock(self, at_ms: int) -> None:
        self.memory = self.memory._replace(clock_ms=at_ms)
        self.clock.stopped_at_ms = at_ms

    def _backup(self) -> None:
        self.memory = self.memory._replace(backup=read_all().redis)

    def _backup_early(self) -> None:
        self.memory = self.memory._replace(early=read_all().redis)

    def _restore_early(self) -> None:
        assert self.memory.early is not None
        put_redis(self.memory.early)
        self._look_at_what_is_left()

    def _restore(self) -> None:
        assert self.memory.backup is not None
        put_redis(self.memory.backup)
        self._look_at_what_is_left()

    def _empty(self) -> None:
        put_redis({})
        self._look_at_what_is_left()

    def _look_at_what_is_left(self) -> None:
        """Redis forgot: what neither store holds now is promised to nobody any more."""
        state = read_all()
        live = reading.in_redis(state, LESSON)
        stored = reading.stored_words(state, LESSON)
        students = {}
        for number, student in self.memory.students.items():
            kept = student.place(stored.get(number, ""))
            copy = student.place(live.words.get(number, "")) if live else -1
            students[number] = student._replace(
                floor=max(kept, copy), stored=kept, is_sure=kept >= copy
            )
        left = {row["request_id"] for row in reading.stored_events(state, LESSON)}
        left |= set(live.events) if live else set()
        events = self.memory.events & left
        self.memory = self.memory._replace(students=students, events=events, is_rewound=True)

    def come_to_rest(self) -> State:
        """Time passes, and the task runs until nothing changes."""
        self.clock.stopped_at_ms = people.FAR
        before = ""
        for _ in range(6):
            _check_report(Ended(unified_persistence_task()))
            state = read_all()
            if state.canonical == before:
                return state
            before = state.canonical
        raise Broken("the task changes something each time")


def _check_report(ended: Ended) -> None:
    """A task may find a lesson lost, rewound or busy; it may never fail."""
    if ended.error is not None:
        raise Broken(f"the task: {ended.error!r}")
    report: PersistenceReport = ended.result
    if report.unavailable or not report.sums_agree:
        raise Broken(f"the task: {report}")
    failed = [x for x in report.lessons if x.outcome in {Outcome.FAILED, Outcome.QUARANTINED}]
    if failed:
        raise Broken(f"the task: {failed[0].error}")


@contextmanager
def playing(scenario: Scenario) -> Iterator[World]:
    """A world in which the scenario's setting has been played."""
    clock = Clock(stopped_at_ms=people.START)
    with ExitStack() as stack:
        # Lost and rewound lessons are an alarm each, thousands of times.
        logging.disable(logging.ERROR)
        stack.callback(logging.disable, logging.NOTSET)
        stack.enter_context(wiring.installed(clock))
        world = World(scenario, clock)
        if scenario.with_section:
            roster = section.make(people.STUDENTS, starts_at_ms=people.START)
            world.memory = world.memory._replace(rosters=frozenset({roster}))
        stack.enter_context(company(*world.actors.values()))
        for action in scenario.setting:
            world.act(action)
            world.let_requests_end()
        yield world
