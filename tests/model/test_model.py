"""Every interleaving within bounds: the protocol holds, and each guard is needed."""

import pytest

from tests.model import mutants, scenarios
from tests.model.explorer import Explorer
from tests.model.mutants import Mutant
from tests.model.scenarios import Scenario

MOST_STATES = 100_000
"""More than any scenario has: a search that is cut off would prove nothing."""

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]


@pytest.mark.parametrize("scenario", scenarios.ALL, ids=lambda each: each.name)
def test_the_protocol_holds_in_every_state(scenario: Scenario) -> None:
    explored = Explorer(scenario, most_states=MOST_STATES).run()

    print(f"\n{explored}")  # noqa: T201 - the figures of docs/explanation/protocol.md
    assert explored.fault is None, f"\n{explored.fault}"


@pytest.mark.parametrize("mutant", mutants.ALL, ids=lambda each: each.name)
def test_each_guard_is_needed(mutant: Mutant) -> None:
    with mutant.broken():
        explored = Explorer(mutant.scenario, most_states=3_000).run()

    print(f"\n{mutant.name} ({explored.states} states):\n  {explored.fault}")  # noqa: T201
    assert explored.fault is not None, f"nobody noticed: {explored}"
