"""People who get another number at each step of a run: each stays one person, with one mark."""

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from attendance.services.persistence import failpoints
from tests.faults.processes import LEFT_TO_WORKERS, SITE, Process, backlog, is_left, worker
from tests.faults.rig import Member, Rig, Site
from tests.faults.school import School
from tests.support.waiting import wait_until

_RENUMBER = "UPDATE users_user SET school_number = %s WHERE school_number = %s"


@pytest.fixture(scope="module")
def site(shared_rig: Rig) -> Iterator[Site]:
    """A site that leaves every lesson to the workers."""
    with shared_rig.site(app=SITE, env=LEFT_TO_WORKERS) as served:
        yield served


@pytest.mark.parametrize("end", ["goes on", "dies"])
@pytest.mark.parametrize("step", failpoints.STEPS)
def test_a_new_number_at_any_step_of_a_run_makes_nobody_new(
    step: str, end: str, school: School
) -> None:
    (desk,) = backlog(school, lessons=1)
    student, teacher = desk.lesson.here[0], school.rig.people.teachers[2]
    before = _accounts(school.rig)
    with worker(school.rig, "pause", step) as sleeper:
        wait_until(sleeper.is_stopped, "the pause")
        with renumbered(school.rig, student, teacher) as change:
            wait_until(lambda: not change.is_alive() or _waits(school.rig), "a change, or a wait")
            _end(sleeper, end)
            change.join()
            # A word on somebody else brings the lesson up once more, wherever it is.
            desk.correct_somebody()
            with worker(school.rig, "loop", "0.1"):
                wait_until(lambda: not is_left(school, desk), "a next run")
            school.holds()
            assert _marks(school.rig, before[student.school_number]) == [student.school_number]
            assert _teachers(school.rig) == [before[teacher.school_number]]
            assert set(_accounts(school.rig).values()) == set(before.values())


def _end(sleeper: Process, end: str) -> None:
    sleeper.send(signal.SIGCONT if end == "goes on" else signal.SIGKILL)


@contextmanager
def renumbered(rig: Rig, *people: Member) -> Iterator[threading.Thread]:
    """These people get other numbers, and at the end they have their own again."""
    wanted = [(f"R-{each.school_number}", each.school_number) for each in people]

    def change() -> None:
        with rig.sql() as sql:
            for new, old in wanted:
                sql.execute(_RENUMBER, [new, old])

    with ExitStack() as stack:
        thread = threading.Thread(target=change, daemon=True)
        thread.start()
        stack.callback(_give_back, rig, wanted)
        yield thread


def _give_back(rig: Rig, wanted: list[tuple[str, str]]) -> None:
    with rig.sql() as sql:
        for new, old in wanted:
            sql.execute(_RENUMBER, [old, new])


def _waits(rig: Rig) -> bool:
    with rig.sql() as sql:
        row = sql.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return bool(row and row[0])


def _accounts(rig: Rig) -> dict[str, int]:
    """Who has an account, without those whom a lesson has brought along."""
    with rig.sql() as sql:
        rows = sql.execute(
            "SELECT school_number, id FROM users_user WHERE school_number NOT LIKE 'N-%'"
        ).fetchall()
    return {str(number): int(user) for number, user in rows}


def _marks(rig: Rig, user: int) -> list[str]:
    """The numbers under which somebody is marked."""
    with rig.sql() as sql:
        rows = sql.execute(
            "SELECT school_number FROM attendance_attendancerecord WHERE student_id = %s", [user]
        ).fetchall()
    return [str(row[0]) for row in rows]


def _teachers(rig: Rig) -> list[int]:
    with rig.sql() as sql:
        rows = sql.execute("SELECT teacher_id FROM attendance_attendance").fetchall()
    return [int(row[0]) for row in rows]
