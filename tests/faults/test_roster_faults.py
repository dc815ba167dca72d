"""Rosters that change, and processes that die, at each step of a run that marks the missing."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from django.db import connections

from attendance.live.payloads import LiveLesson
from attendance.models import Attendance, AttendanceRecord, LessonLedger, PersistenceRun
from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import failpoints, unified_persistence_task
from attendance.vocabulary import LessonState, Verdict
from courses.models import Enrolment, Section
from courses.services.enrolments import EnrolmentPlan, end_enrolment, enrol
from courses.services.sections import archive_section
from courses.vocabulary import EnrolmentRole
from demo.processes import database_url
from tests.faults.victims import VICTIM
from tests.support.death import Died
from tests.support.lessons import TEACHER, keys_in_redis, student
from tests.support.processes import python
from tests.support.sections import ended_section_lesson, section_of_today, user_of
from tests.support.waiting import wait_until
from users.identity import Person, Role
from users.services import merge_people

pytestmark = pytest.mark.django_db(transaction=True)

STAFF = Person("STAFF-1", "Staff 1", Role.STAFF)
STEPS = failpoints.STEPS
READ = STEPS[STEPS.index("rosters_read") :]
"""At these steps the roster of the lesson was read."""
OPEN = STEPS[STEPS.index("rosters_read") : STEPS.index("committed")]
"""At these steps the run holds what it has read."""

SECONDS = 20
HERE, ABSENT, NEW = "present by student", "absent by system", "S-0009"


@pytest.fixture(params=["new", "known"])
def lesson(request: pytest.FixtureRequest) -> LiveLesson:
    """A lesson of a section that is over: two of four have come. `known` has a stored copy."""
    user_of(STAFF)
    user_of(student(9))
    made = ended_section_lesson(section_of_today([1, 2, 3, 4]), [1, 2])
    if request.param == "known":
        _leave_a_copy(made)
    return made


def _leave_a_copy(lesson: LiveLesson) -> None:
    """A stored attendance whose roster is open: as rebuilt, and then found in Redis again."""

    def die(lesson_ids: Sequence[UUID]) -> None:
        raise Died

    with failpoints.installed("committed", die), pytest.raises(Died):
        unified_persistence_task()
    AttendanceRecord.objects.filter(source="system").delete()
    AttendanceRecord.objects.update(is_expected=None)
    Attendance.objects.update(roster_closed_at=None)
    PersistenceRun.objects.all().delete()
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number="S-0001",
            verdict=Verdict.ACCEPT,
            actor=TEACHER,
            reason="seen",
        )
    )


class Someone(threading.Thread):
    """Whoever changes something at a step; one who has to wait for the run is not waited for."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - looked at by the test
            self.error = error
        finally:
            connections.close_all()


@contextmanager
def changed_at(step: str, work: Callable[[], object]) -> Iterator[Someone]:
    """Let something be changed the first time that the run comes to a step."""
    someone = Someone(work)

    def hook(lesson_ids: Sequence[UUID]) -> None:
        if someone.ident is None and lesson_ids:
            someone.start()
            wait_until(lambda: not someone.is_alive() or _waits(), "a change, or one that waits")

    with failpoints.installed(step, hook):
        yield someone
    someone.join(SECONDS)
    assert someone.ident is not None
    assert not someone.is_alive()


def _waits() -> bool:
    with psycopg.connect(database_url(), autocommit=True) as other:
        row = other.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return bool(row and row[0])


def run_to_rest(lesson: LiveLesson) -> None:
    for _ in range(3):
        assert unified_persistence_task().sums_agree
    assert keys_in_redis(lesson.id) == []
    assert LessonLedger.objects.get(pk=lesson.id).state == LessonState.DISCARDED


def marks() -> dict[str, str]:
    """What each student has, and by whom; fails where there is one twice."""
    rows = AttendanceRecord.objects.filter(deleted_at=None)
    found = list(rows.values_list("student__school_number", "status", "source"))
    assert len({number for number, _, _ in found}) == len(found)
    return {
        number: f"{status} by {'student' if source == 'teacher' else source}"
        for number, status, source in found
    }


def expected() -> set[str]:
    rows = AttendanceRecord.objects.filter(is_expected=True)
    return set(rows.values_list("student__school_number", flat=True))


def absent_is_expected_less_marked() -> None:
    """By what the runs have told, and by the rows."""
    [row] = Attendance.objects.all()
    assert row.roster_closed_at is not None
    missing = AttendanceRecord.objects.filter(source="system")
    marked = AttendanceRecord.objects.filter(is_expected=True).exclude(source="system")
    assert missing.count() == len(expected()) - marked.count()
    told = PersistenceRun.objects.values_list("expected", "marked_absent")
    assert [sum(each) for each in zip(*told, strict=True)] == [len(expected()), missing.count()]
    assert not AttendanceRecord.objects.filter(is_expected=None).exists()


