"""Starting a lesson: one at a time, idempotent, and nothing left of a loser."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from attendance.errors import (
    InvalidWindow,
    LessonAlreadyLive,
    LessonNotFound,
    NotATeacher,
)
from attendance.live import client, keys, payloads, store
from attendance.live.store import starting
from attendance.models import LessonLedger
from attendance.rules import instants
from attendance.services.check_in import check_in
from attendance.services.lessons import LessonPlan, start_lesson
from attendance.services.persistence import unified_persistence_task
from tests.support.clock import Clock
from tests.support.death import Died
from tests.support.lessons import TEACHER, end, live_lesson, redis_state, student

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = 60_000


def test_a_started_lesson_is_live_and_in_due_and_in_the_ledger() -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=30), teacher=TEACHER)

    assert lesson.ends_at - lesson.starts_at == timedelta(minutes=30)
    assert client.connection().zscore(keys.DUE, str(lesson.id)) == instants.milliseconds(
        lesson.ends_at
    )
    assert client.connection().ttl(keys.lesson(lesson.id)) == -1
    assert LessonLedger.objects.get(pk=lesson.id).state == "live"
    found = store.teachers_lesson("T-1")
    assert found is not None
    assert found.id == lesson.id


def test_a_second_start_names_the_lesson_that_is_live() -> None:
    lesson = live_lesson(0)

    with pytest.raises(LessonAlreadyLive) as caught:
        start_lesson(LessonPlan("Chemistry"), teacher=TEACHER)

    assert caught.value.as_dict()["lesson_id"] == str(lesson.id)
    assert caught.value.as_dict()["lesson_name"] == "Physics"


def test_the_same_request_starts_one_lesson() -> None:
    plan = LessonPlan("Physics")

    first = start_lesson(plan, teacher=TEACHER, request_id="r-1")
    second = start_lesson(plan, teacher=TEACHER, request_id="r-1")

    assert first.id == second.id
    assert client.connection().zcard(keys.DUE) == 1


def test_of_many_starts_at_once_one_wins_and_the_others_leave_nothing() -> None:
    def start(number: int) -> object:
        try:
            now = store.now()
            data = payloads.LessonData(f"Lesson {number}", TEACHER, f"r-{number}")
            later = now + timedelta(minutes=5)
            return store.start(store.NewLesson(uuid4(), now, later, data))
        except LessonAlreadyLive as error:
            return error

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(start, range(8)))

    winners = [r for r in results if isinstance(r, payloads.LiveLesson)]
    assert len(winners) == 1
    made = [key for key in redis_state() if key.endswith(b":lesson")]
    assert made == [keys.lesson(winners[0].id).encode()]
    assert client.connection().zrange(keys.DUE, 0, -1) == [str(winners[0].id).encode()]


def die(*args: object, **kwargs: object) -> None:
    raise Died


@pytest.mark.parametrize("step", ["_create", "_go_live"])
def test_a_start_that_dies_is_taken_up_by_the_same_request(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = LessonPlan("Physics")
    with monkeypatch.context() as patch, pytest.raises(Died):
        patch.setattr(starting, step, die)
        start_lesson(plan, teacher=TEACHER, request_id="r-1")

    lesson = start_lesson(plan, teacher=TEACHER, request_id="r-1")

    assert check_in(lesson.id, student=student(1)).record.status == "present"


def test_a_start_that_died_is_removed_by_another_after_a_minute(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(Died):
        patch.setattr(starting, "_go_live", die)
        start_lesson(LessonPlan("Physics"), teacher=TEACHER)
    dead = client.connection().zrange(keys.DUE, 0, -1)
    with pytest.raises(LessonAlreadyLive):
        start_lesson(LessonPlan("Chemistry"), teacher=TEACHER)

    clock.offset_ms = 2 * MINUTE
    lesson = start_lesson(LessonPlan("Chemistry"), teacher=TEACHER)

    assert client.connection().zrange(keys.DUE, 0, -1) == [str(lesson.id).encode()]
    assert dead != [str(lesson.id).encode()]


def test_the_write_of_a_lesson_that_arrives_late_once_more_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was repeated, because its answer did not come; the network delivers it much later."""
    sent: list[client.Call] = []
    run = client.run

    def note(name: str, keys: Sequence[str], args: Sequence[str | int | bytes] = ()) -> list[Any]:
        sent.append(client.Call(name, keys, args))
        return run(name, keys, args)

    with monkeypatch.context() as patch:
        patch.setattr(client, "run", note)
        live_lesson(2)
    before = redis_state()

    [late] = [call for call in sent if call.script == "create_lesson"]
    client.run(*late)

    assert redis_state() == before


