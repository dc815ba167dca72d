"""What pages show while a server is away: what is known, what to do, and that nothing is lost."""

from datetime import timedelta
from typing import Any

import pytest

from attendance.live import store
from tests.pages.visitors import STAFF, STUDENT, signed_in, started_lesson, text_of
from tests.support.lessons import TEACHER
from tests.support.outages import stop_redis

pytestmark = pytest.mark.django_db(transaction=True)


def test_without_postgresql_a_phone_checks_in_and_a_board_shows_it(no_postgresql: Any) -> None:
    lesson = started_lesson()
    phone, desk = signed_in(STUDENT), signed_in(TEACHER)
    phone.get("/")
    desk.get("/")

    no_postgresql()
    assert "I am here" in text_of(phone.get(f"/lessons/{lesson.id}/here/"))
    assert "You are here" in text_of(phone.post(f"/lessons/{lesson.id}/here/", follow=True))
    board = desk.get(f"/lessons/{lesson.id}/")
    assert (board.status_code, STUDENT.full_name in text_of(board)) == (200, True)
    past = desk.get("/lessons/")
    assert (past.status_code, "Nothing is lost" in text_of(past)) == (503, True)
    assert int(past.headers["Retry-After"]) > 0


def test_without_postgresql_operations_say_so(no_postgresql: Any) -> None:
    staff = signed_in(STAFF)
    staff.get("/")
    no_postgresql()
    page = staff.get("/admin/operations/")
    assert (page.status_code, "which does not answer" in text_of(page)) == (200, True)
    assert "Redis works" in text_of(page)


def test_without_redis_no_page_says_that_a_lesson_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    lesson = started_lesson()
    phone, desk, staff = signed_in(STUDENT), signed_in(TEACHER), signed_in(STAFF)
    with monkeypatch.context() as patch:
        stop_redis(patch)
        pages = [
            phone.get(f"/lessons/{lesson.id}/here/"),
            phone.post(f"/lessons/{lesson.id}/here/"),
            phone.post("/c/", {"code": "ABCD EFGH"}),
            desk.get(f"/lessons/{lesson.id}/"),
            desk.get(f"/lessons/{lesson.id}/screen/code/"),
        ]
        operations = staff.get("/admin/operations/")
    assert [page.status_code for page in pages] == [503] * 5
    for page in pages[:2]:
        assert "The server is busy" in text_of(page)
    assert "Nothing is lost" in text_of(pages[1])
    assert "every mark that was confirmed is kept" in text_of(pages[3])
    # What could not be looked at was not kept, and no page may say that it was.
    assert "is kept" not in text_of(pages[2])
    assert operations.status_code == 200
    assert "Redis works" not in text_of(operations)
    assert store.read_lesson(lesson.id).record_count == 0


def test_an_action_that_redis_could_not_take_is_sent_again_with_one_click(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lesson = started_lesson()
    desk = signed_in(TEACHER)
    board = f"/lessons/{lesson.id}/"
    sent = {"minutes": "15", "request_id": "extend-1"}
    with monkeypatch.context() as patch:
        stop_redis(patch)
        page = desk.post(f"{board}extend/", sent, HTTP_REFERER=f"http://testserver{board}")
        looked = desk.get(board)
    told = text_of(page)
    assert page.status_code == looked.status_code == 503
    for name, value in sent.items():
        assert f'<input type="hidden" name="{name}" value="{value}">' in told
    assert f'action="{board}extend/"' in told
    assert f'href="{board}"' in told
    # A page that was only looked at comes back by itself; an action waits for the person.
    assert 'http-equiv="refresh"' in text_of(looked)
    assert 'http-equiv="refresh"' not in told

    assert desk.post(f"{board}extend/", sent).status_code == 302
    assert store.read_lesson(lesson.id).ends_at == lesson.ends_at + timedelta(minutes=15)


def test_a_failed_action_leads_back_to_no_other_site(monkeypatch: pytest.MonkeyPatch) -> None:
    lesson = started_lesson()
    desk = signed_in(TEACHER)
    stop_redis(monkeypatch)
    page = desk.post(
        f"/lessons/{lesson.id}/finish/", {"request_id": "f"}, HTTP_REFERER="https://evil.example/"
    )
    assert "evil.example" not in text_of(page)
    assert f'<a href="/lessons/{lesson.id}/">' in text_of(page)
