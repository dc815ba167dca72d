"""The unified persistence task: what it stores, what it leaves, what it says."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from attendance.errors import LessonClosed
from attendance.live import client, keys, store
from attendance.models import (
    Attendance,
    AttendanceEvent,
    AttendanceRecord,
    LessonLedger,
    PersistenceRun,
    QuarantinedPayload,
    RefusedCheckIn,
)
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import copying, failpoints, unified_persistence_task
from attendance.services.persistence.candidates import RunOptions
from attendance.services.persistence.report import Outcome
from attendance.vocabulary import LessonState, Trigger, Verdict
from tests.support.factories import UserFactory
from tests.support.lessons import (
    TEACHER,
    end,
    ended_lesson,
    ended_lessons,
    keys_in_redis,
    live_lesson,
    redis_state,
    student,
)
from users.identity import Person, Role
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_lesson_that_is_over_is_stored_and_discarded() -> None:
    lesson = ended_lesson(3)

    report = unified_persistence_task()

    (told,) = report.lessons
    assert (told.outcome, told.is_discarded) == (Outcome.PERSISTED, True)
    counts = report.totals.counts
    assert (counts.recorded, counts.read, counts.inserted) == (3, 3, 3)
    assert report.sums_agree
    assert report.exit_status == 0
    assert 0 < told.seconds <= report.seconds < 300
    row = AttendanceRecord.objects.get(student__school_number="S-0001")
    assert (row.status, row.source, row.full_name) == ("present", "student", "Student 0001")
    assert keys_in_redis(lesson.id) == []
    assert client.connection().zcard(keys.DUE) == 0
    assert client.connection().get(keys.teacher("T-1")) is None


def test_a_lesson_that_is_not_over_is_left_alone_and_known_to_the_ledger() -> None:
    lesson = live_lesson(2)

    report = unified_persistence_task()

    assert report.totals.lessons == 0
    assert not Attendance.objects.exists()
    row = LessonLedger.objects.get(pk=lesson.id)
    assert (row.state, row.record_count) == (LessonState.LIVE, 2)


def test_a_lesson_nobody_attended_is_stored_without_records() -> None:
    lesson = ended_lesson(0)

    report = unified_persistence_task()

    assert report.lessons[0].outcome is Outcome.PERSISTED
    assert Attendance.objects.get(pk=lesson.id).records.count() == 0
    assert keys_in_redis(lesson.id) == []


def test_users_that_postgresql_knows_keep_their_name_and_role() -> None:
    UserFactory(school_number="S-0001", full_name="Known Name", role="teacher")
    ended_lesson(1)

    unified_persistence_task()

    known = User.objects.get(school_number="S-0001")
    assert (known.full_name, known.role) == ("Known Name", "teacher")
    assert AttendanceRecord.objects.get().full_name == "Student 0001"


def test_corrections_and_their_events_arrive_with_actor_and_reason() -> None:
    lesson = live_lesson(2)
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number="S-0001",
            verdict=Verdict.LATE,
            actor=TEACHER,
            reason="tram",
        )
    )
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number="S-0002",
            verdict=Verdict.DELETE,
            actor=TEACHER,
            reason="wrong class",
        )
    )
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number="S-0009",
            verdict=Verdict.EXCUSE,
            actor=TEACHER,
            reason="ill",
            full_name="New One",
        )
    )
    end(lesson.id)

    report = unified_persistence_task()

    rows = {r.student.school_number: r for r in AttendanceRecord.objects.select_related("student")}
    assert (rows["S-0001"].status, rows["S-0001"].reason) == ("late", "tram")
    deleted = rows["S-0002"]
    assert deleted.deleted_by is not None
    assert (deleted.deleted_by.school_number, deleted.deleted_reason) == ("T-1", "wrong class")
    assert rows["S-0009"].checked_in_at is None
    events = AttendanceEvent.objects.filter(kind="record_corrected").values_list("old", "new")
    assert list(events) == [("present", "late"), ("present", "deleted"), ("none", "excused")]
    assert report.totals.events_inserted == 4


def test_a_second_run_finds_everything_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    lesson = ended_lesson(5)
    with monkeypatch.context() as patch:
        # As if the process had died between its commit and the discard.
        patch.setattr(store, "discard_if_unchanged", lambda *_, **__: {})
        unified_persistence_task()
    before = list(AttendanceRecord.objects.values())

    def nothing(*_: object) -> None:
        pytest.fail("A COPY of nothing")

    monkeypatch.setattr(copying, "copy_records", nothing)
    monkeypatch.setattr(copying, "copy_events", nothing)
    with CaptureQueriesContext(connection) as captured:
        report = unified_persistence_task()

    # Nobody is made a user, and nothing is compared row by row.
    asked = [query["sql"] for query in captured if "users_user" in query["sql"]]
    asked += [query["sql"] for query in captured if "AS incoming" in query["sql"]]
    assert asked == []
    (told,) = report.lessons
    assert (told.outcome, told.counts.unchanged, told.is_discarded) == ("unchanged", 5, True)
    assert report.sums_agree
    assert list(AttendanceRecord.objects.values()) == before
    assert LessonLedger.objects.get(pk=lesson.id).state == LessonState.DISCARDED


def test_the_keys_of_a_commit_are_looked_up_by_index_while_few_lessons_are_stored() -> None:
    ended_lesson(2)
    unified_persistence_task()
    with connection.cursor() as cursor:
        # As autovacuum does: now a scan of the one page looks cheaper than the index.
        cursor.execute("ANALYZE attendance_attendance")
    before = _scans_of_lessons()
    ended_lesson(60)

    report = unified_persistence_task()

    assert report.totals.counts.inserted == 60
    assert _scans_of_lessons() - before < 60


def _scans_of_lessons() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'attendance_attendance'"
        )
        return int(cursor.fetchone()[0])


def test_lessons_are_kept_in_redis_as_long_as_the_setting_says(
    settings: Settings,
) -> None:
    settings.DISCARD_AFTER_MINUTES = 10
    lesson = ended_lesson(2)
    with pytest.raises(LessonClosed):
        check_in(lesson.id, student=student(3))

    unified_persistence_task()

    # Who was refused is told at once, although the lesson stays in Redis.
    assert RefusedCheckIn.objects.get().code == "lesson_closed"

    assert LessonLedger.objects.get(pk=lesson.id).state == LessonState.PERSISTED
    assert len(keys_in_redis(lesson.id)) > 0
    assert unified_persistence_task().totals.lessons == 0
    earlier = timezone.now() - timedelta(minutes=11)
    LessonLedger.objects.update(persisted_at=earlier)
    unified_persistence_task(options=RunOptions(retry_parked=True))
    assert keys_in_redis(lesson.id) == []


def test_the_query_count_does_not_grow_with_the_lessons() -> None:
    def queries(count: int) -> int:
        ended_lessons(count, students=2)
        with CaptureQueriesContext(connection) as captured:
            report = unified_persistence_task()
        assert report.totals.counts.inserted == 2 * count
        return len(captured)

    # Both make users: where all are known, it is one statement less.
    assert queries(1) == queries(50)


def test_the_query_count_of_known_lessons_does_not_grow_either() -> None:
    def queries(count: int) -> int:
        lessons = ended_lessons(count, students=2)
        with failpoints.installed("committed", _correct_each):
            unified_persistence_task()
        with CaptureQueriesContext(connection) as captured:
            report = unified_persistence_task()
        assert report.totals.counts.updated == count
        assert all(keys_in_redis(lesson.id) == [] for lesson in lessons)
        return len(captured)

    assert queries(20) == queries(1)


def _correct_each(lesson_ids: Sequence[UUID]) -> None:
    for lesson_id in lesson_ids:
        lesson = store.read_lesson(lesson_id)
        actor = Person(lesson.data.teacher.school_number, "Teacher", Role.TEACHER)
        correct_record(
            Correction(
                lesson_id=lesson_id,
                school_number="S-0001",
                verdict=Verdict.LATE,
                actor=actor,
                reason="tram",
            )
        )


def test_chunks_are_bounded_by_records() -> None:
    ended_lessons(4, students=3)
    seen: list[int] = []

    with failpoints.installed("claimed", lambda ids: seen.append(len(ids))):
        report = unified_persistence_task(options=RunOptions(chunk_records=6))

    assert seen == [2, 2]
    assert report.totals.counts.inserted == 12


def test_limit_leaves_the_newer_lessons_for_the_next_run() -> None:
    first, second = ended_lessons(2)

    unified_persistence_task(options=RunOptions(limit=1))

    assert keys_in_redis(first.id) == []
    assert len(keys_in_redis(second.id)) > 0


def test_a_dry_run_says_what_would_happen_and_changes_nothing() -> None:
    lesson = ended_lesson(3)
    LessonLedger.objects.all().delete()
    redis_before = redis_state()

    report = unified_persistence_task(dry_run=True)

    assert report.is_dry_run
    assert report.totals.counts.inserted == 3
    assert report.sums_agree
    assert redis_state() == redis_before
    for model in (Attendance, User, LessonLedger, PersistenceRun, QuarantinedPayload):
        assert not model.objects.exists()
    assert unified_persistence_task().totals.counts.inserted == 3
    assert keys_in_redis(lesson.id) == []


def test_a_run_is_written_down_with_its_sums() -> None:
    ended_lesson(3)

    unified_persistence_task(options=RunOptions(trigger=Trigger.SCHEDULER))

    run = PersistenceRun.objects.get()
    assert (run.trigger, run.lessons, run.recorded, run.inserted) == ("scheduler", 1, 3, 3)
    assert run.finished_at is not None
    assert client.connection().hget(keys.SITE, "commits") == str(run.commit_mark).encode()


def test_a_lesson_that_nobody_knows_is_a_failure_that_says_so() -> None:
    report = unified_persistence_task(lesson_ids=[uuid4()])

    assert report.exit_status == 4
    assert "lesson_not_found" in report.lessons[0].error


def test_a_lesson_that_was_discarded_before_is_unchanged() -> None:
    lesson = ended_lesson(1)
    unified_persistence_task()

    report = unified_persistence_task(lesson_ids=[lesson.id])

    assert (report.lessons[0].outcome, report.exit_status) == ("unchanged", 0)


def test_whoever_asks_for_lessons_is_told_of_each() -> None:
    discarded, unknown = ended_lesson(1), uuid4()
    unified_persistence_task()
    fresh = ended_lesson(1)

    report = unified_persistence_task(lesson_ids=[discarded.id, unknown, fresh.id])

    outcomes = {each.lesson_id: each.outcome for each in report.lessons}
    assert outcomes == {
        discarded.id: Outcome.UNCHANGED,
        unknown: Outcome.FAILED,
        fresh.id: Outcome.PERSISTED,
    }


def test_no_scan_and_no_keys_are_used() -> None:
    for server in client.servers():
        server.config_resetstat()
    ended_lessons(3)
    unified_persistence_task()

    used = {name for server in client.servers() for name in server.info("commandstats")}

    assert "cmdstat_evalsha" in used
    assert not {"cmdstat_scan", "cmdstat_keys", "cmdstat_hscan"} & used


def test_students_of_many_lessons_become_one_user_each() -> None:
    ended_lessons(5, students=4)

    unified_persistence_task()

    assert User.objects.filter(school_number__startswith="S-").count() == 4
    assert student(1).school_number == "S-0001"
    assert AttendanceRecord.objects.count() == 20
