"""Persisting processes are added without any word between them but PostgreSQL's claims."""

import json
import subprocess
from collections import Counter
from contextlib import ExitStack
from typing import Any

import pytest

from attendance.models import (
    Attendance,
    AttendanceEvent,
    AttendanceRecord,
    LessonLedger,
    PersistenceRun,
)
from attendance.services.corrections import Correction, correct_record
from attendance.vocabulary import LessonState, Verdict
from tests.support.lessons import end, keys_in_redis, live_lesson
from tests.support.processes import python
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)

LESSONS, STUDENTS = 24, 5

# Each stops at its first claims, in both of its lanes, until all the others hold some as well.
PERSIST = """
import json, threading
from attendance.services.persistence import failpoints
from attendance.services.persistence import RunOptions, unified_persistence_task
first, go = threading.Lock(), threading.Event()
def meet(claimed):
    if not claimed:
        return
    if first.acquire(blocking=False):
        print("holds", flush=True)
        sys.stdin.readline()
        go.set()
    go.wait()
with failpoints.installed("claimed", meet):
    report = unified_persistence_task(options=RunOptions(chunk_records=15))
print(json.dumps(report.as_dict()), flush=True)
"""


def backlog() -> dict[str, int]:
    """Lessons that are over, with a correction each. Returns how many events each has."""
    events = {}
    for number in range(LESSONS):
        teacher = Person(f"T-{number}", f"Teacher {number}", Role.TEACHER)
        lesson = live_lesson(STUDENTS, teacher=teacher)
        correct_record(
            Correction(
                lesson_id=lesson.id,
                school_number="S-0002",
                verdict=Verdict.LATE,
                actor=teacher,
                reason="tram",
            )
        )
        end(lesson.id)
        events[str(lesson.id)] = 2
    return events


def persist_at_once(processes: int) -> list[dict[str, Any]]:
    """Run so many tasks over the same backlog. Returns their reports."""
    with ExitStack() as stack:
        children = [stack.enter_context(python(PERSIST)) for _ in range(processes)]
        for child in children:
            assert line_of(child) == "holds\n"
        for child in children:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        return [json.loads(child.communicate(timeout=60)[0]) for child in children]


def line_of(child: "subprocess.Popen[str]") -> str:
    assert child.stdout is not None
    return child.stdout.readline()


PROCESSES = pytest.mark.parametrize(
    "processes", [4, *(pytest.param(n, marks=pytest.mark.long) for n in (1, 2))]
)


@PROCESSES
def test_every_lesson_is_persisted_by_exactly_one_process(processes: int) -> None:
    expected = backlog()

    reports = persist_at_once(processes)

    outcomes = Counter(
        (row["lesson_id"], row["outcome"]) for report in reports for row in report["lessons"]
    )
    persisted = {lesson_id: n for (lesson_id, word), n in outcomes.items() if word == "persisted"}
    assert persisted == dict.fromkeys(expected, 1)
    # Each had something to do, and what it met elsewhere it left alone or found stored.
    assert all(report["totals"]["inserted"] > 0 for report in reports)
    assert {word for _, word in outcomes} <= {"persisted", "busy", "unchanged"}
    assert all(report["exit_status"] == 0 and report["sums_agree"] for report in reports)

    totals = sum((Counter(numbers(report)) for report in reports), Counter[str]())
    assert totals["inserted"] == AttendanceRecord.objects.count() == LESSONS * STUDENTS
    assert totals["updated"] == totals["quarantined"] == 0
    assert totals["events_inserted"] == AttendanceEvent.objects.count() == sum(expected.values())
    assert Attendance.objects.count() == LESSONS


@PROCESSES
def test_the_books_of_all_processes_add_up(processes: int) -> None:
    expected = backlog()

    persist_at_once(processes)

    runs = list(PersistenceRun.objects.all())
    assert len(runs) == processes
    assert sum(run.inserted for run in runs) == LESSONS * STUDENTS
    assert all(run.finished_at and not run.failed and not run.error for run in runs)
    assert all(
        run.recorded == run.read == run.inserted + run.updated + run.unchanged + run.quarantined
        for run in runs
    )
    states = LessonLedger.objects.values_list("state", flat=True)
    assert list(states) == [LessonState.DISCARDED] * len(expected)
    assert [key for lesson in LessonLedger.objects.all() for key in keys_in_redis(lesson.pk)] == []


def numbers(report: dict[str, Any]) -> dict[str, int]:
    return {name: n for name, n in report["totals"].items() if isinstance(n, int)}
