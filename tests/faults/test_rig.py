"""The rig itself: without a fault everything holds, and what is broken by hand is seen."""

import pytest

from tests.faults.audit import count, let_run_to_rest
from tests.faults.journal import CHECK_IN, Sent
from tests.faults.school import School


def test_without_a_fault_everything_holds(school: School) -> None:
    with school.at_work() as load:
        load.acknowledged(60)

    audit = school.holds()
    assert audit.acknowledged >= 50
    assert len(load.lessons) > 2
    assert not school.journal.given_up


BROKEN = {
    "lost": "DELETE FROM attendance_attendancerecord WHERE id ="
    " (SELECT min(id) FROM attendance_attendancerecord)",
    "overwritten": "UPDATE attendance_attendancerecord SET revision = 1, status = 'excused'",
    "phantoms": "UPDATE attendance_attendancerecord r SET student_id ="
    " (SELECT id FROM users_user WHERE school_number = 'STAFF-1')"
    " WHERE id = (SELECT min(id) FROM attendance_attendancerecord)",
    "broken": "UPDATE attendance_persistencerun SET inserted = inserted + 1, read = read + 1",
    # The database does not let it happen: its rule has to go first.
    "doubled": "ALTER TABLE attendance_attendanceevent"
    " DROP CONSTRAINT attendance_event_once_per_request;"
    " INSERT INTO attendance_attendanceevent (attendance_id, revision, kind, happened_at,"
    " student_id, actor_id, actor_name, source, old, new, reason, request_id)"
    " SELECT attendance_id, revision + 1000, kind, happened_at, student_id, actor_id, actor_name,"
    " source, old, new, reason, request_id FROM attendance_attendanceevent LIMIT 1",
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_by_hand_is_seen(what: str, school: School) -> None:
    school.lesson(5).finish()
    let_run_to_rest(school.rig)
    assert not count(school.rig, school.journal).faults

    with school.rig.sql() as sql:
        sql.execute(BROKEN[what])

    assert what in count(school.rig, school.journal).faults


def test_what_redis_still_holds_and_who_was_sent_away_is_seen(school: School) -> None:
    desk = school.lesson(2)
    let_run_to_rest(school.rig)
    student = school.rig.people.students[5]
    school.journal.refuse(Sent(CHECK_IN, desk.lesson.id, student.school_number, "", ""), 404, {})

    # The lesson is not over yet.
    assert {"left", "denied"} <= count(school.rig, school.journal).faults.keys()