@pytest.mark.parametrize("is_over", [False, True])
def test_a_run_in_the_middle_of_a_start_removes_it_only_when_it_is_over(
    is_over: bool, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_live = starting._go_live

    def run_first(lesson: payloads.LiveLesson, *roster: Any) -> payloads.LiveLesson:
        clock.offset_ms = 31 * MINUTE if is_over else 0
        # Somebody asks for this very lesson; a damaged score in due does the same.
        unified_persistence_task(lesson_ids=[lesson.id])
        return go_live(lesson, *roster)

    monkeypatch.setattr(starting, "_go_live", run_first)
    if is_over:
        with pytest.raises(LessonAlreadyLive):
            start_lesson(LessonPlan("Physics", minutes=30), teacher=TEACHER)
        assert not client.connection().exists(keys.DUE, keys.teacher("T-1"))
        return

    lesson = start_lesson(LessonPlan("Physics", minutes=30), teacher=TEACHER)

    assert check_in(lesson.id, student=student(1)).record.status == "present"


def test_nobody_checks_in_to_a_lesson_that_is_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(Died):
        patch.setattr(starting, "_go_live", die)
        start_lesson(LessonPlan("Physics"), teacher=TEACHER)
    raw: Any
    (raw,) = client.connection().zrange(keys.DUE, 0, -1)

    with pytest.raises(LessonNotFound):
        check_in(UUID(str(raw, "ascii")), student=student(1))


def test_a_teacher_starts_again_when_the_lesson_is_over() -> None:
    first = live_lesson(1)
    end(first.id)

    second = start_lesson(LessonPlan("Chemistry"), teacher=TEACHER)

    assert second.id != first.id


def test_a_student_starts_no_lesson() -> None:
    with pytest.raises(NotATeacher):
        start_lesson(LessonPlan("Physics"), teacher=student(1))


NOW = datetime.fromisoformat("2026-03-02T09:00:00+00:00")
BAD_PLANS: dict[str, Callable[[datetime], LessonPlan]] = {
    "an end before the start": lambda now: LessonPlan(
        "P", starts_at=now, ends_at=now - timedelta(minutes=1)
    ),
    "an end in the past": lambda now: LessonPlan(
        "P", starts_at=now - timedelta(hours=2), ends_at=now - timedelta(hours=1)
    ),
    "longer than 24 hours": lambda now: LessonPlan("P", ends_at=now + timedelta(hours=25)),
    "a naive end": lambda now: LessonPlan("P", ends_at=now.replace(tzinfo=None)),
    "a naive start": lambda now: LessonPlan("P", starts_at=now.replace(tzinfo=None), minutes=5),
    "no minutes": lambda now: LessonPlan("P", minutes=0),
    "too many minutes": lambda now: LessonPlan("P", minutes=1441),
    "both ends": lambda now: LessonPlan("P", minutes=5, ends_at=now + timedelta(hours=1)),
    "a start far away": lambda now: LessonPlan("P", starts_at=now + timedelta(days=400), minutes=5),
}


@pytest.mark.parametrize("bad", BAD_PLANS)
def test_a_window_that_cannot_be_is_refused_and_nothing_is_written(bad: str) -> None:
    with pytest.raises(InvalidWindow) as caught:
        start_lesson(BAD_PLANS[bad](store.now()), teacher=TEACHER)

    assert caught.value.code == "invalid_window"
    assert redis_state() == {}
    assert not LessonLedger.objects.exists()
