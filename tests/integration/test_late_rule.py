"""The late rule: the script and `attendance.rules.status` are one rule, on every bound."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attendance.errors import LessonClosed, LessonNotOpen, LessonUnreadable
from attendance.live import client, keys, store
from attendance.live.payloads import LessonData
from attendance.rules.instants import instant
from attendance.rules.status import ArrivalRule, status_of_arrival
from attendance.selectors import shapes
from attendance.services.check_in import check_in
from attendance.services.decisions import window_of
from attendance.services.lessons import LessonPlan, start_lesson
from tests.support.clock import Clock
from tests.support.lessons import TEACHER, forget_everything, live_lesson, student

pytestmark = pytest.mark.django_db(transaction=True)

NOW = 1_800_000_000_000
MINUTE = 60_000


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    begins_in=st.integers(1, 90 * MINUTE),
    seconds=st.integers(1, 7_200),
    opens_before=st.integers(0, 3_600),
    late_after=st.one_of(st.none(), st.integers(0, 7_800)),
    absent_after=st.one_of(st.none(), st.integers(0, 7_800)),
)
def test_the_script_and_its_twin_agree_on_every_bound(
    clock: Clock,
    begins_in: int,
    seconds: int,
    opens_before: int,
    late_after: int | None,
    absent_after: int | None,
) -> None:
    forget_everything()
    clock.stopped_at_ms = NOW
    rule = ArrivalRule(
        opens_before_s=opens_before, late_after_s=late_after, absent_after_s=absent_after
    )
    starts_at = NOW + begins_in
    data = LessonData("Physics", TEACHER, "r-1", rule)
    times = instant(starts_at), instant(starts_at + seconds * 1_000)
    lesson = store.start(store.NewLesson(uuid4(), *times, data))
    window = window_of(shapes.brief_of_live(lesson))

    offsets = [-opens_before, 0, late_after or 0, absent_after or 0]
    bounds = {window.ends_at, *(window.starts_at + offset * 1_000 for offset in offsets)}
    moments = sorted({bound + offset for bound in bounds for offset in (-1, 0, 1)})
    # Before the lesson was made, no clock of its own has been.
    moments = [at for at in moments if at >= NOW]
    for number, at in enumerate(moments):
        clock.stopped_at_ms = at
        assert said_by_the_script(lesson.id, number) == status_of_arrival(at, window), at


def said_by_the_script(lesson_id: Any, number: int) -> str:
    try:
        return check_in(lesson_id, student=student(number)).record.status
    except (LessonNotOpen, LessonClosed) as error:
        return error.code


def test_a_late_field_beside_the_sealed_plan_makes_nobody_late() -> None:
    lesson = live_lesson(0)
    client.connection().hset(keys.lesson(lesson.id), "late_at", "1")
    assert check_in(lesson.id, student=student(1)).record.status == "present"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("data", "1|0000000000000000|1,2,3,4|{}"),
        ("starts_at", "1"),
        ("ends_at", str(NOW * 2)),
        ("revision", "7"),
        ("record_count", "4"),
        ("event_count", "1"),
        ("phase", "starting"),
        ("checksum", "0000000000000000"),
    ],
)
def test_no_script_believes_a_value_that_none_of_them_wrote(field: str, value: str) -> None:
    lesson = live_lesson(1)
    client.connection().hset(keys.lesson(lesson.id), field, value)

    with pytest.raises(LessonUnreadable):
        check_in(lesson.id, student=student(2))
    with pytest.raises(LessonUnreadable):
        store.register(lesson.id)
    with pytest.raises(LessonUnreadable):
        store.read_lesson(lesson.id)
    assert not store.abandon(lesson.id)


def test_the_plan_is_what_the_lesson_says_of_it_after_it_was_extended() -> None:
    plan = LessonPlan("Physics", minutes=30, late_after_minutes=0)
    lesson = start_lesson(plan, teacher=TEACHER)
    event = store.read_lesson(lesson.id)
    assert event.data.rule.late_after_s == 0
    assert check_in(lesson.id, student=student(1)).record.status == "late"
