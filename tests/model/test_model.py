"""Every interleaving within bounds: the protocol holds, and each guard is needed."""

import pytest

from tests.model import mutants, scenarios
from tests.model.bounds import Scenario
from tests.model.explorer import Explorer
from tests.model.taking_out import Mutant
from tests.model.witnesses import WAYS

MOST_STATES = 100_000
"""More than any scenario has: a search that is cut off would prove nothing."""

AT_ONCE = {scenarios.JUMPS.name}
"""Searched in seconds; the others take minutes together and are left for later."""

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(each, id=each.name, marks=() if each.name in AT_ONCE else pytest.mark.long)
        for each in scenarios.ALL
    ],
)
def test_the_protocol_holds_in_every_state(scenario: Scenario) -> None:
    explored = Explorer(scenario, most_states=MOST_STATES).run()

    print(f"\n{explored}")  # noqa: T201 - the figures of docs/explanation/protocol.md
    assert explored.fault is None, f"\n{explored.fault}"


@pytest.mark.parametrize("mutant", mutants.ALL, ids=lambda each: each.name)
def test_each_guard_is_needed(mutant: Mutant) -> None:
    """On the way that is written down: a search for another one takes minutes."""
    with mutant.broken():
        fault = Explorer(mutant.scenario, most_states=3_000).replay(WAYS.get(mutant.name, ()))
        other = None if fault else Explorer(mutant.scenario, most_states=3_000).run().fault

    print(f"\n{mutant.name}:\n  {fault or other}")  # noqa: T201 - the way there, for -s
    assert fault or other, "nobody noticed"
    assert fault, f"the way to the fault has changed, write this one down: {other}"


@pytest.mark.long
@pytest.mark.parametrize("mutant", mutants.ALL, ids=lambda each: each.name)
def test_with_the_guard_nothing_goes_wrong_on_that_way(mutant: Mutant) -> None:
    assert Explorer(mutant.scenario, most_states=3_000).replay(WAYS[mutant.name]) is None
