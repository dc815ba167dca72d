"""The rig itself: without a fault everything holds, and what is broken by hand is seen."""

import pytest

from tests.faults.journal import Journal
from tests.faults.load import Load
from tests.faults.rig import Rig
from tests.faults.verdict import assert_holds, count, let_run_to_rest


def test_without_a_fault_everything_holds(rig: Rig, load: Load, journal: Journal) -> None:
    with rig.worker("loop", "0.1"), rig.worker("loop", "0.1"), load:
        load.acknowledged(100)

    verdict = assert_holds(rig, journal)
    assert verdict.acknowledged >= 50
    assert len(load.lessons) > 2
    assert not journal.given_up


BROKEN = {
    "lost": "DELETE FROM attendance_attendancerecord WHERE id ="
    " (SELECT min(id) FROM attendance_attendancerecord)",
    "overwritten": "UPDATE attendance_attendancerecord SET revision = 1, status = 'excused'",
    "phantoms": "UPDATE attendance_attendancerecord r SET student_id ="
    " (SELECT id FROM users_user WHERE school_number = 'STAFF-1')"
    " WHERE id = (SELECT min(id) FROM attendance_attendancerecord)",
    "broken": "UPDATE attendance_persistencerun SET inserted = inserted + 1, read = read + 1",
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_by_hand_is_seen(what: str, rig: Rig, load: Load, journal: Journal) -> None:
    with load:
        load.acknowledged(15)
    let_run_to_rest(rig)

    with rig.sql() as sql:
        sql.execute(BROKEN[what])

    assert what in count(rig, journal).faults
