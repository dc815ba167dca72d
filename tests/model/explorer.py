"""Every order of actions, each state once; nearest quiet states first, so faults are short.

A transaction that is open cannot be put back from outside. So a state in which
somebody is in the middle of something is reached again from the last quiet one,
by the same actions: the real code runs each time. Such states are searched depth
first, because the first step from each is then taken on the spot.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import NamedTuple

from tests.model import invariants
from tests.model.answers import Broken
from tests.model.bounds import Scenario
from tests.model.memory import Memory
from tests.model.people import LESSON
from tests.model.playing import playing
from tests.model.stores import State, read_all
from tests.model.world import World


class Counterexample(NamedTuple):
    """What was broken, and a shortest way there."""

    path: tuple[str, ...]
    broken: tuple[str, ...]

    def __str__(self) -> str:
        return " → ".join(self.path) + ": " + "; ".join(self.broken)


class Explored(NamedTuple):
    scenario: str
    states: int
    steps: int
    """Actions taken from a state, each once."""
    rests: int
    """States that were let run to their end."""
    deepest: int
    seconds: float
    fault: Counterexample | None
    is_whole: bool
    """Whether every state was seen."""

    def __str__(self) -> str:
        return (
            f"{self.scenario}: {self.states} states, {self.steps} steps, {self.rests} at rest, "
            f"{self.deepest} deep, {self.seconds:.0f} s{'' if self.is_whole else ', cut short'}"
        )


class Quiet(NamedTuple):
    """A state that can be put back."""

    state: State
    memory: Memory


class SearchNode(NamedTuple):
    path: tuple[str, ...]
    base: Quiet
    since: tuple[str, ...]
    """What was done since the quiet state."""


class Explorer:
    def __init__(self, scenario: Scenario, most_states: int) -> None:
        self.scenario = scenario
        self.most_states = most_states
        self.seen: set[bytes] = set()
        self.rested: set[bytes] = set()
        self.steps = self.deepest = 0

    def run(self) -> Explored:
        began = monotonic()
        with playing(self.scenario) as world:
            first = Quiet(read_all(), world.memory)
            self.seen.add(world.key(first.state))
            fault = next(self._faults(world, SearchNode((), first, ())), None)
        return Explored(
            scenario=self.scenario.name,
            states=len(self.seen),
            steps=self.steps,
            rests=len(self.rested),
            deepest=self.deepest,
            seconds=monotonic() - began,
            fault=fault,
            is_whole=fault is None and len(self.seen) < self.most_states,
        )

    def replay(self, path: Sequence[str]) -> Counterexample | None:
        """What goes wrong on one way, if anything does; None also where it cannot be gone."""
        with playing(self.scenario) as world:
            node: SearchNode | None = SearchNode((), Quiet(read_all(), world.memory), ())
            for action in path:
                # A state that was met before leads nowhere new.
                if node is None:
                    return None
                self._go_to(world, node)
                if action not in world.possible():
                    return None
                way = (*node.path, action)
                broken, node = self._try(world, node, action, read_all())
                if broken:
                    return Counterexample(way, broken)
        return None

    def _faults(self, world: World, root: SearchNode) -> Iterator[Counterexample]:
        frontier = deque([root])
        while frontier and len(self.seen) < self.most_states:
            node = frontier.popleft()
            self._go_to(world, node)
            yield from self._faults_from(world, node, frontier)

    def _faults_from(
        self, world: World, node: SearchNode, frontier: deque[SearchNode]
    ) -> Iterator[Counterexample]:
        """The world stands at the node; quiet states that it leads to join the frontier."""
        before = read_all()
        for number, action in enumerate(world.possible()):
            if number:
                self._go_to(world, node)
            self.steps += 1
            broken, new = self._try(world, node, action, before)
            if broken:
                yield Counterexample((*node.path, action), broken)
            elif new is not None and not new.since:
                frontier.append(new)
            elif new is not None:
                yield from self._faults_from(world, new, frontier)

    def _go_to(self, world: World, node: SearchNode) -> None:
        world.put(*node.base)
        for action in node.since:
            world.act(action)

    def _try(
        self, world: World, node: SearchNode, action: str, before: State
    ) -> tuple[tuple[str, ...], SearchNode | None]:
        try:
            world.act(action)
            state = read_all()
            key = world.key(state)
            broken = [
                *invariants.broken_in(world, state, LESSON),
                *invariants.broken_between(world, before, state, action),
            ]
            if broken or key in self.seen:
                return tuple(broken), None
            self.seen.add(key)
            path = (*node.path, action)
            self.deepest = max(self.deepest, len(path))
            if not world.is_quiet:
                return (), SearchNode(path, node.base, (*node.since, action))
            quiet = Quiet(state, world.memory)
            return self._broken_at_rest(world, state), SearchNode(path, quiet, ())
        except Broken as error:
            return (str(error),), None

    def _broken_at_rest(self, world: World, state: State) -> tuple[str, ...]:
        # What was used up so far matters to what may come, not to how this ends.
        key = world.key_at_rest(state)
        if key in self.rested:
            return ()
        self.rested.add(key)
        return tuple(invariants.broken_at_rest(world, world.come_to_rest(), LESSON))
