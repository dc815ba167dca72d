"""PostgreSQL or Redis gone, before, during and after: nothing is lost, the next run goes on."""

import threading
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import OperationalError, connection, transaction

from attendance.live import store
from attendance.models import AttendanceRecord, LessonLedger
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import finish_lesson
from attendance.services.persistence import failpoints, rows, unified_persistence_task
from attendance.services.persistence.candidates import RunOptions
from attendance.services.persistence.report import Outcome
from attendance.services.persistence.row_values import Readable
from attendance.vocabulary import LessonState, Verdict
from tests.support.lessons import TEACHER, ended_lesson, ended_lessons, keys_in_redis, live_lesson
from tests.support.outages import stop_redis
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE_COMMIT = ("claimed", "snapshot_taken", "users_ensured", "rows_written", "before_commit")
BEFORE_DISCARD = (*BEFORE_COMMIT, "committed")


def terminate_own_connection(lesson_ids: Sequence[UUID]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def complete(count: int) -> None:
    report = unified_persistence_task(options=RunOptions(retry_parked=True))
    assert report.exit_status == 0
    assert AttendanceRecord.objects.count() == count


@pytest.mark.parametrize("step", BEFORE_COMMIT)
def test_a_database_that_goes_away_ends_the_run_and_loses_nothing(step: str) -> None:
    lesson = ended_lesson(3)

    with failpoints.installed(step, terminate_own_connection):
        report = unified_persistence_task()

    assert report.exit_status == 75
    assert "PostgreSQL" in report.unavailable
    assert keys_in_redis(lesson.id)
    complete(3)


def test_a_database_that_goes_away_in_the_middle_of_a_copy_loses_nothing() -> None:
    ended_lesson(3)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER leave BEFORE INSERT ON attendance_attendancerecord"
            " FOR EACH ROW EXECUTE FUNCTION leave()"
        )
    try:
        report = unified_persistence_task()
    finally:
        connection.cursor().execute("DROP FUNCTION leave CASCADE")

    assert report.exit_status == 75
    assert "57P01" in report.unavailable
    complete(3)


def test_a_database_that_goes_away_after_the_commit_leaves_it_stored() -> None:
    lesson = ended_lesson(3)

    with failpoints.installed("names_held", terminate_own_connection):
        report = unified_persistence_task()

    assert report.exit_status == 75
    assert report.totals.counts.inserted == 3
    connection.close()
    complete(3)
    assert LessonLedger.objects.get(pk=lesson.id).state == LessonState.DISCARDED


