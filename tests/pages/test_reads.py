"""Pages ask for what they need: round trips to the live store and queries, counted."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from attendance.live import client, store
from attendance.services.check_in import check_in
from attendance.services.lessons import finish_lesson
from tests.pages.visitors import signed_in, started_lesson, text_of
from tests.support.lessons import TEACHER, student

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each round trip to the live store, by the script that it begins with."""
    seen: list[str] = []
    run_many, command = client.run_many, client.command

    def counted(calls: Any) -> Any:
        seen.append(calls[0].script)
        return run_many(calls)

    def other(work: Callable[[Any], Any], *, key: str = "") -> Any:
        seen.append("a command")
        return command(work, key=key)

    monkeypatch.setattr(client, "run_many", counted)
    monkeypatch.setattr(client, "command", other)
    return seen


def scripts(trips: list[str]) -> list[str]:
    """Those that run a script."""
    return [each for each in trips if each != "a command"]


def test_the_poll_of_an_idle_board_is_one_round_trip(trips: list[str]) -> None:
    lesson, desk = started_lesson(), signed_in(TEACHER)
    for number in range(30):
        check_in(lesson.id, student=student(number))
    known = desk.get(f"/lessons/{lesson.id}/").context["known"]
    trips.clear()

    with CaptureQueriesContext(connection) as queries:
        answer = desk.get(f"/lessons/{lesson.id}/rows/", {"known": known})

    assert (answer.status_code, answer.content) == (204, b"")
    assert trips == ["register"]
    assert len(queries) == 0


def test_a_board_hears_of_marks_refusals_and_the_end(trips: list[str]) -> None:
    lesson, desk = started_lesson("code"), signed_in(TEACHER)
    path = f"/lessons/{lesson.id}/rows/"
    known = desk.get(path).context["known"]
    for _ in range(2):
        # The same student and code again: only how often has changed.
        with pytest.raises(Exception, match="code"):
            check_in(lesson.id, student=student(1))
        answer = desk.get(path, {"known": known})
        assert answer.status_code == 200
        known = answer.context["known"]
        assert desk.get(path, {"known": known}).status_code == 204
    finish_lesson(lesson.id, actor=TEACHER)
    ended = desk.get(path, {"known": known})
    assert ended.status_code == 200
    assert desk.get(path, {"known": ended.context["known"]}).status_code == 204


def test_the_page_of_a_record_reads_that_record(trips: list[str]) -> None:
    lesson, desk = started_lesson(), signed_in(TEACHER)
    for number in range(30):
        check_in(lesson.id, student=student(number))
    desk.get("/")
    trips.clear()

    page = desk.get(f"/lessons/{lesson.id}/records/s-0007/")

    assert "Student 0007" in text_of(page)
    assert scripts(trips) == ["read_history"]


@pytest.mark.parametrize("version", ["", "x", "1-2", "9999-9999-live", "-1--1-live"])
def test_a_version_that_is_none_gives_the_whole_board(version: str) -> None:
    lesson, desk = started_lesson(), signed_in(TEACHER)
    answer = desk.get(f"/lessons/{lesson.id}/rows/", {"known": version})
    assert answer.status_code == 200
    assert store.read_lesson(lesson.id).is_open