EVERYBODY = {"S-0001": HERE, "S-0002": HERE, "S-0003": ABSENT, "S-0004": ABSENT}


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_step_marks_whoever_was_missing_once(step: str, lesson: LiveLesson) -> None:
    with python(VICTIM, step) as victim:
        assert victim.wait(30) == -signal.SIGKILL
    run_to_rest(lesson)

    assert marks() == EVERYBODY
    absent_is_expected_less_marked()


@pytest.mark.parametrize("step", STEPS)
def test_two_workers_at_a_lesson_of_a_section_mark_whoever_was_missing_once(
    step: str, lesson: LiveLesson
) -> None:
    with changed_at(step, unified_persistence_task):
        assert unified_persistence_task().sums_agree
    run_to_rest(lesson)

    assert marks() == EVERYBODY
    absent_is_expected_less_marked()


def _enrol() -> None:
    section = Section.objects.get()
    plan = EnrolmentPlan(
        section_id=section.pk,
        user_id=user_of(student(9)).pk,
        role=EnrolmentRole.STUDENT,
        begins_on=section.starts_on,
    )
    enrol(plan=plan, actor=user_of(STAFF))


@pytest.mark.parametrize("step", STEPS)
def test_an_enrolment_at_any_step_is_on_the_roster_or_not(step: str, lesson: LiveLesson) -> None:
    with changed_at(step, _enrol) as office:
        unified_persistence_task()
    run_to_rest(lesson)

    assert office.error is None
    late = {} if step in READ else {NEW: ABSENT}
    assert marks() == EVERYBODY | late
    absent_is_expected_less_marked()


def _leave() -> None:
    row = Enrolment.objects.get(user__school_number="S-0004")
    end_enrolment(
        enrolment_id=row.pk, ends_on=row.begins_on + timedelta(days=1), actor=user_of(STAFF)
    )


@pytest.mark.parametrize("step", STEPS)
def test_an_end_of_an_enrolment_at_any_step_is_followed_or_not(
    step: str, lesson: LiveLesson
) -> None:
    with changed_at(step, _leave) as office:
        unified_persistence_task()
    run_to_rest(lesson)

    assert office.error is None
    assert set(marks()) == set(EVERYBODY) - (set() if step in READ else {"S-0004"})
    absent_is_expected_less_marked()


def _delete_the_section() -> None:
    # Keys are looked at when the transaction ends: there it waits, and fails.
    with psycopg.connect(database_url(), autocommit=True) as other, other.transaction():
        other.execute("DELETE FROM courses_enrolment")
        other.execute("DELETE FROM courses_section")


@pytest.mark.parametrize("step", STEPS)
def test_a_section_deleted_at_any_step_takes_no_mark_with_it(step: str, lesson: LiveLesson) -> None:
    with changed_at(step, _delete_the_section) as vandal:
        unified_persistence_task()
    run_to_rest(lesson)

    is_stored_before = step in READ or Attendance.objects.get().section_id is not None
    if is_stored_before:
        # Whoever deletes waits for the run, and fails: a register points to the section.
        assert isinstance(vandal.error, psycopg.errors.ForeignKeyViolation)
        assert marks() == EVERYBODY
        absent_is_expected_less_marked()
    else:
        assert vandal.error is None
        assert marks() == {"S-0001": HERE, "S-0002": HERE}
        assert Attendance.objects.get().roster_closed_at is None


@pytest.mark.parametrize("step", STEPS)
def test_a_section_archived_at_any_step_changes_nothing(step: str, lesson: LiveLesson) -> None:
    section_id = Section.objects.get().pk
    with changed_at(
        step, lambda: archive_section(section_id=section_id, actor=user_of(STAFF))
    ) as office:
        unified_persistence_task()
    run_to_rest(lesson)

    assert office.error is None
    assert marks() == EVERYBODY
    absent_is_expected_less_marked()


def _merge_both() -> None:
    """Somebody who came, and somebody who did not, each into an account that is not enrolled."""
    for duplicate, into in (("S-0001", "S-0008"), ("S-0003", "S-0009")):
        merge_people(duplicate=duplicate, into=into, actor=user_of(STAFF), reason="one person")


@pytest.mark.parametrize("step", STEPS)
def test_people_merged_at_any_step_have_one_mark_each(step: str, lesson: LiveLesson) -> None:
    user_of(student(8))
    with changed_at(step, _merge_both) as office:
        unified_persistence_task()
    run_to_rest(lesson)

    assert office.error is None
    # The mark of whoever did not come is with the account that was the root when it was made.
    missing = "S-0003" if step in READ else NEW
    others = {number: mark for number, mark in EVERYBODY.items() if number != "S-0003"}
    assert marks() == others | {missing: ABSENT}
    absent_is_expected_less_marked()
