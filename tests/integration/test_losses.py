"""Lost lessons, older copies, and entries of due that point to nothing."""

from uuid import uuid4

import pytest

from attendance.live import client, keys, store
from attendance.models import (
    AttendanceRecord,
    LessonLedger,
    QuarantinedPayload,
)
from attendance.services.persistence import unified_persistence_task
from attendance.services.records import Correction, correct_record
from attendance.services.report import Outcome
from attendance.vocabulary import LessonState, Verdict
from tests.lessons import (
    TEACHER,
    end,
    ended_lesson,
    ended_lessons,
    forget_everything,
    keys_in_redis,
    live_lesson,
    put_back,
    redis_state,
    sealed_record,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_lesson_that_redis_has_lost_is_an_alarm() -> None:
    lesson = live_lesson(2)
    unified_persistence_task()
    forget_everything()

    report = unified_persistence_task()

    assert report.lessons[0].outcome is Outcome.LOST
    assert report.exit_status == 4
    row = LessonLedger.objects.get(pk=lesson.id)
    assert row.state == LessonState.LOST
    assert unified_persistence_task().totals.lessons == 0


def test_a_lost_lesson_that_comes_back_is_taken_up_again() -> None:
    lesson = live_lesson(2)
    unified_persistence_task()
    dumped = redis_state()
    forget_everything()
    unified_persistence_task()
    put_back(dumped)
    end(lesson.id)

    report = unified_persistence_task()

    assert report.totals.counts.inserted == 2
    assert LessonLedger.objects.get(pk=lesson.id).state == LessonState.DISCARDED


def test_a_copy_that_is_older_than_postgresql_overwrites_nothing() -> None:
    lesson = ended_lesson(2)
    dumped = redis_state()
    unified_persistence_task()
    correct_record(Correction(lesson.id, "S-0001", Verdict.LATE, TEACHER, "tram"))
    put_back(dumped)

    report = unified_persistence_task()

    assert report.lessons[0].outcome is Outcome.REWOUND
    assert AttendanceRecord.objects.get(student__school_number="S-0001").status == "late"
    assert len(keys_in_redis(lesson.id)) > 0
    assert list(QuarantinedPayload.objects.values_list("field", flat=True)) == ["S-0001"]
    assert LessonLedger.objects.get(pk=lesson.id).last_error.startswith("rewound")
    # It is parked: it does not come up in every run. Later words go to PostgreSQL.
    assert unified_persistence_task().totals.lessons == 0
    correct_record(Correction(lesson.id, "S-0002", Verdict.EXCUSE, TEACHER, "ill"))
    assert AttendanceRecord.objects.get(student__school_number="S-0002").status == "excused"


def test_a_copy_that_says_the_same_is_discarded_again() -> None:
    lesson = ended_lesson(2)
    dumped = redis_state()
    unified_persistence_task()
    put_back(dumped)

    report = unified_persistence_task()

    assert report.lessons[0].outcome is Outcome.UNCHANGED
    assert keys_in_redis(lesson.id) == []


def test_another_history_at_the_same_revision_is_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lesson = ended_lesson(2)
    with monkeypatch.context() as patch:
        patch.setattr(store, "discard_if_unchanged", lambda lessons: {})
        unified_persistence_task()
    json = b'{"school_number":"S-0001","full_name":"Another","source":"student"}'
    raw = sealed_record(lesson.id, "S-0001", json)
    client.connection().hset(keys.records(lesson.id), "S-0001", raw)

    report = unified_persistence_task()

    assert report.lessons[0].outcome is Outcome.REWOUND
    assert keys_in_redis(lesson.id)
    assert bytes(QuarantinedPayload.objects.get().payload) == raw
    assert not AttendanceRecord.objects.filter(full_name="Another").exists()


def test_an_end_that_due_does_not_know_is_put_right() -> None:
    lesson = live_lesson(1)
    client.connection().zadd(keys.DUE, {str(lesson.id): 1_700_000_000_000})

    report = unified_persistence_task()

    assert report.lessons[0].outcome is Outcome.NOT_OVER
    score = client.connection().zscore(keys.DUE, str(lesson.id))
    assert score == int(client.connection().hget(keys.lesson(lesson.id), "ends_at") or 0)


@pytest.mark.parametrize("score", [1.0, -5.0, float("inf"), float("-inf"), 9e15])
def test_a_score_that_is_no_instant_hides_no_lesson(score: float) -> None:
    lesson, other = ended_lessons(2)
    client.connection().zadd(keys.DUE, {str(lesson.id): score})

    unified_persistence_task()

    assert keys_in_redis(lesson.id) == keys_in_redis(other.id) == []
    assert client.connection().zcard(keys.DUE) == 0


def test_an_empty_entry_of_due_is_dropped_an_hour_past_its_score() -> None:
    fresh, old = uuid4(), uuid4()
    now = store.now().timestamp() * 1000
    client.connection().zadd(keys.DUE, {str(fresh): now - 1, str(old): now - 3_700_000})

    report = unified_persistence_task()

    assert report.totals.lessons == 0
    assert client.connection().zrange(keys.DUE, 0, -1) == [str(fresh).encode()]
