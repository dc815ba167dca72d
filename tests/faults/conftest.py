"""Rigs for fault tests: a template for the session, servers and a site for a module."""

import os
import random
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.faults.rig import Rig, Site, Template, made_rig, made_template
from tests.faults.school import School

SEED = "ATTN_SEED"


@pytest.fixture(scope="session")
def template() -> Iterator[Template]:
    with made_template() as made:
        yield made


@pytest.fixture(scope="module")
def shared_rig(template: Template) -> Iterator[Rig]:
    with made_rig(template) as rig:
        yield rig


@pytest.fixture
def rig(shared_rig: Rig) -> Rig:
    """The module's servers, healed and empty of lessons."""
    shared_rig.heal()
    shared_rig.empty()
    return shared_rig


@pytest.fixture(scope="module")
def site(shared_rig: Rig) -> Iterator[Site]:
    """The module's site, without a scheduler: each test has the workers that it needs."""
    with shared_rig.site() as served:
        yield served


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Chance of a test: printed, and given again by ATTN_SEED."""
    chosen = int(os.environ.get(SEED) or random.randrange(1_000_000))
    print(f"{request.node.name}: {SEED}={chosen}")
    return chosen


@pytest.fixture
def school(rig: Rig, site: Site, seed: int) -> Iterator[School]:
    with closing(School(rig, site, seed)) as made:
        yield made
