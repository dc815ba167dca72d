"""Whatever comes between two steps of the task: corrections, extensions, deaths, rivals."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from django.db import connections

from attendance.live import store
from attendance.live.payloads import EventData, RequestKey
from attendance.models import AttendanceEvent, AttendanceRecord, LessonLedger
from attendance.services import claims
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import failpoints, unified_persistence_task
from attendance.services.persistence.report import PersistenceReport
from attendance.vocabulary import LessonState, Verdict
from demo.processes import database_url
from tests.support.clock import Clock
from tests.support.death import Died
from tests.support.lessons import (
    TEACHER,
    end,
    ended_lesson,
    keys_in_redis,
    live_lesson,
    student,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("totals_agree")]

STEPS = failpoints.STEPS
SECONDS = 20


def in_thread(work: Callable[[], None]) -> threading.Thread:
    """Run with a database connection of its own."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run, name="other")
    thread.start()
    return thread


def once(work: Callable[[], None]) -> failpoints.Hook:
    """A hook that does something the first time, as somebody else."""
    is_done = False

    def hook(lesson_ids: Sequence[UUID]) -> None:
        nonlocal is_done
        if not is_done:
            is_done = True
            in_thread(work).join(SECONDS)

    return hook


def run_to_rest(lesson_id: UUID) -> None:
    """Run until nothing changes, and check that the lesson is in PostgreSQL only."""
    for _ in range(3):
        assert unified_persistence_task().sums_agree
    assert keys_in_redis(lesson_id) == []
    assert LessonLedger.objects.get(pk=lesson_id).state == LessonState.DISCARDED


@pytest.mark.parametrize("step", STEPS)
def test_a_correction_at_any_step_is_the_newest_word(step: str) -> None:
    lesson = ended_lesson(3)

    def correct() -> None:
        correct_record(
            Correction(
                lesson_id=lesson.id,
                school_number="S-0002",
                verdict=Verdict.LATE,
                actor=TEACHER,
                reason="tram",
            )
        )

    with failpoints.installed(step, once(correct)):
        unified_persistence_task()
    run_to_rest(lesson.id)

    statuses = dict(AttendanceRecord.objects.values_list("student__school_number", "status"))
    assert statuses == {"S-0001": "present", "S-0002": "late", "S-0003": "present"}
    assert AttendanceEvent.objects.filter(kind="record_corrected").count() == 1


@pytest.mark.parametrize("step", STEPS)
def test_an_extension_at_any_step_keeps_the_lesson_open(step: str, clock: Clock) -> None:
    lesson = live_lesson(2)
    refused: list[Exception] = []
    # Over by a clock that is ahead: only when that goes back, it is open again.
    clock.offset_ms = 31 * 60_000

    def extend() -> None:
        clock.offset_ms = 0
        event = EventData("lesson_extended", TEACHER, "teacher")
        later = store.now() + timedelta(minutes=60)
        try:
            store.extend(lesson.id, later, request=RequestKey("extension", ""), event=event)
            check_in(lesson.id, student=student(3))
        except Exception as error:  # noqa: BLE001 - looked at below
            refused.append(error)

    with failpoints.installed(step, once(extend)):
        unified_persistence_task()
    clock.offset_ms = 0
    is_stored = step in {"names_held", "discarded"}
    assert bool(refused) is is_stored
    if not is_stored:
        assert len(keys_in_redis(lesson.id)) > 0
        check_in(lesson.id, student=student(4))
        end(lesson.id)
    run_to_rest(lesson.id)

    expected = 2 if is_stored else 4
    assert AttendanceRecord.objects.count() == expected


@pytest.mark.parametrize("step", STEPS)
def test_a_death_at_any_step_is_completed_by_the_next_run(step: str) -> None:
    lesson = ended_lesson(3)

    def die(lesson_ids: Sequence[UUID]) -> None:
        raise Died

    with failpoints.installed(step, die), pytest.raises(Died):
        unified_persistence_task()
    run_to_rest(lesson.id)

    assert AttendanceRecord.objects.count() == 3


