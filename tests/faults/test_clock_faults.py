"""Clocks that differ and jump: the application's own never decides, Redis's may be wrong."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.faults import clocks
from tests.faults.audit import left_in_redis
from tests.faults.rig import Rig, Site
from tests.faults.school import School
from tests.support.waiting import wait_until

APP = "tests.faults.wrong_clocks:application"
MINUTE_MS = 60_000
WRONG = {"FAULTS_WRONG_CLOCKS": "1"}


@pytest.fixture(scope="module")
def site(shared_rig: Rig) -> Iterator[Site]:
    with shared_rig.site(app=APP) as served:
        yield served


@pytest.mark.parametrize("seconds", [300, -300], ids=["ahead", "behind"])
def test_an_application_clock_that_is_five_minutes_off_decides_nothing(
    seconds: int, rig: Rig, seed: int
) -> None:
    env = {**WRONG, clocks.SKEW: str(seconds)}
    with rig.site(app=APP, env=env) as site:
        school = School(rig, site, seed)
        with school.at_work(env={**WRONG, clocks.SKEW: str(-seconds)}) as load:
            load.acknowledged(40)
        school.holds()
        school.close()

    assert {each.status for each in school.journal.acknowledged if each.is_first} == {"present"}
    refused = {code for sent, _, code in school.journal.refused if sent.kind == "check_in"}
    # The teacher ends lessons; no clock does.
    assert refused <= {"lesson_closed"}


def test_a_clock_of_redis_that_jumps_ahead_under_load_loses_nothing(school: School) -> None:
    with school.at_work(env=WRONG) as load:
        school.rig.redis().set(clocks.CLOCK, 10 * MINUTE_MS)
        load.acknowledged(20)
        school.rig.redis().set(clocks.CLOCK, 0)
        # What was stamped by the clock that was ahead is refused until that of now is believed.
        _acknowledged_at_last(school)
    # What was finished by the clock that was ahead, and not discarded before it went back,
    # is over when that time has come.
    school.rig.redis().set(clocks.CLOCK, 10 * MINUTE_MS)
    with school.rig.worker("loop", "0.05", env=WRONG):
        wait_until(lambda: not left_in_redis(school.rig), "the end of every lesson")

    school.holds()


def test_a_clock_of_redis_that_jumps_back_under_load_loses_nothing(school: School) -> None:
    with school.at_work(env=WRONG) as load:
        school.rig.redis().set(clocks.CLOCK, -60 * MINUTE_MS)
        wait_until(lambda: _was_refused(school.rig), "somebody whom the clock refuses")
        school.rig.redis().set(clocks.CLOCK, 0)
        load.acknowledged(20)

    school.holds()


@pytest.mark.parametrize("at", [0, 4_133_980_800_000], ids=["1970", "2101"])
def test_a_clock_of_redis_at_1970_or_2101_under_load_seals_nothing_in(
    at: int, school: School
) -> None:
    with school.at_work(env=WRONG) as load:
        school.rig.redis().set(clocks.CLOCK, at - int(time.time()) * 1_000)
        wait_until(lambda: _runs_by_a_wrong_clock(school.rig) >= 3, "runs that say so")
        school.rig.redis().set(clocks.CLOCK, 0)
        load.acknowledged(20)

    school.holds()
    with school.rig.sql() as sql:
        (years,) = sql.execute(
            "SELECT array_agg(DISTINCT extract(year FROM at)) FROM ("
            " SELECT starts_at AS at FROM attendance_attendance"
            " UNION SELECT ends_at FROM attendance_attendance"
            " UNION SELECT checked_in_at FROM attendance_attendancerecord"
            " UNION SELECT changed_at FROM attendance_attendancerecord) AS instants"
            " WHERE at IS NOT NULL"
        ).fetchone() or ([],)
    assert all(abs(int(year) - datetime.now(UTC).year) <= 1 for year in years)


@pytest.mark.parametrize("come", ["before the discard", "after it was refused"])
def test_a_lesson_that_a_jump_has_ended_and_reopened_keeps_every_mark(
    come: str, school: School
) -> None:
    desk = school.lesson(10)
    with school.rig.worker("hold", "committed", "1.5", env=WRONG):
        # Its 45 minutes have passed, says the clock: a worker stores it.
        school.rig.redis().set(clocks.CLOCK, 60 * MINUTE_MS)
        wait_until(lambda: _stored(school.rig) == 10, "a stored lesson")
        # Before it is discarded, it is open again: students come and are promised something.
        school.rig.redis().set(clocks.CLOCK, 0)
        if come == "after it was refused":
            wait_until(lambda: _state(school.rig) != "persisted", "a discard that was refused")
        school.let_in(desk, range(10, 15))
    assert len(desk.lesson.here) == 15
    desk.correct_somebody()
    desk.finish()

    assert school.holds().stored == 15


def test_a_stored_lesson_that_a_jump_has_reopened_is_not_called_lost(school: School) -> None:
    desk = school.lesson(10)
    with school.rig.worker("hold", "committed", "1", env=WRONG):
        school.rig.redis().set(clocks.CLOCK, 60 * MINUTE_MS)
        wait_until(lambda: _stored(school.rig) == 10, "a stored lesson")
        # The discard finds it open again: it stays, and nothing more is said in it.
        school.rig.redis().set(clocks.CLOCK, 0)
        wait_until(lambda: _state(school.rig) != "persisted", "a discard that was refused")
        # Its true end has come.
        school.rig.redis().set(clocks.CLOCK, 60 * MINUTE_MS)
        wait_until(lambda: _state(school.rig) in {"discarded", "lost"}, "the end of it")
    school.rig.redis().delete(clocks.CLOCK)

    assert school.holds().stored == len(desk.lesson.here) == 10


def _acknowledged_at_last(school: School) -> None:
    before = len(school.journal.acknowledged)
    wait_until(
        lambda: len(school.journal.acknowledged) > before, "a clock that is believed", seconds=90
    )


def _was_refused(rig: Rig) -> bool:
    """Whether a lesson has met a clock that is behind what it was stamped with."""
    redis: Any = rig.redis()
    seen = [redis.hget(key, "clock") for key in redis.scan_iter("attn:{*}:lesson")]
    return any(clock and not clock.endswith(b",") for clock in seen)


def _runs_by_a_wrong_clock(rig: Rig) -> int:
    with rig.sql() as sql:
        row = sql.execute(
            "SELECT count(*) FROM attendance_persistencerun WHERE error LIKE '%clock%'"
        ).fetchone()
        return int(row[0]) if row else 0


def _state(rig: Rig) -> str:
    with rig.sql() as sql:
        row = sql.execute("SELECT state FROM attendance_lessonledger").fetchone()
        return str(row[0]) if row else ""


def _stored(rig: Rig) -> int:
    with rig.sql() as sql:
        row = sql.execute("SELECT count(*) FROM attendance_attendancerecord").fetchone()
        return int(row[0]) if row else 0
