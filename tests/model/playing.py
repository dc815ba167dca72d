"""A world in which a scenario may be played: both stores, the clock, and everybody in it."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from attendance.services.stores import sites
from tests.model import accounts, elsewhere, marks, people, remembering, section, wiring
from tests.model.actors import company
from tests.model.bounds import Scenario
from tests.model.stores import put_all, read_all
from tests.model.world import World
from tests.support.clock import Clock


@contextmanager
def playing(scenario: Scenario) -> Iterator[World]:
    """A world in which the scenario's setting has been played."""
    clock = Clock(stopped_at_ms=people.START)
    with ExitStack() as stack:
        # Lost and rewound lessons are an alarm each, thousands of times.
        logging.disable(logging.ERROR)
        stack.callback(logging.disable, logging.NOTSET)
        if scenario.with_marks:
            if scenario.runs_elsewhere:
                stack.enter_context(elsewhere.made())
            also = (elsewhere.RUNS,) if scenario.runs_elsewhere else ()
            stack.enter_context(marks.keeping(*also))
            sites.find_sites()
        # Another search may follow in the same test.
        stack.callback(put_all, read_all())
        stack.enter_context(wiring.installed(clock))
        world = World(scenario, clock)
        remembering.put(world.watch, world.memory.site)
        stack.callback(remembering.put, world.watch, world.memory.site)
        if scenario.with_accounts:
            accounts.make(*people.STUDENTS.values())
        if scenario.with_section:
            roster = section.make(people.STUDENTS, starts_at_ms=people.START)
            world.memory = world.memory._replace(rosters=frozenset({roster}))
        stack.enter_context(company(*world.actors.values()))
        for action in scenario.setting:
            world.act(action)
            world.let_requests_end()
        yield world