@contextmanager
def stopped_at(step: str) -> Iterator[tuple[threading.Event, threading.Event, list[object]]]:
    """A task in another thread that waits at a step until it is let go."""
    reached, go = threading.Event(), threading.Event()
    reports: list[object] = []

    def wait(lesson_ids: Sequence[UUID]) -> None:
        if threading.current_thread().name == "other":
            reached.set()
            assert go.wait(SECONDS)

    with failpoints.installed(step, wait):
        thread = in_thread(lambda: reports.append(unified_persistence_task()))
        try:
            yield reached, go, reports
        finally:
            go.set()
            thread.join(SECONDS)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("with_claims", [True, False])
def test_two_tasks_store_each_mark_once(
    step: str, with_claims: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not with_claims:
        monkeypatch.setattr(claims, "claim", list)
    lesson = ended_lesson(3)
    mine: list[PersistenceReport] = []

    with stopped_at(step) as (reached, go, _theirs):
        assert reached.wait(SECONDS)
        rival = threading.Thread(target=lambda: _run_into(mine), name="rival")
        rival.start()
        # Without claims it may wait for a row that the first one has not committed.
        rival.join(1)
        go.set()
        rival.join(SECONDS)
    run_to_rest(lesson.id)

    assert len(mine) == 1
    assert AttendanceRecord.objects.count() == 3
    assert mine[0].sums_agree


@pytest.mark.parametrize("with_claims", [True, False])
def test_an_older_snapshot_overwrites_no_correction(
    with_claims: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not with_claims:
        monkeypatch.setattr(claims, "claim", list)
    lesson = ended_lesson(3)
    mine: list[PersistenceReport] = []

    with stopped_at("snapshot_taken") as (reached, go, _theirs):
        assert reached.wait(SECONDS)
        correct_record(
            Correction(
                lesson_id=lesson.id,
                school_number="S-0001",
                verdict=Verdict.LATE,
                actor=TEACHER,
                reason="tram",
            )
        )
        _run_into(mine)
        go.set()
    run_to_rest(lesson.id)

    statuses = dict(AttendanceRecord.objects.values_list("student__school_number", "status"))
    assert statuses["S-0001"] == "late"
    assert AttendanceEvent.objects.filter(kind="record_corrected").count() == 1


def _run_into(reports: list[PersistenceReport]) -> None:
    try:
        reports.append(unified_persistence_task())
    finally:
        if threading.current_thread().name == "rival":
            connections.close_all()


def test_a_late_word_about_a_discard_makes_no_stored_lesson_lost() -> None:
    """One task hears `changed`, another stores the change and dies, the first writes it down."""
    lesson = ended_lesson(2)
    commits = 0

    def interfere(lesson_ids: Sequence[UUID]) -> None:
        nonlocal commits
        commits += 1
        if commits > 1:
            raise Died
        correct_record(
            Correction(
                lesson_id=lesson.id,
                school_number="S-0001",
                verdict=Verdict.LATE,
                actor=TEACHER,
                reason="tram",
            )
        )

    with (
        failpoints.installed("committed", interfere),
        stopped_at("names_held") as (reached, _go, _reports),
    ):
        assert reached.wait(SECONDS)
        with pytest.raises(Died):
            unified_persistence_task()
    run_to_rest(lesson.id)

    assert AttendanceRecord.objects.filter(status="late").count() == 1


def test_a_busy_lesson_is_left_to_whoever_works_on_it() -> None:
    lesson = ended_lesson(1)

    with stopped_at("before_commit") as (reached, _go, _reports):
        assert reached.wait(SECONDS)
        report = unified_persistence_task(lesson_ids=[lesson.id])

    assert report.lessons[0].outcome == "busy"
    assert report.exit_status == 0
    run_to_rest(lesson.id)


def test_a_session_that_stands_still_in_the_middle_of_a_copy_is_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lesson = ended_lesson(2)
    other = psycopg.connect(database_url())
    try:
        other.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s || %s::text, 0))",
            [claims.NAMESPACE, str(lesson.id)],
        )
        # As a process that is stopped there: no timeout of PostgreSQL ends this.
        other.pgconn.send_query(b"COPY attendance_attendance FROM STDIN")
        other.pgconn.flush()

        patient = unified_persistence_task()
        monkeypatch.setattr(claims, "STATEMENT_SECONDS", 0)
        ending = unified_persistence_task()
        monkeypatch.undo()
        run_to_rest(lesson.id)
    finally:
        other.pgconn.finish()

    assert [each.totals.outcomes for each in (patient, ending)] == [{"busy": 1}, {"busy": 1}]
    assert AttendanceRecord.objects.count() == 2
