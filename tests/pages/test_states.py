"""Every state of a lesson on every page that shows it: the table of docs/pages.md."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from attendance.live import client, keys, store
from attendance.models import LessonLedger
from attendance.services.lessons import LessonPlan, start_lesson
from attendance.services.persistence import unified_persistence_task
from attendance.vocabulary import LessonState
from tests.pages.visitors import signed_in, text_of
from tests.support.lessons import TEACHER, ended_lesson, live_lesson, student

pytestmark = pytest.mark.django_db(transaction=True)


def scheduled() -> UUID:
    later = store.now() + timedelta(minutes=5)
    return start_lesson(LessonPlan("Physics", minutes=45, starts_at=later), teacher=TEACHER).id


def live() -> UUID:
    return live_lesson(1).id


def ended() -> UUID:
    return ended_lesson(1).id


def failed() -> UUID:
    lesson_id = ended()
    LessonLedger.objects.filter(pk=lesson_id).update(state=LessonState.FAILED, attempts=1)
    return lesson_id


def saved() -> UUID:
    lesson_id = ended()
    unified_persistence_task()
    return lesson_id


def unreadable() -> UUID:
    lesson_id = ended()
    client.connection().hset(keys.lesson(lesson_id), "data", "{")
    unified_persistence_task()
    return lesson_id


def lost() -> UUID:
    lesson_id = ended()
    client.connection().delete(*keys.of_lesson(lesson_id))
    unified_persistence_task()
    return lesson_id


OVER = "This lesson is over"
NO_MARK = "You have no mark in this lesson"
DAMAGED = "The live data of this lesson is damaged"

# What a teacher's list, board and screen say, and a newcomer's check-in, and a student's own mark.
STATES: list[tuple[Callable[[], UUID], str, str, str, str, str]] = [
    (scheduled, "Not begun", "Not begun", "QR code of this lesson", "Not open yet", NO_MARK),
    (live, "Students check in now", "minutes left", "minutes left", "I am here", "You are here"),
    (ended, "Over, is being saved", "Over, is being saved", OVER, OVER, "You are here"),
    (failed, "Not saved yet", "Not saved yet", OVER, OVER, "You are here"),
    (saved, "Saved", "The register is stored for good", OVER, NO_MARK, "You are here"),
    (unreadable, "Needs your staff", DAMAGED, DAMAGED, DAMAGED, DAMAGED),
    (lost, "Lost from the live", "their phones bring their marks back", OVER, NO_MARK, NO_MARK),
]


@pytest.mark.parametrize(
    ("make", "listed", "board", "screen", "check_in", "mark"),
    STATES,
    ids=[each[0].__name__ for each in STATES],
)
def test_each_page_has_words_for_each_state(
    make: Callable[[], UUID], listed: str, board: str, screen: str, check_in: str, mark: str
) -> None:
    lesson_id = make()
    desk, phone, newcomer = (signed_in(x) for x in (TEACHER, student(1), student(2)))
    said = {
        "list": (desk, "/lessons/", listed),
        "board": (desk, f"/lessons/{lesson_id}/", board),
        "screen": (desk, f"/lessons/{lesson_id}/screen/", screen),
        "check-in": (newcomer, f"/lessons/{lesson_id}/here/", check_in),
        "own mark": (phone, f"/lessons/{lesson_id}/mine/", mark),
    }
    missing = {
        name: (words, text_of(page))
        for name, (client, path, words) in said.items()
        if words not in text_of(page := client.get(path, follow=True))
    }
    assert not missing


def test_what_is_damaged_is_not_asked_for_again_and_again() -> None:
    page = signed_in(TEACHER).get(f"/lessons/{unreadable()}/")
    assert page.status_code == 503
    assert 'http-equiv="refresh"' not in text_of(page)
    assert '<a href="/"' in text_of(page)


def test_the_board_of_a_lost_lesson_adds_nobody() -> None:
    page = text_of(signed_in(TEACHER).get(f"/lessons/{lost()}/"))
    assert "Add a student" not in page
    assert "Open the screen" not in page
