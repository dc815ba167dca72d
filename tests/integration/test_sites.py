"""Two sites on one Redis, and stores that came back from backups of different ages."""

import json
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction

from attendance.live import client, keys, store
from attendance.models import (
    Attendance,
    AttendanceEvent,
    AttendanceRecord,
    KnownSite,
    LessonLedger,
    PersistenceRun,
)
from attendance.services.corrections import Correction, correct_record
from attendance.services.persistence import failpoints, unified_persistence_task
from attendance.services.persistence.candidates import RunOptions
from attendance.services.stores import sites
from attendance.vocabulary import LessonState, Trigger, Verdict
from tests.support.death import Died
from tests.support.lessons import (
    TEACHER,
    ended_lesson,
    forget_everything,
    keys_in_redis,
    live_lesson,
    put_back,
    redis_state,
)

pytestmark = pytest.mark.django_db(transaction=True)


def another_database() -> UUID:
    """As after a mistyped DATABASE_URL: every table is empty, Redis is as it was."""
    AttendanceRecord.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE attendance_attendanceevent")
    Attendance.objects.all().delete()
    LessonLedger.objects.all().delete()
    PersistenceRun.objects.all().delete()
    KnownSite.objects.all().delete()
    return sites.find_sites().own


def test_another_site_stores_and_removes_nothing() -> None:
    lesson = ended_lesson(3)
    unified_persistence_task(lesson_ids=[])
    before = redis_state()
    another_database()

    report = unified_persistence_task()

    assert "foreign" in report.unavailable or "another site" in report.unavailable
    assert report.exit_status == 75
    assert not Attendance.objects.exists()
    assert redis_state() == before
    assert "another site" in PersistenceRun.objects.get().error
    assert keys_in_redis(lesson.id)


def test_a_redis_that_belongs_to_nobody_becomes_the_sites() -> None:
    own = sites.find_sites().own
    unified_persistence_task()
    assert store.site_of_redis() == str(own)


def test_another_sites_lessons_are_taken_over_on_purpose() -> None:
    ended_lesson(3)
    unified_persistence_task(lesson_ids=[])
    other = UUID(store.site_of_redis())
    own = another_database()
    with pytest.raises(CommandError, match="reason"):
        call_command("adopt_site", str(other), stdout=StringIO())
    call_command("adopt_site", str(other), "--reason", "moved to a new database", stdout=StringIO())

    report = unified_persistence_task()

    assert report.totals.counts.inserted == 3
    assert store.site_of_redis() == str(own)
    assert KnownSite.objects.get(pk=other).reason == "moved to a new database"


def test_the_discard_looks_at_the_site_again() -> None:
    lesson = ended_lesson(2)
    snapshot = store.snapshot_many([lesson.id])[lesson.id]
    assert isinstance(snapshot, store.Snapshot)
    own, other = str(sites.find_sites().own), str(uuid4())

    def discard(*ids: str) -> str:
        return store.discard_if_unchanged([snapshot], sites=ids)[lesson.id].outcome

    assert discard(other) == "foreign"
    assert keys_in_redis(lesson.id)
    assert discard(other, own) == "discarded"


def test_a_lesson_that_another_site_started_is_left_alone() -> None:
    lesson = ended_lesson(2)
    other = sites.find_sites().own
    KnownSite.objects.update(is_own=False)
    KnownSite.objects.all().delete()
    client.connection().delete(keys.SITE)

    report = unified_persistence_task()

    assert report.totals.outcomes == {"failed": 1}
    assert "foreign_site" in report.lessons[0].error
    assert not Attendance.objects.exists()
    assert keys_in_redis(lesson.id)
    # It waits for nobody: whichever site it belongs to then stores it with its next run.
    assert store.parked_until([lesson.id]) == {}
    sites.adopt_site(other, reason="we have moved")
    assert unified_persistence_task().totals.outcomes == {"persisted": 1}


def backup() -> dict[str, Any]:
    """What a dump of PostgreSQL holds."""
    tables = ("lessonledger", "persistencerun", "attendance", "attendancerecord")
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value, is_called FROM attendance_commit_mark")
        held: dict[str, Any] = {"sequence": cursor.fetchone()}
        for table in tables:
            cursor.execute(f"SELECT coalesce(jsonb_agg(t), '[]')::text FROM attendance_{table} t")
            held[table] = cursor.fetchone()[0]
    return held


