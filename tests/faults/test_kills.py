"""kill -9 of a persisting process at each step: the next run completes it, once."""

import signal

import pytest

from attendance.models import AttendanceEvent, AttendanceRecord, LessonLedger, PersistenceRun
from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import failpoints, unified_persistence_task
from attendance.vocabulary import LessonState, Verdict
from tests.faults.victims import VICTIM
from tests.support.lessons import TEACHER, end, keys_in_redis, live_lesson
from tests.support.processes import python

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("step", failpoints.STEPS)
def test_a_kill_at_any_step_loses_nothing_and_doubles_nothing(step: str) -> None:
    lesson = live_lesson(5)
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number="S-0002",
            verdict=Verdict.LATE,
            actor=TEACHER,
            reason="tram",
        )
    )
    end(lesson.id)

    with python(VICTIM, step) as victim:
        assert victim.wait(30) == -signal.SIGKILL
    report = unified_persistence_task()

    # The claim of a dead process is free at once: the next run needs no pause.
    assert report.exit_status == 0
    assert report.sums_agree
    statuses = dict(AttendanceRecord.objects.values_list("student__school_number", "status"))
    assert len(statuses) == 5
    assert statuses["S-0002"] == "late"
    assert AttendanceEvent.objects.count() == 2
    assert keys_in_redis(lesson.id) == []
    assert LessonLedger.objects.get(pk=lesson.id).state == LessonState.DISCARDED


def test_the_book_of_a_killed_run_tells_what_it_committed() -> None:
    live = live_lesson(3)
    end(live.id)

    with python(VICTIM, "committed") as victim:
        victim.wait(30)

    run = PersistenceRun.objects.get()
    assert (run.inserted, run.finished_at) == (3, None)
