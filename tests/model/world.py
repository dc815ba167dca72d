"""The world around the protocol: what may happen next, and making it happen.

An action is a short sentence. What a person asks runs through the services, in
an actor of its own, so that it may have to wait; a task stops at its fail points.
"""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from typing import Any

from attendance.models import LessonLedger
from attendance.services.persistence import unified_persistence_task
from attendance.services.stores import sites
from attendance.services.stores.returns import Watch
from attendance.vocabulary import LessonState
from tests.model import (
    answers,
    elsewhere,
    happenings,
    marks,
    people,
    remembering,
)
from tests.model.actors import BLOCKED, IDLE, Actor, Ended, dismiss
from tests.model.answers import Broken
from tests.model.bounds import Scenario
from tests.model.memory import BLANK, HERE, RECEIPT, Memory, RequestUnderWay, StudentSeen
from tests.model.stores import State, put_all, read_all
from tests.support.clock import Clock

AFTER = {"withdraw B": "approve B", "enrol B": "unenrol B", "held again": "not held"}
"""What makes sense only after something else."""


LOOKS = f"{answers.SITE} looks"


class World:
    """One scenario, played on the two real stores."""

    def __init__(self, scenario: Scenario, clock: Clock) -> None:
        self.scenario = scenario
        self.clock = clock
        known = people.ACCOUNTS if scenario.with_accounts else people.STUDENTS
        self.watch = Watch()
        self.memory = Memory(people.START, {number: StudentSeen() for number in known})
        self.tasks = [Actor(f"task {n + 1}", scenario.task_stops) for n in range(scenario.tasks)]
        callers = {ask.actor for ask in scenario.asks.values() if ask.actor}
        self.callers = [Actor(name, scenario.call_stops) for name in sorted(callers)]
        self.others = []
        if scenario.runs_elsewhere:
            self.others = [Actor(elsewhere.NAME, elsewhere.STOPS, elsewhere.SCHEMA)]
        self.actors = {actor.name: actor for actor in (*self.tasks, *self.callers, *self.others)}

    # What may happen

    def possible(self) -> list[str]:
        """Every action that is possible now, in a fixed order."""
        used = Counter(self.memory.used)
        return [*self._possible_steps(used), *self._possible_asks(used)]

    def _possible_steps(self, used: Counter[str]) -> Iterator[str]:
        yield from self._possible_runs(used)
        for actor in self.actors.values():
            if actor.place in {IDLE, BLOCKED}:
                continue
            yield f"{actor.name} goes on"
            if actor.name in self.scenario.mortals and used["dies"] < self.scenario.deaths:
                yield f"{actor.name} dies"

    def _possible_runs(self, used: Counter[str]) -> Iterator[str]:
        seen = set()
        for actor in self.tasks:
            # Two tasks that are alike: it does not matter which of them moves.
            if actor.key in seen:
                continue
            seen.add(actor.key)
            if actor.place == IDLE and used["task"] < self.scenario.runs:
                yield f"{actor.name} begins"
        for actor in self.others:
            if actor.place == IDLE and used[actor.name] < self.scenario.runs_elsewhere:
                yield f"{actor.name} begins"

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
            case ["restore"] | ["return"]:
                return self.memory.backup is not None
            case ["restore", "PostgreSQL"]:
                # With its server, every connection ends, and so does whoever had one.
                return self.memory.older is not None and self.is_quiet
            case [*_, name] if name in people.NUMBERS:
                return self._may_ask(action, self.memory.students[people.NUMBERS[name]])
        return True

    def _may_ask(self, action: str, student: StudentSeen) -> bool:
        match action.split():
            case ["check", "in", "D"]:
                return "merge A" not in self.memory.used
            case ["redeem", _]:
                return bool(student.receipt)
            case ["undo", name]:
                return student.words[-1:] == (f"correct-{name}-1",)
        return True

    @property
    def is_quiet(self) -> bool:
        """Whether nobody is in the middle of something: then a state can be put back."""
        return all(actor.place == IDLE for actor in self.actors.values())

    def key(self, state: State) -> bytes:
        heads = (
            sorted(actor.key for actor in self.tasks),
            [actor.key for actor in (*self.callers, *self.others)],
        )
        counted = marks.canonical(state.redis, state.marks)
        parts = (state.canonical, counted, self.memory.key, repr(heads))
        return sha256("\n".join(parts).encode()).digest()

    def key_at_rest(self, state: State) -> bytes:
        """As `key`, for what needs neither the actions left nor the clock."""
        memory = self.memory._replace(used=(), clock_ms=0, backup=None, early=None, older=None)
        counted = marks.canonical_at_rest(state.redis, state.marks)
        return sha256((state.canonical + counted + memory.key).encode()).digest()

    # Making it happen

    def put(self, state: State, memory: Memory) -> None:
        dismiss(*self.actors.values())
        if self.others:
            elsewhere.clear()
        put_all(state)
        self.memory = memory
        self.clock.stopped_at_ms = memory.clock_ms
        remembering.put(self.watch, memory.site)

    def act(self, action: str) -> None:
        """Let one thing happen. Raises Broken for an answer that nobody may get."""
        name, _, step = action.rpartition(" ")
        if (name in self.actors and step in {"on", "dies", "begins"}) or name.endswith(" goes"):
            self._step(self.actors[name.removesuffix(" goes")], step)
        elif (ask := self.scenario.asks[action]).actor:
            self._ask(action, self.actors[ask.actor])
        else:
            self._use(action)
            happenings.HAPPENS[action](self)
        for actor in self.actors.values():
            actor.look()
        for actor in self.actors.values():
            self._hear(actor)
        if self.scenario.with_watch:
            self.memory = self.memory._replace(site=remembering.read(self.watch))

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
            is_ours = actor in self.tasks
            self._use("task" if is_ours else actor.name)
            actor.begin(unified_persistence_task)
            if is_ours:
                self._note_who_was_seen()
        else:
            actor.go_on()

    def _note_who_was_seen(self) -> None:
        """A run writes down how many marks each lesson has, before it does anything."""
        if self.scenario.with_marks:
            here = {n for n, each in self.memory.students.items() if each.floor >= 0}
            self.memory = self.memory._replace(seen=self.memory.seen | here)

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
        with_accounts = self.scenario.with_accounts
        if action == LOOKS:
            actor.begin(partial(remembering.look, self.watch))
            return
        actor.begin(people.job_of(call, receipt, people.LESSON, with_accounts=with_accounts))

    def _is_discarded(self) -> bool:
        if not self.memory.is_rewound:
            return False
        return LessonLedger.objects.filter(pk=people.LESSON, state=LessonState.DISCARDED).exists()

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
        if actor in self.others or answers.is_of_the_site(actor, ended):
            return
        if call is None and not answers.is_refused(self, ended):
            answers.check_report(ended)
        elif call is None:
            return
        elif ended.error is None:
            self._acknowledge(call, ended.result)
        elif not answers.may_be_refused(self, call, actor, ended.error):
            raise Broken(f"{call.action}: {ended.error!r}")

    def _acknowledge(self, call: RequestUnderWay, result: Any) -> None:
        try:
            word, receipt = people.heard(call, result)
        except AssertionError as error:
            raise Broken(f"{call.action}: {error}") from None
        self._note_the_roster(call)
        if receipt:
            student = self.memory.students[call.number]._replace(receipt=receipt)
            self.memory = self.memory.with_student(call.number, student)
        if not word or self._is_here_already(call):
            return
        if word not in {HERE, RECEIPT}:
            told = call.request_id if word == BLANK else word
            self.memory = self.memory._replace(events=self.memory.events | {told})
        if call.number:
            student = self.memory.students[call.number].told(word, call, self.memory.dropped)
            self.memory = self.memory.with_student(call.number, student)
            if self.scenario.with_watch:
                self.memory = self.memory._replace(seen=self.memory.seen | {call.number})

    def _is_here_already(self, call: RequestUnderWay) -> bool:
        """A process that knew somebody as they were lets them in once more: no new word."""
        return call.action.startswith("stale") and self.memory.students[call.number].floor >= 0

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

    def come_to_rest(self) -> State:
        """Time passes, and the task runs until nothing changes."""
        self.clock.stopped_at_ms = people.FAR
        if self.others:
            # A person has to put that right.
            sites.adopt_site(elsewhere.SITE, reason="the same school")
        before = ""
        for _ in range(6):
            answers.check_report(Ended(unified_persistence_task()))
            if self.scenario.with_watch:
                remembering.look(self.watch)
            state = read_all()
            if state.canonical == before:
                return state
            before = state.canonical
        raise Broken("the task changes something each time")
