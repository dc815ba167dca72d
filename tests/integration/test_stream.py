"""The event stream: a process of its own on real Redis."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import timedelta
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from typing import Any
from uuid import uuid4

import pytest

from attendance.errors import CodeMissing
from attendance.live import store, tickets
from attendance.services.check_in import check_in
from attendance.services.lessons import LessonPlan, finish_lesson, start_lesson
from tests.support.lessons import TEACHER
from tests.support.own_live import own_live_store
from tests.support.streaming import event, stream_of, streaming, ticket_for
from users.derived_keys import Purpose, keys_for
from users.identity import Person

pytestmark = pytest.mark.django_db(transaction=True)

ORIGIN = "http://localhost:8000"


@pytest.fixture(scope="module")
def port(django_db_setup: None) -> Iterator[int]:
    with streaming() as found:
        yield found


@contextmanager
def asked(port: int, path: str) -> Iterator[HTTPResponse]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=20)) as ask:
        ask.request("GET", path, headers={"Origin": ORIGIN})
        with closing(ask.getresponse()) as answer:
            yield answer


def test_each_change_is_told_with_nothing_else_and_the_end_ends_it(port: int) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    with asked(port, stream_of(lesson.id, ticket_for(lesson.id))) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        told = [event(answer)]
        for n in range(3):
            check_in(lesson.id, student=Person(f"S-{n}", f"Student {n}"))
            told.append(event(answer))
        finish_lesson(lesson.id, actor=TEACHER)
        names = [event(answer)[0]]
        while names[-1] != "gone":
            names.append(event(answer)[0])
        assert answer.read().strip() == b""
    assert [name for name, _ in told] == ["changed"] * 4
    assert len({data for _, data in told}) == 4
    assert all(set(data) <= set("0123456789-") for _, data in told)


def test_it_stops_although_boards_are_open() -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    with ExitStack() as stack:
        with streaming() as port:
            answer = stack.enter_context(asked(port, stream_of(lesson.id, ticket_for(lesson.id))))
            event(answer)
        # `streaming` says where it waits longer. Boards come back by themselves.
        with suppress(IncompleteRead):
            answer.read()


@pytest.mark.parametrize("ticket", ["", "forged", "of another lesson"])
def test_without_a_ticket_of_its_own_nobody_hears_anything(port: int, ticket: str) -> None:
    lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
    shown = ticket_for(uuid4()) if ticket == "of another lesson" else ticket
    with asked(port, stream_of(lesson.id, shown)) as answer:
        assert answer.status == 403


def test_a_ticket_ends_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    lesson_id = uuid4()
    ticket = ticket_for(lesson_id)
    keys = keys_for(Purpose.STREAM)
    assert tickets.is_valid(ticket, lesson_id, keys)
    later = time.time() + tickets.SECONDS + 1
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    assert not tickets.is_valid(ticket, lesson_id, keys)


def test_what_is_no_stream_is_not_there(port: int) -> None:
    for path in ("/", "/stream/", "/stream/not-an-id/", f"/stream/{uuid4()}"):
        with asked(port, path) as answer:
            assert answer.status == 404


def test_a_live_store_that_goes_away_is_told_and_so_is_its_return(settings: Any) -> None:
    with own_live_store(settings) as live, streaming(REDIS_URL=live.url) as port:
        lesson = start_lesson(LessonPlan("Physics", minutes=45), teacher=TEACHER)
        with asked(port, stream_of(lesson.id, ticket_for(lesson.id))) as answer:
            before = event(answer)
            live.kill()
            assert event(answer) == ("away", "away")
            live.start()
            assert event(answer) == before
            check_in(lesson.id, student=Person("S-1", "Student 1"))
            assert event(answer)[0] == "changed"


def test_each_further_refused_attempt_is_told(port: int) -> None:
    plan = LessonPlan("Physics", minutes=45, checks=("code",))
    lesson = start_lesson(plan, teacher=TEACHER)
    told = []
    with asked(port, stream_of(lesson.id, ticket_for(lesson.id))) as answer:
        told.append(event(answer))
        for _ in range(3):
            with suppress(CodeMissing):
                check_in(lesson.id, student=Person("S-1", "Student 1"))
            told.append(event(answer))
    assert len(set(told)) == 4


def test_the_end_is_told_although_nothing_is_written(port: int) -> None:
    plan = LessonPlan("Physics", ends_at=store.now() + timedelta(seconds=2))
    lesson = start_lesson(plan, teacher=TEACHER)
    with asked(port, stream_of(lesson.id, ticket_for(lesson.id))) as answer:
        first, second = event(answer), event(answer)
    assert {first[0], second[0]} == {"changed"}
    assert first != second
    assert store.read_lesson(lesson.id).is_over
