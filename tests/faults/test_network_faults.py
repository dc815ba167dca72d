"""Faults of the network between the processes and their servers."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.faults.load import Load
from tests.faults.rig import Rig, Site, Template, made_rig
from tests.faults.school import School
from tests.faults.wire import (
    TO_CLIENT,
    TO_SERVER,
    Fate,
    Plan,
    Wire,
    Wires,
    at_random,
    lose_answer_of_commit,
)
from tests.support.waiting import wait_until

SHORT = 1.5
RARELY, OFTEN = 0.1, 0.2


@pytest.fixture(scope="module")
def shared_rig(template: Template) -> Iterator[Rig]:
    # What is tried here is no fault of a disk.
    with made_rig(template, postgres=("-c", "fsync=off")) as rig:
        yield rig


@pytest.fixture(scope="module")
def wires(shared_rig: Rig) -> Iterator[Wires]:
    with ExitStack() as stack:
        yield Wires(shared_rig.folder / "wires", shared_rig.servers, stack)


@pytest.fixture(scope="module")
def site(shared_rig: Rig, wires: Wires) -> Iterator[Site]:
    with shared_rig.site(env=wires.urls) as served:
        yield served


@contextmanager
def at_work(school: School, wires: Wires, wire: Wire, plan: Plan) -> Iterator[Load]:
    """A school at work; in the block, what passes one wire has the fate of a plan."""
    with school.at_work(env=wires.urls) as load:
        before, wire.plan = wire.faults, plan
        try:
            yield load
            wait_until(lambda: wire.faults > before, "a fault of the wire")
        finally:
            wire.mend()


def test_an_answer_of_the_live_store_that_is_lost_after_the_work_doubles_nothing(
    school: School, wires: Wires
) -> None:
    plan = at_random(school.chance, TO_CLIENT, Fate.LOSE, share=OFTEN)
    with at_work(school, wires, wires.live, plan) as load:
        load.acknowledged(60)

    school.holds()


def test_an_id_that_is_used_twice_changes_one_student_whatever_answer_is_lost(
    school: School, wires: Wires
) -> None:
    plan = at_random(school.chance, TO_CLIENT, Fate.LOSE, share=OFTEN)
    with at_work(school, wires, wires.live, plan) as load:
        desk = school.lesson(10, teacher=5)
        assert {desk.use_an_id_twice() for _ in range(5)} == {"request_id_reused"}
        desk.finish()
        assert {desk.use_an_id_twice() for _ in range(5)} == {"request_id_reused"}
        load.acknowledged(20)

    school.holds()


def test_a_request_to_the_live_store_that_never_arrives_is_sent_again(
    school: School, wires: Wires
) -> None:
    plan = at_random(school.chance, TO_SERVER, Fate.LOSE, share=OFTEN)
    with at_work(school, wires, wires.live, plan) as load:
        load.acknowledged(60)

    school.holds()


@pytest.mark.parametrize("way", [TO_SERVER, TO_CLIENT])
def test_half_a_message_of_the_live_store_is_no_message(
    way: str, school: School, wires: Wires
) -> None:
    plan = at_random(school.chance, way, Fate.HALVE, share=OFTEN)
    with at_work(school, wires, wires.live, plan) as load:
        load.acknowledged(60)

    school.holds()


def test_a_commit_whose_answer_is_lost_is_not_taken_back_and_not_doubled(
    school: School, wires: Wires
) -> None:
    with at_work(school, wires, wires.postgres, lose_answer_of_commit) as load:
        load.acknowledged(60)

    school.holds()


@pytest.mark.parametrize("way", [TO_SERVER, TO_CLIENT])
@pytest.mark.parametrize("fate", [Fate.LOSE, Fate.HALVE])
def test_a_connection_to_postgresql_that_breaks_anywhere_doubles_nothing(
    way: str, fate: Fate, school: School, wires: Wires
) -> None:
    plan = at_random(school.chance, way, fate, share=RARELY)
    with at_work(school, wires, wires.postgres, plan) as load:
        load.acknowledged(60)

    school.holds()


@pytest.mark.parametrize("name", ["live", "postgres"])
def test_a_network_that_is_cut_delays_and_loses_nothing(
    name: str, school: School, wires: Wires
) -> None:
    wire: Wire = getattr(wires, name)
    with school.at_work(env=wires.urls):
        wire.is_cut = True
        wire.end_all()
        time.sleep(SHORT)
        wire.mend()

    school.holds()


@pytest.mark.parametrize("name", ["live", "postgres"])
def test_a_network_that_swallows_everything_for_a_while_loses_nothing(
    name: str, school: School, wires: Wires
) -> None:
    wire: Wire = getattr(wires, name)
    with school.at_work(env=wires.urls):
        wire.stall(SHORT)

    school.holds()