def restore(held: dict[str, Any]) -> None:
    """PostgreSQL as it was at the backup."""
    tables = ("lessonledger", "persistencerun", "attendance", "attendancerecord")
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE attendance_attendanceevent, attendance_refusedcheckin")
        for table in reversed(tables):
            cursor.execute(f"DELETE FROM attendance_{table}")
        for table in tables:
            cursor.execute(
                f"INSERT INTO attendance_{table} SELECT * FROM"
                f" jsonb_populate_recordset(NULL::attendance_{table}, %s::jsonb)",
                [held[table]],
            )
        cursor.execute("SELECT setval('attendance_commit_mark', %s, %s)", held["sequence"])


def test_a_postgresql_that_came_back_older_is_told_and_its_lessons_are_lost() -> None:
    unified_persistence_task()
    held = backup()
    lesson = ended_lesson(3)
    unified_persistence_task()
    assert keys_in_redis(lesson.id) == []
    restore(held)

    unified_persistence_task()

    row = LessonLedger.objects.get(pk=lesson.id)
    assert (row.state, row.last_error.startswith("lost: it was stored")) == (LessonState.LOST, True)
    found = sites.disagreement()
    assert found is not None
    assert "PostgreSQL is older" in found.disagreement
    # It is said until somebody has looked, and not found again.
    unified_persistence_task()
    assert sites.settle_disagreement()
    unified_persistence_task()
    assert sites.disagreement() is None


@pytest.mark.parametrize(
    "step", ["claimed", "rows_written", "committed", "names_held", "discarded"]
)
def test_a_backup_of_each_moment_of_a_run_loses_nothing_silently(step: str) -> None:
    lesson = ended_lesson(3)
    held: dict[str, Any] = {}

    def dump(lesson_ids: Any) -> None:
        held.update(in_another_session(backup))

    with failpoints.installed(step, dump):
        unified_persistence_task()
    restore(held)
    unified_persistence_task()

    is_stored = Attendance.objects.filter(pk=lesson.id).exists()
    assert is_stored == (step in {"committed", "names_held", "discarded"})
    state = LessonLedger.objects.get(pk=lesson.id).state
    assert state == (LessonState.DISCARDED if is_stored else LessonState.LOST)
    assert (sites.disagreement() is None) == is_stored


def in_another_session(work: Any) -> Any:
    def run() -> Any:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


def test_lessons_that_wait_for_the_discard_are_taken_up_after_a_restore(settings: Any) -> None:
    settings.DISCARD_AFTER_MINUTES = 60
    unified_persistence_task()
    held = backup()
    lesson = ended_lesson(3)
    unified_persistence_task()
    restore(held)

    report = unified_persistence_task()

    assert report.totals.counts.inserted == 3
    assert LessonLedger.objects.get(pk=lesson.id).state == LessonState.PERSISTED


def test_a_redis_that_came_back_older_is_told() -> None:
    live_lesson(2)
    unified_persistence_task()
    copy = redis_state()
    unified_persistence_task()
    assert sites.disagreement() is None
    forget_everything()
    put_back(copy)

    unified_persistence_task()

    found = sites.disagreement()
    assert found is not None
    assert "Redis is older" in found.disagreement
    assert sites.settle_disagreement()
    unified_persistence_task()
    assert sites.disagreement() is None


def test_a_run_that_dies_anywhere_is_no_difference_of_ages() -> None:
    def die(lesson_ids: Any) -> None:
        raise Died

    for step in ("claimed", "committed", "discarded"):
        ended_lesson(1)
        with failpoints.installed(step, die), pytest.raises(Died):
            unified_persistence_task()
        unified_persistence_task(options=RunOptions(retry_parked=True))
    assert sites.disagreement() is None
    assert AttendanceEvent.objects.count() == 3


def test_a_damaged_site_key_is_kept_aside_and_holds_up_nothing() -> None:
    ended_lesson(2)
    client.connection().set(keys.SITE, "x")
    assert unified_persistence_task().totals.counts.inserted == 2
    assert client.connection().get(keys.damaged(keys.SITE)) == b"x"
    assert store.site_of_redis() == str(sites.find_sites().own)


