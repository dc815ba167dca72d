"""What a board hears with nothing written: minutes that pass, and the end of the lesson."""

from datetime import timedelta
from typing import Any

import pytest

from attendance.errors import CodeWrong
from attendance.live import client, keys, store
from attendance.live.versions import read_versions
from attendance.services.check_in import Given, check_in
from attendance.services.lessons import LessonPlan, extend_lesson, start_lesson
from tests.pages.visitors import STUDENT, signed_in, started_lesson, text_of
from tests.support.clock import Clock, clock
from tests.support.lessons import TEACHER

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["clock"]

MINUTE_MS = 60_000


def known(page: Any) -> dict[str, str]:
    """What a browser that shows these rows asks with."""
    return {name: page.context[name] for name in ("known", "buttons")}


def test_each_minute_is_heard_with_and_without_a_stream(clock: Clock) -> None:
    lesson, desk = started_lesson(), signed_in(TEACHER)
    board = f"/lessons/{lesson.id}/"
    page, heard = desk.get(board), read_versions([lesson.id])
    assert page.context["minutes_left"] == 45
    assert desk.get(f"{board}rows/", known(page)).status_code == 204
    clock.offset_ms = MINUTE_MS
    assert read_versions([lesson.id]) != heard
    rows = desk.get(f"{board}rows/", known(page))
    assert rows.context["minutes_left"] == 44
    assert "44 minutes left" in text_of(rows)
    # The buttons are as they were, and so may be what somebody types beside them.
    assert 'id="buttons"' not in text_of(rows)
    assert desk.get(f"{board}rows/", known(rows)).status_code == 204


def test_the_end_is_heard_and_takes_the_buttons_away(clock: Clock) -> None:
    lesson, desk = started_lesson(), signed_in(TEACHER)
    board = f"/lessons/{lesson.id}/"
    clock.offset_ms = 44 * MINUTE_MS + 30_000
    page, heard = desk.get(board), read_versions([lesson.id])
    assert "Finish the lesson now" in text_of(page)
    clock.offset_ms = 45 * MINUTE_MS
    assert read_versions([lesson.id]) != heard
    rows = desk.get(f"{board}rows/", known(page))
    told = text_of(rows)
    assert "Over, is being saved" in told
    assert "minutes left" not in told
    assert '<div id="buttons" class="do" hx-swap-oob="true">' in told
    assert "Finish the lesson now" not in told
    assert "data-open" not in told


def test_the_beginning_is_heard(clock: Clock) -> None:
    plan = LessonPlan("Physics", minutes=45, starts_at=store.now() + timedelta(minutes=5))
    lesson, desk = start_lesson(plan, teacher=TEACHER), signed_in(TEACHER)
    board = f"/lessons/{lesson.id}/"
    page, heard = desk.get(board), read_versions([lesson.id])
    clock.offset_ms = 5 * MINUTE_MS + 1_000
    assert read_versions([lesson.id]) != heard
    rows = desk.get(f"{board}rows/", known(page))
    assert rows.context["is_live"]


def test_more_minutes_are_seen_by_whoever_else_looks() -> None:
    lesson, desk = started_lesson(), signed_in(TEACHER)
    board = f"/lessons/{lesson.id}/"
    page = desk.get(board)
    extend_lesson(lesson.id, lesson.ends_at + timedelta(minutes=15), actor=TEACHER, request_id="x")
    rows = desk.get(f"{board}rows/", known(page))
    assert '<p class="when" id="when" hx-swap-oob="true">' in text_of(rows)
    assert '<div id="buttons" class="do" hx-swap-oob="true">' in text_of(rows)


def test_each_further_refused_attempt_is_heard() -> None:
    lesson, desk = started_lesson("code"), signed_in(TEACHER)
    board = f"/lessons/{lesson.id}/"
    heard, page = [read_versions([lesson.id])[lesson.id]], desk.get(board)
    for times in (1, 2, 3):
        with pytest.raises(CodeWrong):
            check_in(lesson.id, student=STUDENT, given=Given(code="ABCDEFGH"))
        heard.append(read_versions([lesson.id])[lesson.id])
        page = desk.get(f"{board}rows/", known(page))
        assert page.context["refusals"][0][0].times == times
    assert len(set(heard)) == 4


def test_a_damaged_hint_keeps_nobody_from_checking_in() -> None:
    lesson = started_lesson("code")
    client.connection().hset(keys.lesson(lesson.id), "refusals_noted", "broken")
    with pytest.raises(CodeWrong):
        check_in(lesson.id, student=STUDENT, given=Given(code="ABCDEFGH"))
    assert store.read_refusals(lesson.id)[0].times == 1
