"""What happens at the very millisecond: each bound belongs to what follows it, in every script."""

from datetime import timedelta
from uuid import uuid4

import pytest

from attendance.errors import (
    CodeMissing,
    CodeWrong,
    InvalidWindow,
    LessonClosed,
    LessonNotFound,
    LiveStoreClock,
)
from attendance.live import client, keys, payloads, store
from attendance.live.store import Unsnapped
from attendance.models import LessonLedger
from attendance.rules import instants
from attendance.services.check_in import check_in
from attendance.services.lessons import extend_lesson, finish_lesson
from attendance.services.persistence import unified_persistence_task
from attendance.vocabulary import LessonState
from tests.support.clock import Clock
from tests.support.lessons import TEACHER, code_of, keys_in_redis, live_lesson, student

pytestmark = pytest.mark.django_db(transaction=True)

SECOND, HOUR = 1_000, timedelta(hours=1)
STEP, BELIEVED_AFTER = 10 * SECOND, 30 * SECOND


def test_a_millisecond_before_its_end_a_lesson_is_open_for_every_script(clock: Clock) -> None:
    lesson = live_lesson(1)
    clock.stopped_at_ms = instants.milliseconds(lesson.ends_at) - 1

    snapshot = store.snapshot_many([lesson.id])[lesson.id]
    assert isinstance(snapshot, Unsnapped)
    assert snapshot.outcome == "not_over"
    assert store.check_code(lesson.id, code_of(lesson).typed) == instants.instant(
        clock.stopped_at_ms
    )
    assert not check_in(lesson.id, student=student(2)).is_repeated
    extend_lesson(lesson.id, lesson.ends_at + HOUR, actor=TEACHER)
    assert store.read_lesson(lesson.id).ends_at == lesson.ends_at + HOUR


def test_at_its_end_a_lesson_is_over_for_every_script(clock: Clock) -> None:
    lesson = live_lesson(1)
    clock.stopped_at_ms = instants.milliseconds(lesson.ends_at)

    for change in (
        lambda: store.check_code(lesson.id, code_of(lesson).typed),
        lambda: check_in(lesson.id, student=student(2)),
        lambda: extend_lesson(lesson.id, lesson.ends_at + HOUR, actor=TEACHER),
    ):
        with pytest.raises(LessonClosed):
            change()
    unified_persistence_task()
    assert LessonLedger.objects.get(pk=lesson.id).state == LessonState.DISCARDED
    assert keys_in_redis(lesson.id) == []


def test_a_lesson_that_ends_now_is_not_started(clock: Clock) -> None:
    clock.stopped_at_ms = instants.milliseconds(store.now())
    now = store.now()
    data = payloads.LessonData("Physics", TEACHER, "r-1")

    with pytest.raises(InvalidWindow):
        store.start(store.NewLesson(uuid4(), now - HOUR, now, data))
    assert not client.connection().exists(keys.DUE)


def test_a_scan_needs_a_lesson_and_its_code() -> None:
    lesson = live_lesson(0)

    for code, error in (("", CodeMissing), ("AAAAAAAA", CodeWrong)):
        with pytest.raises(error):
            store.check_code(lesson.id, code)
    with pytest.raises(LessonNotFound):
        store.check_code(uuid4(), code_of(lesson).typed)


@pytest.mark.parametrize(
    ("at", "is_right"),
    [
        (instants.FIRST_MS - 1, False),
        (instants.FIRST_MS, True),
        (instants.LAST_MS - 1, True),
        (instants.LAST_MS, False),
    ],
)
def test_the_clock_is_right_from_2000_on_and_before_2100(
    at: int, is_right: bool, clock: Clock
) -> None:
    clock.stopped_at_ms = at
    call = ("schedule", [keys.DUE], (str(uuid4()), instants.LAST_MS))

    if is_right:
        assert client.run(*call) == [b"scheduled"]
        return
    with pytest.raises(LiveStoreClock):
        client.run(*call)


def test_a_clock_that_was_ahead_is_believed_half_a_minute_after_it_was_first_refused(
    clock: Clock,
) -> None:
    clock.stopped_at_ms = instants.milliseconds(store.now())
    lesson = live_lesson(1)
    newest = clock.stopped_at_ms
    refused_at = newest - 10 * 60 * SECOND
    for at in (refused_at, refused_at + STEP, refused_at + BELIEVED_AFTER - 1):
        clock.stopped_at_ms = at
        with pytest.raises(LiveStoreClock):
            finish_lesson(lesson.id, actor=TEACHER)

    clock.stopped_at_ms = refused_at + BELIEVED_AFTER
    assert finish_lesson(lesson.id, actor=TEACHER).ends_at == instants.instant(clock.stopped_at_ms)


def test_a_clock_that_goes_back_further_is_waited_for_anew(clock: Clock) -> None:
    clock.stopped_at_ms = instants.milliseconds(store.now())
    lesson = live_lesson(1)
    newest = clock.stopped_at_ms
    for back in (600 * SECOND, 900 * SECOND, 900 * SECOND - BELIEVED_AFTER + 1):
        clock.stopped_at_ms = newest - back
        with pytest.raises(LiveStoreClock):
            finish_lesson(lesson.id, actor=TEACHER)

    clock.stopped_at_ms = newest - 900 * SECOND + BELIEVED_AFTER
    finish_lesson(lesson.id, actor=TEACHER)