def test_the_command_tells_of_a_difference_of_ages() -> None:
    live_lesson(2)
    unified_persistence_task()
    copy = redis_state()
    unified_persistence_task()
    forget_everything()
    put_back(copy)
    unified_persistence_task()
    out = StringIO()
    call_command("reconcile", stdout=out)
    assert "Redis is older" in out.getvalue()
    out = StringIO()
    call_command("reconcile", "--json", stdout=out)
    assert "Redis is older" in json.loads(out.getvalue())["disagreement"]
    call_command("reconcile", "--settle", stdout=StringIO())
    assert sites.disagreement() is None


def test_runs_without_a_lesson_are_no_difference_of_ages() -> None:
    """A quiet week has more runs than are looked at, and none of them commits anything."""
    ended_lesson(2)
    unified_persistence_task()
    PersistenceRun.objects.bulk_create(
        PersistenceRun(trigger=Trigger.SCHEDULER) for _ in range(sites.RUNS_LOOKED_AT)
    )
    copy = redis_state()

    unified_persistence_task()

    assert sites.disagreement() is None
    # And an older Redis is found out, however many runs have not reached it.
    PersistenceRun.objects.bulk_create(
        PersistenceRun(trigger=Trigger.SCHEDULER) for _ in range(sites.RUNS_LOOKED_AT)
    )
    forget_everything()
    put_back(copy)
    unified_persistence_task()
    found = sites.disagreement()
    assert found is not None
    assert "Redis is older" in found.disagreement


def correct(lesson_id: UUID) -> None:
    correct_record(
        Correction(
            lesson_id=lesson_id,
            school_number="S-0001",
            verdict=Verdict.LATE,
            actor=TEACHER,
            reason="tram",
        )
    )


def test_a_word_on_a_stored_lesson_is_missed_with_an_older_postgresql() -> None:
    lesson = ended_lesson(2)
    unified_persistence_task()
    held = backup()
    correct(lesson.id)
    unified_persistence_task()
    assert sites.disagreement() is None
    restore(held)

    unified_persistence_task()

    found = sites.disagreement()
    assert found is not None
    assert "PostgreSQL is older" in found.disagreement


def test_a_word_that_is_not_committed_is_not_told_of() -> None:
    lesson = ended_lesson(2)
    unified_persistence_task()
    with pytest.raises(Died), transaction.atomic():
        correct(lesson.id)
        raise Died
    unified_persistence_task()
    assert sites.disagreement() is None


def test_a_word_waits_for_no_run_that_holds_its_row() -> None:
    lesson = ended_lesson(2)
    unified_persistence_task()
    with transaction.atomic():
        list(PersistenceRun.objects.select_for_update())
        in_another_session(sites.number_word)
    correct(lesson.id)
    assert PersistenceRun.objects.filter(commit_mark__gt=1).exists()


@pytest.mark.parametrize("lacking", [1, 2, 3])
def test_words_before_the_next_run_hide_no_older_postgresql(lacking: int) -> None:
    """Each takes one of the numbers that are missing; then both counts are equal again."""
    lesson = ended_lesson(2)
    unified_persistence_task()
    held = backup()
    gone = ended_lesson(2)
    unified_persistence_task()
    for _ in range(lacking - 1):
        correct(lesson.id)
    restore(held)

    for _ in range(lacking):
        correct(lesson.id)
    unified_persistence_task()

    found = sites.disagreement()
    assert found is not None
    assert "PostgreSQL is older" in found.disagreement
    assert LessonLedger.objects.get(lesson_id=gone.id).state == LessonState.LOST


def test_a_number_is_told_twice_where_an_answer_was_lost_and_late_where_another_was_faster() -> (
    None
):
    assert store.tell_word(7, token="seven")
    assert store.tell_word(7, token="seven")
    assert store.tell_word(9, token="nine")
    assert store.tell_word(8, token="eight")
    assert not store.tell_word(9, token="another nine")
    # It is not forgotten by that.
    assert store.tell_word(9, token="nine")
