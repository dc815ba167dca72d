"""The clock of the live store goes wrong: nothing is sealed that cannot be kept, and all heals."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_django.fixtures import Settings

from attendance.errors import LessonClosed, LiveStoreClock
from attendance.live import client, envelope, keys, outbox, payloads, store
from attendance.live.payloads import LiveLesson, RecordData
from attendance.models import Attendance, AttendanceRecord, QuarantinedPayload
from attendance.rules import instants
from attendance.services.check_in import check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.lessons import LessonPlan, extend_lesson, finish_lesson, start_lesson
from attendance.services.persistence import failpoints, unified_persistence_task
from attendance.services.rosters.not_held import say_not_held
from attendance.vocabulary import Check, Verdict
from tests.support.clock import Clock
from tests.support.lessons import TEACHER, ended_lesson, live_lesson, redis_state, student
from users.identity import Person, Role

pytestmark = pytest.mark.django_db(transaction=True)

SECOND, MINUTE, YEAR = 1_000, 60_000, 365 * 86_400_000
IN_1970, IN_2101 = 1_000, 4_133_980_800_000
OUTSIDE = pytest.mark.parametrize("at", [IN_1970, IN_2101], ids=["1970", "2101"])
OTHER = Person("T-2", "Teacher 2", Role.TEACHER)


def correct(lesson_id: UUID, number: int = 1) -> Any:
    return correct_record(
        Correction(
            lesson_id=lesson_id,
            school_number=student(number).school_number,
            verdict=Verdict.LATE,
            actor=TEACHER,
            reason="tram",
        )
    )


def finish(lesson_id: UUID) -> Any:
    return finish_lesson(lesson_id, actor=TEACHER)


CHANGES: dict[str, Callable[[LiveLesson], object]] = {
    "check in": lambda lesson: check_in(lesson.id, student=student(9)),
    "check in again": lambda lesson: check_in(lesson.id, student=student(1)),
    "correct": lambda lesson: correct(lesson.id),
    "finish": lambda lesson: finish(lesson.id),
    "extend": lambda lesson: extend_lesson(
        lesson.id, lesson.ends_at + timedelta(minutes=5), actor=TEACHER
    ),
    "not held": lambda lesson: say_not_held(lesson.id, actor=TEACHER, reason="ill"),
    "scan": lambda lesson: store.check_code(lesson.id, "AAAA"),
    "start another": lambda lesson: start_lesson(LessonPlan("B", minutes=5), teacher=OTHER),
}


@OUTSIDE
@pytest.mark.parametrize("change", CHANGES)
def test_a_clock_outside_2000_to_2100_stamps_nothing(change: str, at: int, clock: Clock) -> None:
    lesson = live_lesson(3)
    before = redis_state()
    clock.stopped_at_ms = at

    with pytest.raises(LiveStoreClock):
        CHANGES[change](lesson)

    left = redis_state()
    if change == "start another":
        # A short code may be taken before the lesson: a later start finds another one.
        left = {key: left.get(key) for key in before}
    assert left == before


@OUTSIDE
@pytest.mark.parametrize("script", ["schedule", "create_lesson"])
def test_each_server_of_a_start_looks_at_its_own_clock(script: str, at: int, clock: Clock) -> None:
    clock.stopped_at_ms = at
    lesson_id = uuid4()
    calls: dict[str, tuple[str, tuple[str | int, ...]]] = {
        "schedule": (keys.DUE, (str(lesson_id), 1_900_000_000_000)),
        "create_lesson": (
            keys.lesson(lesson_id),
            (str(lesson_id), 1_800_000_000_000, 1_900_000_000_000, "{}"),
        ),
    }
    key, args = calls[script]

    with pytest.raises(LiveStoreClock):
        client.run(script, [key], args)

    assert not client.connection().exists(key)


@OUTSIDE
def test_a_lesson_that_met_a_clock_outside_2000_to_2100_is_whole_again(
    at: int, clock: Clock
) -> None:
    lesson = live_lesson(3)
    clock.stopped_at_ms = at
    for change in ("check in", "correct", "finish"):
        with pytest.raises(LiveStoreClock):
            CHANGES[change](lesson)
    clock.stopped_at_ms = None

    assert check_in(lesson.id, student=student(4)).record.status == "present"
    correct(lesson.id)
    finish(lesson.id)

    assert AttendanceRecord.objects.count() == 4
    assert not QuarantinedPayload.objects.exists()
    assert Attendance.objects.get().starts_at == lesson.starts_at


@OUTSIDE
def test_a_run_by_a_clock_outside_2000_to_2100_takes_no_lesson_away(at: int, clock: Clock) -> None:
    lesson = live_lesson(3)
    clock.stopped_at_ms = at

    for ids in (None, [lesson.id]):
        report = unified_persistence_task(lesson_ids=ids)
        assert "clock of the live store is wrong" in report.unavailable
    assert not Attendance.objects.exists()


def test_a_clock_that_goes_to_2101_before_the_discard_discards_nothing(clock: Clock) -> None:
    lesson = ended_lesson(3)

    def go_wrong(lesson_ids: object) -> None:
        clock.stopped_at_ms = IN_2101

    with failpoints.installed("committed", go_wrong):
        report = unified_persistence_task()
    clock.stopped_at_ms = None

    assert "clock of the live store is wrong" in report.unavailable
    assert isinstance(store.read_lessons([lesson.id])[lesson.id], LiveLesson)
    unified_persistence_task()
    assert not client.connection().exists(*keys.of_lesson(lesson.id))
    assert AttendanceRecord.objects.count() == 3


def test_for_a_small_step_back_time_stands_still(clock: Clock) -> None:
    clock.stopped_at_ms = instants.milliseconds(store.now())
    lesson = live_lesson(1)
    newest = clock.stopped_at_ms
    clock.stopped_at_ms -= 10 * SECOND

    record = check_in(lesson.id, student=student(2)).record
    correct(lesson.id)

    assert record.checked_in_at == instants.instant(newest)
    assert finish(lesson.id).ends_at == instants.instant(newest)
    # It is over when that time has come.
    assert not Attendance.objects.exists()
    clock.stopped_at_ms = newest
    unified_persistence_task()
    assert Attendance.objects.get().ends_at == instants.instant(newest)


def test_a_finished_lesson_is_not_opened_again_by_a_small_step_back(clock: Clock) -> None:
    clock.stopped_at_ms = instants.milliseconds(store.now())
    lesson = ended_lesson(1)
    clock.stopped_at_ms -= 3 * SECOND

    with pytest.raises(LessonClosed):
        check_in(lesson.id, student=student(2))


@pytest.mark.parametrize("back", [10 * SECOND + 1, 60 * MINUTE, 25 * YEAR])
@pytest.mark.parametrize("change", ["check in", "correct", "finish", "extend", "not held", "scan"])
def test_a_clock_far_before_what_was_stamped_is_refused(
    change: str, back: int, clock: Clock
) -> None:
    clock.stopped_at_ms = instants.milliseconds(store.now())
    lesson = live_lesson(1)
    before = store.read_lesson(lesson.id).revision
    clock.stopped_at_ms -= back

    with pytest.raises(LiveStoreClock):
        CHANGES[change](lesson)
    assert store.read_lesson(lesson.id).revision == before

    clock.stopped_at_ms += back
    check_in(lesson.id, student=student(2))
    finish(lesson.id)
    assert AttendanceRecord.objects.count() == 2


@pytest.mark.parametrize("ahead", [10 * MINUTE, YEAR], ids=["ten minutes", "a year"])
def test_a_clock_that_was_ahead_and_is_set_back_is_believed_after_half_a_minute(
    ahead: int, clock: Clock
) -> None:
    clock.offset_ms = ahead
    lesson = live_lesson(2)
    clock.offset_ms = 0
    with pytest.raises(LiveStoreClock):
        finish(lesson.id)
    clock.offset_ms = 29 * SECOND
    with pytest.raises(LiveStoreClock):
        finish(lesson.id)

    clock.offset_ms = 31 * SECOND
    finish(lesson.id)

    assert AttendanceRecord.objects.count() == 2
    assert start_lesson(LessonPlan("Next", minutes=5), teacher=TEACHER).id != lesson.id


def test_a_clock_that_is_believed_is_asked_no_more(clock: Clock) -> None:
    lesson = live_lesson(0)
    clock.offset_ms = 10 * MINUTE
    check_in(lesson.id, student=student(1))
    clock.offset_ms = 0
    with pytest.raises(LiveStoreClock):
        check_in(lesson.id, student=student(2))
    clock.offset_ms = 31 * SECOND
    check_in(lesson.id, student=student(2))

    clock.offset_ms += SECOND
    assert not check_in(lesson.id, student=student(3)).is_repeated


def test_a_correction_by_a_clock_far_ahead_keeps_nobody_from_checking_in(clock: Clock) -> None:
    lesson = live_lesson(1)
    clock.offset_ms = YEAR
    correct(lesson.id)
    clock.offset_ms = 0

    assert check_in(lesson.id, student=student(2)).record.status == "present"


def reseal(lesson: LiveLesson, *, stamp: str, window: tuple[int, int]) -> None:
    """What an older ATTN has sealed by a wrong clock: without a clock in its counts."""
    redis: Any = client.connection()
    key = keys.lesson(lesson.id)
    held = redis.hmget(key, "revision", "record_count", "event_count", "phase")
    names = ("revision", "record_count", "event_count", "phase")
    checksum = envelope.counts_checksum(lesson.id, **dict(zip(names, held, strict=True)))
    data = envelope.seal(lesson.id, "lesson", "data", stamp, payloads.encode(lesson.data))
    changed = {"data": data, "starts_at": window[0], "ends_at": window[1], "checksum": checksum}
    redis.hset(key, mapping=changed)
    redis.hdel(key, "clock")
    store.sync_due(lesson.id)


def test_a_lesson_with_1970_sealed_in_is_stored_with_the_nearest_year() -> None:
    lesson = live_lesson(3)
    reseal(lesson, stamp=f"4,{IN_1970},{IN_1970},{IN_1970}", window=(IN_1970, IN_1970))

    report = unified_persistence_task()

    assert report.exit_status == 0
    assert Attendance.objects.get().ends_at == instants.instant(instants.FIRST_MS)
    assert AttendanceRecord.objects.count() == 3
    assert not client.connection().exists(*keys.of_lesson(lesson.id))


def test_a_lesson_that_a_clock_in_2150_has_made_can_be_finished(clock: Clock) -> None:
    far = 5_680_281_600_000
    lesson = live_lesson(3)
    reseal(lesson, stamp=f"4,{far},{far},{far + MINUTE}", window=(far, far + MINUTE))
    with pytest.raises(LiveStoreClock):
        finish(lesson.id)

    clock.offset_ms = 31 * SECOND
    finish(lesson.id)

    assert AttendanceRecord.objects.count() == 3


def test_a_record_that_was_changed_in_1970_is_stored_and_one_that_came_then_is_quarantined() -> (
    None
):
    lesson = live_lesson(3)
    at = instants.milliseconds(lesson.starts_at)
    for number, changed_at, came_at in ((1, IN_1970, at), (2, at, IN_1970)):
        who = student(number)
        data = RecordData(who.school_number, who.full_name, "student")
        stamp = f"{number + 1},{changed_at},{came_at},present,,kept"
        raw = envelope.seal(lesson.id, "record", who.school_number, stamp, payloads.encode(data))
        client.connection().hset(keys.records(lesson.id), who.school_number, raw)

    finish(lesson.id)

    stored = AttendanceRecord.objects.values_list("student__school_number", flat=True)
    assert sorted(stored) == ["S-0001", "S-0003"]
    assert QuarantinedPayload.objects.get().field == "S-0002"


def test_what_waits_for_the_verifier_is_sent_after_a_clock_was_ahead(
    clock: Clock, settings: Settings
) -> None:
    settings.VERIFIER_URL = "http://127.0.0.1:9"
    plan = LessonPlan("Physics", minutes=30, checks=(Check.EXTERNAL,))
    lesson = start_lesson(plan, teacher=TEACHER)
    check_in(lesson.id, student=student(1))
    clock.stopped_at_ms = IN_2101
    with pytest.raises(LiveStoreClock):
        outbox.take(most=5)
    clock.stopped_at_ms, clock.offset_ms = None, YEAR
    assert [entry.attempts for entry in outbox.take(most=5)] == [1]
    assert outbox.take(most=5) == []

    clock.offset_ms = 0

    assert [entry.attempts for entry in outbox.take(most=5)] == [2]
