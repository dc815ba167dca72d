"""The late rule: the script and `attendance.rules.status` are one rule, on every bound."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from attendance.errors import AttendanceError, LessonClosed, LessonNotOpen, LessonUnreadable
from attendance.live import client, keys, store
from attendance.live.payloads import LessonData, LiveLesson, RecordData
from attendance.live.store import Shown
from attendance.rules.instants import instant
from attendance.rules.status import (
    CLOSED,
    NOT_OPEN,
    ArrivalRule,
    Window,
    arrived_at,
    status_of_arrival,
)
from attendance.selectors import shapes
from attendance.services import receipts
from attendance.services.check_in import Given, check_in
from attendance.services.corrections import Correction, correct_record
from attendance.services.decisions import window_of
from attendance.services.lessons import LessonPlan, start_lesson
from attendance.services.scans import keep_scan
from attendance.vocabulary import Check, Verdict
from attendance.wording.why import why
from tests.support.clock import Clock
from tests.support.lessons import TEACHER, code_of, forget_everything, live_lesson, student

pytestmark = pytest.mark.django_db(transaction=True)

NOW = 1_800_000_000_000
MINUTE = 60_000
SCAN_MS = 5 * MINUTE


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


AGES = (-1, 0, 1, SCAN_MS - 1, SCAN_MS, SCAN_MS + 1)
"""How old a scan is when its student presses."""


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    seconds=st.integers(1, 3_600),
    opens_before=st.integers(0, 900),
    late_after=st.one_of(st.none(), st.integers(0, 3_700)),
    absent_after=st.one_of(st.none(), st.integers(0, 3_700)),
    is_external=st.booleans(),
)
def test_a_scan_decides_in_the_script_and_in_its_twin_on_every_bound(
    clock: Clock,
    seconds: int,
    opens_before: int,
    late_after: int | None,
    absent_after: int | None,
    is_external: bool,
) -> None:
    forget_everything()
    clock.stopped_at_ms = NOW
    rule = ArrivalRule(
        opens_before_s=opens_before, late_after_s=late_after, absent_after_s=absent_after
    )
    checks = (Check.CODE, Check.EXTERNAL) if is_external else (Check.CODE,)
    data = LessonData("Physics", TEACHER, "r-1", rule, checks, secret="s")
    starts_at = NOW + 20 * MINUTE
    times = instant(starts_at), instant(starts_at + seconds * 1_000)
    lesson = store.start(store.NewLesson(uuid4(), *times, data))
    window = window_of(shapes.brief_of_live(lesson))

    offsets = [-opens_before, 0, late_after or 0, absent_after or 0]
    bounds = {window.ends_at, *(window.starts_at + offset * 1_000 for offset in offsets)}
    scans = {bound + offset for bound in bounds for offset in (-1, 0, 1)}
    pairs = {(scan + age, scan) for scan in scans for age in AGES}
    pairs |= {(bound + offset, bound - 1_000) for bound in bounds for offset in (-1, 0, 1)}
    for number, (pressed, scan) in enumerate(sorted(pairs)):
        clock.stopped_at_ms = pressed
        came, status = expected_of(pressed, scan, window)
        said = said_of_a_scan(lesson.id, number, scan)
        if is_external and came is not None:
            status = "pending"
        assert said == (came, status), (pressed, scan)


def expected_of(pressed: int, scan: int, window: Window) -> tuple[int | None, str]:
    """The arrival and its worth, or why there is none, by the twin of the script."""
    taken = status_of_arrival(pressed, window)
    if taken in {NOT_OPEN, CLOSED}:
        return None, taken
    if pressed - scan > SCAN_MS:
        return None, "code_expired"
    came = arrived_at(pressed, scan, window)
    return came, status_of_arrival(came, window)


def said_of_a_scan(lesson_id: UUID, number: int, scan: int) -> tuple[int | None, str]:
    who = student(number)
    data = RecordData(who.school_number, who.full_name, "student")
    try:
        record = store.check_in(lesson_id, data, Shown(scanned_at_ms=scan)).record
    except AttendanceError as error:
        return None, error.code
    return record.checked_in_at_ms, record.status


def scanned_before_the_bound(clock: Clock, **plan: Any) -> tuple[LiveLesson, int]:
    """A lesson that has been late for a minute, and the instant of a scan just before that."""
    clock.stopped_at_ms = NOW
    lesson = start_lesson(
        LessonPlan("Physics", minutes=30, late_after_minutes=10, **plan), teacher=TEACHER
    )
    clock.stopped_at_ms = NOW + 11 * MINUTE
    return lesson, NOW + 10 * MINUTE - 1


def test_who_scanned_in_time_and_pressed_later_is_not_late(clock: Clock) -> None:
    lesson, _ = scanned_before_the_bound(clock, checks=(Check.CODE,))
    clock.stopped_at_ms = NOW + 10 * MINUTE - 1
    scan = keep_scan(lesson.id, code_of(lesson).whole).scan
    clock.stopped_at_ms = NOW + 14 * MINUTE

    result = check_in(lesson.id, student=student(1), given=Given(scan=scan))

    assert result.record.status == "present"
    assert result.record.checked_in_at == instant(NOW + 10 * MINUTE - 1)
    assert result.record.changed_at == instant(NOW + 14 * MINUTE)
    assert why(result.record, result.lesson) == "present: came 08:09, late from 08:10 on"
    receipt = receipts.open_receipt(receipts.issue(result))
    assert (receipt.status, receipt.checked_in_at) == ("present", NOW + 10 * MINUTE - 1)


def test_a_scan_decides_what_a_verdict_makes_of_a_check_in_that_waits(
    clock: Clock, settings: Settings
) -> None:
    settings.VERIFIER_URL = "http://127.0.0.1:9"
    lesson, scan = scanned_before_the_bound(clock, checks=(Check.CODE, Check.EXTERNAL))
    assert said_of_a_scan(lesson.id, 1, scan) == (scan, "pending")

    record = correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number=student(1).school_number,
            verdict=Verdict.ACCEPT,
            actor=TEACHER,
        )
    )

    assert record.status == "present"


def test_a_scan_decides_of_whom_a_teacher_has_spoken_as_well(clock: Clock) -> None:
    lesson, scan = scanned_before_the_bound(clock, checks=(Check.CODE,))
    who = student(1)
    correct_record(
        Correction(
            lesson_id=lesson.id,
            school_number=who.school_number,
            full_name=who.full_name,
            verdict=Verdict.EXCUSE,
            actor=TEACHER,
            reason="note",
        )
    )

    assert said_of_a_scan(lesson.id, 1, scan) == (scan, "excused")
    arrival = store.register(lesson.id, with_events=True).events[-1]
    assert (arrival.data.kind, arrival.new) == ("record_arrived", "present")


def test_a_scan_of_a_lesson_without_codes_says_nothing(clock: Clock) -> None:
    lesson, scan = scanned_before_the_bound(clock)

    assert said_of_a_scan(lesson.id, 1, scan) == (NOW + 11 * MINUTE, "late")


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
