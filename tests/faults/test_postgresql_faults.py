"""Faults of PostgreSQL under load: killed, stalled, locked, refusing, quarrelling."""

import time

from tests.faults import injections
from tests.faults.injections import SHORT
from tests.faults.school import School
from tests.support.waiting import wait_until


def test_postgresql_killed_under_load_loses_nothing(school: School) -> None:
    with school.at_work() as load:
        for _ in range(2):
            with injections.killed(school.rig.postgres):
                time.sleep(0.1)
            load.acknowledged(15)

    school.holds()


def test_postgresql_stopped_immediately_under_load_loses_nothing(school: School) -> None:
    with school.at_work() as load:
        with injections.stopped_immediately(school.rig):
            time.sleep(0.1)
        load.acknowledged(15)

    school.holds()


def test_a_stalled_postgresql_delays_and_loses_nothing(school: School) -> None:
    with school.at_work(), injections.stalled(school.rig.postgres):
        time.sleep(SHORT)

    school.holds()


def test_connections_of_postgresql_terminated_under_load_double_nothing(school: School) -> None:
    with school.at_work() as load, injections.backends_terminated(school.rig):
        load.acknowledged(40)

    school.holds()


def test_a_postgresql_without_connections_loses_nothing(school: School) -> None:
    school.rig.postgres.restart("-c", "max_connections=20", "-c", "autovacuum=off")
    desk = school.lesson(5, teacher=2)
    late_ones = range(5, 20)
    school.ask_who_they_are(late_ones)

    with school.at_work(), injections.connections_used_up(school.rig):
        school.let_in(desk, late_ones)
        assert len(desk.lesson.here) == 20

    desk.finish()
    school.holds()


def test_a_table_locked_by_a_migration_delays_and_loses_nothing(school: School) -> None:
    with school.at_work(), injections.table_locked(school.rig):
        time.sleep(SHORT)

    school.holds()


def test_a_table_locked_for_longer_than_the_task_waits_parks_lessons(school: School) -> None:
    desks = [school.lesson(5, teacher=n) for n in range(2)]
    with injections.table_locked(school.rig):
        desks[0].finish()
        with school.rig.sql() as sql:
            parked = sql.execute("SELECT last_error FROM attendance_lessonledger ORDER BY attempts")
            assert "55P03" in parked.fetchall()[-1][0]
    desks[1].finish()

    school.holds()


def test_a_read_only_postgresql_parks_lessons_and_stores_them_later(school: School) -> None:
    read_only = ("default_transaction_read_only", "on")
    with school.at_work(), injections.setting_of_postgres(school.rig, *read_only):
        time.sleep(SHORT)

    school.holds()


def test_deadlocks_with_a_foreign_transaction_double_nothing(school: School) -> None:
    log = school.rig.postgres.log
    impatient = ("deadlock_timeout", "'200ms'")
    with (
        injections.setting_of_postgres(school.rig, *impatient),
        school.at_work(workers=4),
        injections.users_locked_backwards(school.rig),
    ):
        wait_until(lambda: "deadlock detected" in log.read_text(), "a deadlock")

    school.holds()


def test_serialization_failures_are_tried_again(school: School) -> None:
    strict = ("default_transaction_isolation", "serializable")
    with (
        injections.setting_of_postgres(school.rig, *strict),
        school.at_work(workers=4) as load,
    ):
        load.acknowledged(60)

    school.holds()
