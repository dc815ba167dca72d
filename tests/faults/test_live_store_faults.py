"""Faults of the live store under load: killed, stalled, full, forgetful, out of reach."""

import time

from tests.faults import injections
from tests.faults.injections import SHORT
from tests.faults.school import School


def test_a_live_store_killed_under_load_keeps_what_it_acknowledged(school: School) -> None:
    with school.at_work() as load:
        for _ in range(3):
            with injections.killed(school.rig.live):
                time.sleep(0.1)
            load.acknowledged(15)

    school.holds()


def test_a_stalled_live_store_delays_and_loses_nothing(school: School) -> None:
    with school.at_work(), injections.stalled(school.rig.live):
        time.sleep(SHORT)

    school.holds()


def test_scripts_that_are_forgotten_under_load_are_loaded_again(school: School) -> None:
    with school.at_work() as load, injections.scripts_flushed(school.rig):
        load.acknowledged(40)

    assert not school.journal.given_up
    school.holds()


def test_connections_of_the_live_store_killed_under_load_double_nothing(school: School) -> None:
    with school.at_work() as load, injections.clients_killed(school.rig):
        load.acknowledged(40)

    school.holds()


def test_a_live_store_without_connections_refuses_and_loses_nothing(school: School) -> None:
    with school.at_work(), injections.live_connections_used_up(school.rig):
        time.sleep(0.5)
        assert school.site.get("/readyz")[0] == 503

    school.holds()


def test_a_live_store_out_of_memory_refuses_and_loses_nothing(school: School) -> None:
    with school.at_work(), injections.memory_used_up(school.rig):
        time.sleep(0.5)

    school.holds()


def test_a_live_store_that_became_a_replica_refuses_and_loses_nothing(school: School) -> None:
    with school.at_work(), injections.read_only_live_store(school.rig):
        time.sleep(0.5)

    school.holds()


def test_a_cache_killed_under_load_is_not_missed(school: School) -> None:
    with school.at_work() as load, injections.killed(school.rig.cache):
        load.acknowledged(40)

    assert not school.journal.given_up
    school.holds()
