"""People who are deleted, renamed and renumbered while their lessons are on the way."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from tests.faults.processes import LEFT_TO_WORKERS, SITE, is_left, worker
from tests.faults.rig import Rig, Site, Template, made_rig
from tests.faults.school import School
from tests.support.waiting import wait_until

DELETE = (
    "DELETE FROM users_tokenproof WHERE token_id IN (SELECT digest FROM knox_authtoken"
    " WHERE user_id = (SELECT id FROM users_user WHERE school_number = %s))",
    "DELETE FROM knox_authtoken WHERE user_id ="
    " (SELECT id FROM users_user WHERE school_number = %s)",
    "DELETE FROM users_user WHERE school_number = %s",
)


@pytest.fixture(scope="module")
def shared_rig(template: Template) -> Iterator[Rig]:
    """Servers of this module alone: who was deleted stays away. Each test has its own people."""
    with made_rig(template) as rig:
        yield rig


@pytest.fixture(scope="module")
def site(shared_rig: Rig) -> Iterator[Site]:
    with shared_rig.site(app=SITE, env=LEFT_TO_WORKERS) as served:
        yield served


def delete(rig: Rig, number: str) -> None:
    with rig.sql() as sql, sql.transaction():
        for statement in DELETE:
            sql.execute(statement, [number])


def test_people_deleted_in_mid_lesson_come_back_with_their_marks(school: School) -> None:
    people = school.rig.people
    desk = school.lesson(5, teacher=3)
    school.let_in(desk, [38, 39])
    delete(school.rig, people.students[38].school_number)
    desk.correct_somebody()
    desk.finish()
    delete(school.rig, people.students[39].school_number)
    # As a teacher, and as the actor of a correction.
    desk = school.lesson(5, teacher=4)
    desk.correct_somebody()
    desk.finish()
    delete(school.rig, people.teachers[4].school_number)

    school.holds()

    assert _role(school.rig, people.teachers[4].school_number) == "teacher"


@pytest.mark.parametrize("step", ["users_ensured", "rows_written", "before_commit"])
def test_a_delete_between_users_and_commit_waits_and_fails(step: str, school: School) -> None:
    desk = school.lesson(5, teacher=2)
    desk.finish()
    number = desk.lesson.here[0].school_number
    with worker(school.rig, "hold", step, "1.5") as holder:
        wait_until(lambda: _holds(school.rig), "the claim")
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            delete(school.rig, number)
        wait_until(holder.reports, "a report")

    assert holder.reports()[0]["totals"]["outcomes"] == {"persisted": 1}
    school.holds()


def test_a_delete_that_is_under_way_is_waited_for_and_its_user_made_anew(school: School) -> None:
    school.lesson(5, teacher=1).finish()
    desk = school.lesson(0, teacher=0)
    school.let_in(desk, [37])
    desk.finish()
    number = school.rig.people.students[37].school_number
    with school.rig.sql() as sql, sql.transaction():
        for statement in DELETE:
            sql.execute(statement, [number])
        runner = threading.Thread(target=school.rig.persist)
        runner.start()
        wait_until(lambda: _waits(school.rig), "a run that waits for the delete")
    runner.join()

    assert not is_left(school, desk)
    school.holds()


def test_a_new_name_and_number_in_mid_lesson_change_no_mark(school: School) -> None:
    desk = school.lesson(0, teacher=0)
    school.let_in(desk, [35, 36])
    renamed, renumbered = school.rig.people.students[35:37]
    with school.rig.sql() as sql:
        sql.execute(
            "UPDATE users_user SET full_name = 'Another Name' WHERE school_number = %s",
            [renamed.school_number],
        )
        sql.execute(
            "UPDATE users_user SET school_number = 'R-036' WHERE school_number = %s",
            [renumbered.school_number],
        )
    desk.finish()

    school.holds()

    # The mark tells number and name as they were seen; nobody is renamed by a lesson.
    with school.rig.sql() as sql:
        told = sql.execute(
            "SELECT r.school_number, u.school_number, r.full_name, u.full_name"
            " FROM attendance_attendancerecord r"
            " JOIN users_user u ON u.id = r.student_id ORDER BY r.school_number"
        ).fetchall()
    number, other = renamed.school_number, renumbered.school_number
    assert told == [
        (number, number, renamed.full_name, "Another Name"),
        (other, "R-036", renumbered.full_name, renumbered.full_name),
    ]


def _holds(rig: Rig) -> bool:
    """Whether somebody has written rows of users or lessons that are not committed."""
    with rig.sql() as sql:
        row = sql.execute(
            "SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation"
            " WHERE c.relname = 'users_user' AND l.mode = 'RowShareLock'"
        ).fetchone()
    return bool(row and row[0])


def _waits(rig: Rig) -> bool:
    with rig.sql() as sql:
        row = sql.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return bool(row and row[0])


def _role(rig: Rig, number: str) -> str:
    with rig.sql() as sql:
        row = sql.execute(
            "SELECT role FROM users_user WHERE school_number = %s", [number]
        ).fetchone()
    return str(row[0]) if row else ""
