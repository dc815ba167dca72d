"""Clocks that differ and jump: the application's own never decides, Redis's may be wrong."""

from collections.abc import Iterator

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


@pytest.mark.parametrize("minutes", [10, -60])
def test_a_clock_of_redis_that_jumps_under_load_loses_nothing(minutes: int, school: School) -> None:
    with school.at_work(env=WRONG) as load:
        school.rig.redis().set(clocks.CLOCK, minutes * MINUTE_MS)
        load.acknowledged(20)
        school.rig.redis().set(clocks.CLOCK, 0)
    if minutes > 0:
        # What was finished by the clock that was ahead, and not discarded before it went back,
        # is over when that time has come.
        school.rig.redis().set(clocks.CLOCK, minutes * MINUTE_MS)
        with school.rig.worker("loop", "0.05", env=WRONG):
            wait_until(lambda: not left_in_redis(school.rig), "the end of every lesson")

    school.holds()


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


def _state(rig: Rig) -> str:
    with rig.sql() as sql:
        row = sql.execute("SELECT state FROM attendance_lessonledger").fetchone()
        return str(row[0]) if row else ""


def _stored(rig: Rig) -> int:
    with rig.sql() as sql:
        row = sql.execute("SELECT count(*) FROM attendance_attendancerecord").fetchone()
        return int(row[0]) if row else 0