@pytest.mark.parametrize("step", ["none", *BEFORE_DISCARD])
def test_a_live_store_that_goes_away_ends_the_run_and_loses_nothing(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson = ended_lesson(3)
    with monkeypatch.context() as patch:
        if step == "none":
            stop_redis(patch)
            report = unified_persistence_task()
        else:
            with failpoints.installed(step, lambda ids: stop_redis(patch)):
                report = unified_persistence_task()

    # Before the snapshot the transaction has nothing; after it, it commits.
    assert report.exit_status == 75
    assert keys_in_redis(lesson.id)
    complete(3)
    assert keys_in_redis(lesson.id) == []


def test_finishing_without_postgresql_ends_the_lesson_all_the_same() -> None:
    lesson = live_lesson(2)

    with failpoints.installed("rows_written", terminate_own_connection):
        finished = finish_lesson(lesson.id, actor=TEACHER)

    assert finished.report is not None
    assert finished.report.unavailable
    connection.close()
    complete(2)


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03", "53100", "57014", "23503"])
def test_what_may_work_later_is_tried_later(sqlstate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lesson = ended_lesson(2)

    def refuse(lessons: object, users: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{sqlstate}'; END $$")

    with monkeypatch.context() as patch:
        patch.setattr(rows, "write_lessons", refuse)
        first = unified_persistence_task()

    assert first.exit_status == 4
    row = LessonLedger.objects.get(pk=lesson.id)
    assert (row.state, row.attempts) == (LessonState.FAILED, 1)
    assert sqlstate in row.last_error
    # It waits for its pause, unless somebody asks.
    assert unified_persistence_task().totals.lessons == 0
    complete(2)
    assert LessonLedger.objects.get(pk=lesson.id).attempts == 0


def test_a_foreign_key_that_fails_at_the_commit_is_tried_later_and_harms_no_other_lesson() -> None:
    broken, other = ended_lessons(2)

    def point_to_nobody(lesson_ids: Sequence[UUID]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE attendance_attendance SET teacher_id = 999999999 WHERE id = %s",
                [broken.id],
            )

    with failpoints.installed("rows_written", point_to_nobody):
        report = unified_persistence_task()

    outcomes = {each.lesson_id: (each.outcome, "23503" in each.error) for each in report.lessons}
    assert outcomes == {broken.id: (Outcome.FAILED, True), other.id: (Outcome.PERSISTED, False)}
    assert AttendanceRecord.objects.filter(attendance_id=broken.id).count() == 0
    assert keys_in_redis(broken.id)
    assert keys_in_redis(other.id) == []
    complete(6)


def test_pauses_grow_with_each_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    lesson = ended_lesson(1)
    pauses: list[timedelta] = []

    def refuse(lessons: object, users: object) -> None:
        raise OperationalError("deadlock") from _Deadlock()

    monkeypatch.setattr(rows, "write_lessons", refuse)
    for _ in range(3):
        unified_persistence_task(options=RunOptions(retry_parked=True))
        until = LessonLedger.objects.get(pk=lesson.id).next_attempt_at
        assert until is not None
        pauses.append(until - store.now())

    assert pauses[0] < pauses[1] < pauses[2]


class _Deadlock(Exception):
    sqlstate = "40P01"


def test_an_unexpected_error_fails_one_lesson_loudly_and_the_run_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = ended_lessons(2)
    real = rows.write_lessons

    def stumble(lessons: Sequence[Readable], users: dict[str, int]) -> object:
        if any(each.lesson.id == bad.id for each in lessons):
            raise KeyError("a bug")
        return real(lessons, users)

    with monkeypatch.context() as patch:
        patch.setattr(rows, "write_lessons", stumble)
        report = unified_persistence_task()

    assert report.exit_status == 4
    assert {each.lesson_id: each.outcome for each in report.lessons} == {
        bad.id: "failed",
        good.id: "persisted",
    }
    assert "failed unexpectedly" in caplog.text
    complete(6)


def test_a_table_that_swallows_a_row_stores_nothing_and_says_so() -> None:
    lesson = ended_lesson(3)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RETURN NULL; END $$;"
            "CREATE TRIGGER swallow BEFORE INSERT ON attendance_attendancerecord"
            " FOR EACH ROW WHEN (NEW.full_name = 'Student 0002') EXECUTE FUNCTION swallow()"
        )
    try:
        report = unified_persistence_task()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION swallow CASCADE")

    assert report.exit_status == 4
    assert "2 of 3 rows" in report.lessons[0].error
    assert keys_in_redis(lesson.id)
    assert not AttendanceRecord.objects.exists()
    complete(3)


def test_sums_that_disagree_are_rolled_back(monkeypatch: pytest.MonkeyPatch) -> None:
    lesson = ended_lesson(3)
    real = rows.write_lessons

    def forget_one(lessons: Sequence[Readable], users: dict[str, int]) -> dict[UUID, rows.Written]:
        return {i: each._replace(inserted=2) for i, each in real(lessons, users).items()}

    with monkeypatch.context() as patch:
        patch.setattr(rows, "write_lessons", forget_one)
        report = unified_persistence_task()

    assert report.exit_status == 4
    assert "SumsDisagree" in report.lessons[0].error
    assert keys_in_redis(lesson.id)
    assert not AttendanceRecord.objects.exists()
    complete(3)


def test_a_row_that_is_missing_in_a_known_attendance_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lesson = ended_lesson(3)
    with monkeypatch.context() as patch:
        patch.setattr(store, "discard_if_unchanged", lambda *_, **__: {})
        unified_persistence_task()
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number="S-0001",
            verdict=Verdict.LATE,
            actor=TEACHER,
            reason="tram",
        )
    )
    real = rows.move_records_forward

    def lose_one(lessons: Sequence[Readable], users: dict[str, int]) -> object:
        done = real(lessons, users)
        AttendanceRecord.objects.filter(student__school_number="S-0003").delete()
        return done

    with monkeypatch.context() as patch:
        patch.setattr(rows, "move_records_forward", lose_one)
        report = unified_persistence_task()

    assert report.exit_status == 4
    assert "SumsDisagree" in report.lessons[0].error
    complete(3)


def test_a_user_who_is_deleted_meanwhile_breaks_no_foreign_key() -> None:
    lesson = ended_lesson(3)
    unified_persistence_task(lesson_ids=[])
    User.objects.create_user("S-0002", "Known before")
    started = threading.Event()

    def delete(lesson_ids: Sequence[UUID]) -> None:
        thread = threading.Thread(target=_delete, args=(started,))
        thread.start()
        assert started.wait(10)
        # It can only wait: the users are held until the commit.
        thread.join(1)
        assert thread.is_alive()
        threads.append(thread)

    threads: list[threading.Thread] = []
    with failpoints.installed("users_ensured", delete):
        report = unified_persistence_task()
    for thread in threads:
        thread.join(20)

    # The delete waited for our commit, and then the row was in use.
    assert report.exit_status == 0
    assert AttendanceRecord.objects.filter(attendance_id=lesson.id).count() == 3
    assert User.objects.filter(school_number="S-0002").exists()


def _delete(started: threading.Event) -> None:
    from django.db import IntegrityError, connections

    try:
        with transaction.atomic(), connection.cursor() as cursor:
            started.set()
            cursor.execute("DELETE FROM users_user WHERE school_number = 'S-0002'")
    except IntegrityError:
        pass
    finally:
        connections.close_all()
